"""What a run does with one account, as a conversation without I/O: the domain's own (`domain.process`), after
a payment that was begun before has its end.

The steps are the domain's, and FinishStep. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias

import msgspec

from domain.calendar import Instant
from domain.catalog import Catalogues
from domain.conclude import AnsweredPayment
from domain.process import (
    AppendStep,
    CancelStep,
    ChargeStep,
    RefundStep,
    Reply,
    consent_answered,
    settle_due,
)
from domain.state import Account, PendingPayment


class FinishStep(msgspec.Struct, frozen=True):
    """Take over this payment, whose process is gone. The answer is the provider's."""

    payment: PendingPayment


class Answered(msgspec.Struct, frozen=True):
    """The answer to the payment of that intent is known: only recording it has failed."""

    intent: int
    reply: AnsweredPayment


BillingStep: TypeAlias = AppendStep | ChargeStep | CancelStep | RefundStep | FinishStep
Settling: TypeAlias = Generator[BillingStep, Reply | None, Account]


def settling(
    state: Account,
    until: Instant,
    catalogues: Catalogues,
    unfinished: FinishStep | ChargeStep | Answered | None,
) -> Settling:
    """Settle everything due up to the instant, and return the state then. `unfinished`: how the payment that
    the state waits for comes to its end first."""
    if unfinished is not None:
        if isinstance(unfinished, Answered):
            reply: Reply | None = unfinished.reply
        else:
            reply = yield unfinished
        assert isinstance(reply, AnsweredPayment)
        state = yield from consent_answered(state, reply, catalogues)
    return (yield from settle_due(state, until, catalogues))
