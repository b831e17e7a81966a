"""Drive a conversation up to a payment that is left without an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from domain.conclude import PaymentReply
from domain.events import Event
from domain.process import Conversation, RefundAnswer, drive
from domain.state import Account, PendingPayment

Returned = TypeVar("Returned")


class _Unanswered(Exception):  # noqa: N818 - not an error: the story ends here
    pass


def drive_until_unanswered(
    conversation: Conversation[Returned],
    append: Callable[[tuple[Event, ...]], Account],
    charge: Callable[[PendingPayment], PaymentReply | None],
    refund: RefundAnswer = "refunded",
) -> Returned | None:
    """Like `drive`, but return None at the first payment for which `charge` returns None. `refund`: the
    answer to every refund."""

    def answered(payment: PendingPayment) -> PaymentReply:
        answer = charge(payment)
        if answer is None:
            raise _Unanswered
        return answer

    try:
        return drive(conversation, append=append, charge=answered, refund=lambda _: refund)
    except _Unanswered:
        return None
