"""What the test gateways play: tokens that stand for outcomes, and saved methods that work or do not."""

from __future__ import annotations

from decimal import Decimal
from typing import Final
from uuid import UUID

import msgspec

from domain.conclude import PaymentAnswer
from service.gateways.port import RENEWING, Charged, Confirmation, Means

DECLINED: Final = Confirmation("tok_declined")
"""At the test gateways: declined; saved as a method, it does not work."""
DECLINED_FOR_GOOD: Final = Confirmation("tok_declined_for_good")
"""At the test gateways: declined, and it never will be accepted (R54)."""
ACTION_REQUIRED: Final = Confirmation("tok_action_required")
"""At the test gateways: it waits for the customer's own consent (R96)."""
ANSWER_LOST: Final = Confirmation("tok_answer_lost")
"""At the test gateways: charged, but the answer never arrives."""
UNREACHABLE: Final = Confirmation("tok_unreachable")
"""At the test gateways: neither charged nor answered."""
CONFIRMED: Final = Confirmation("tok_confirmed")
"""At the test gateways paid, as every other token; unless the saved method was set not to work."""


class PlayedMethod(msgspec.Struct, frozen=True):
    """A saved method of an account at the test gateways."""

    works: bool = True
    final: bool = False
    pending: bool = False

    @classmethod
    def of(cls, token: Confirmation) -> PlayedMethod:
        """The method that the token stands for."""
        return cls(token not in (DECLINED, DECLINED_FOR_GOOD), token == DECLINED_FOR_GOOD)

    def answer(self, means: Means) -> PaymentAnswer:
        """How a charge of the account is answered."""
        if means == ACTION_REQUIRED:
            return "action_required"
        if means == DECLINED:
            return "declined"
        if not self.works or means == DECLINED_FOR_GOOD:
            return "declined_final" if self.final or means == DECLINED_FOR_GOOD else "declined"
        return "pending" if self.pending and means == RENEWING else "paid"


def charged_as(key: UUID, answer: PaymentAnswer) -> Charged:
    """The answer, with its reference where it waits for the customer."""
    return Charged(answer, reference_of(key) if answer == "action_required" else None)


def reference_of(key: UUID) -> str:
    """What the customer's browser would need."""
    return f"ref_{key}"


def check_amount(amount: Decimal, currency: str) -> None:
    """Raise ValueError unless there is something to move."""
    if amount <= 0:
        raise ValueError(f"nothing is moved that is not above zero: {amount} {currency}")
