"""What the test gateways play: tokens that stand for outcomes, and saved methods that work or do not."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Final, get_args
from uuid import UUID

import msgspec

from domain.conclude import PaymentAnswer
from domain.events import DeclineReason
from service.completing import blocking_sleep
from service.gateways.port import RENEWING, Charged, Confirmation, Means, MovementStatus, RefundMade

DECLINED: Final = Confirmation("tok_declined")
"""At the test gateways: declined; saved as a method, it does not work."""
DECLINED_FOR_GOOD: Final = Confirmation("tok_declined_for_good")
"""At the test gateways: declined, and it never will be accepted (R54)."""
DECLINED_FOR: Final[dict[DeclineReason, Confirmation]] = {
    reason: Confirmation(f"tok_declined_{reason}") for reason in get_args(DeclineReason)
}
"""At the test gateways: declined, and the provider says why."""
ACTION_REQUIRED: Final = Confirmation("tok_action_required")
"""At the test gateways: it waits for the customer's own consent (R96)."""
ANSWER_LOST: Final = Confirmation("tok_answer_lost")
"""At the test gateways: charged, but the answer never arrives."""
UNREACHABLE: Final = Confirmation("tok_unreachable")
"""At the test gateways: neither charged nor answered."""
CONFIRMED: Final = Confirmation("tok_confirmed")
"""At the test gateways paid, as every other token; unless the saved method was set not to work."""

_REASONS: Final = {token: reason for reason, token in DECLINED_FOR.items()}


class PlayedMethod(msgspec.Struct, frozen=True):
    """A saved method of an account at the test gateways."""

    works: bool = True
    final: bool = False
    pending: bool = False
    decline_reason: DeclineReason | None = None

    @classmethod
    def of(cls, token: Means) -> PlayedMethod:
        """The method that the token stands for."""
        if not isinstance(token, Confirmation):
            return _AS_USUAL
        reason = _REASONS.get(token)
        works = reason is None and token not in (DECLINED, DECLINED_FOR_GOOD)
        return cls(works, token == DECLINED_FOR_GOOD, decline_reason=reason)

    def answer(self, means: Means) -> Charged:
        """How a charge of the account is answered, but for the reference."""
        if means == ACTION_REQUIRED:
            return Charged("action_required")
        own = PlayedMethod.of(means)
        for method in (own, self):
            if not method.works:
                final = method.final or (self.final and not self.works and means != DECLINED)
                answer: PaymentAnswer = "declined_final" if final else "declined"
                return Charged(answer, decline_reason=method.decline_reason)
        return Charged("pending" if self.pending and means == RENEWING else "paid")


_AS_USUAL: Final = PlayedMethod()


def with_reference(key: UUID, charged: Charged) -> Charged:
    """The answer, with its reference where it waits for the customer."""
    if charged.answer != "action_required":
        return charged
    return msgspec.structs.replace(charged, reference=reference_of(key))


def reference_of(key: UUID) -> str:
    """What the customer's browser would need."""
    return f"ref_{key}"


def status_of(answer: PaymentAnswer | RefundMade) -> MovementStatus:
    """How the charge or refund stands in the provider's own list."""
    match answer:
        case "declined_final":
            return "declined"
        case "failed":
            return "refund_failed"
        case _:
            return answer


def check_amount(amount: Decimal, currency: str) -> None:
    """Raise ValueError unless there is something to move."""
    if amount <= 0:
        raise ValueError(f"nothing is moved that is not above zero: {amount} {currency}")


async def pause(seconds: float) -> None:
    """Wait: other tasks of the event loop go on; without a loop the thread sleeps."""
    if seconds <= 0:
        return
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        await blocking_sleep(seconds)
    else:
        await asyncio.sleep(seconds)
