"""Conversations with the domain (`domain.process`), their steps taken by coroutines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from domain import events as e
from domain.conclude import PaymentReply
from domain.process import (
    AppendStep,
    CancelStep,
    ChargeStep,
    Conversation,
    RefundAnswer,
    RefundStep,
    Reply,
    Returned,
)
from domain.state import Account, PendingPayment, PendingRefund


async def drive(
    conversation: Conversation[Returned],
    *,
    append: Callable[[tuple[e.Event, ...]], Awaitable[Account]],
    charge: Callable[[PendingPayment], Awaitable[PaymentReply]],
    cancel: Callable[[PendingPayment], Awaitable[PaymentReply]],
    refund: Callable[[PendingRefund], Awaitable[RefundAnswer]],
) -> Returned:
    """As `domain.process.drive`: what the conversation returns, once each of its steps is taken."""
    reply: Reply | None = None
    try:
        while True:
            try:
                step = conversation.send(reply)
            except StopIteration as done:
                returned: Returned = done.value
                return returned
            match step:
                case AppendStep():
                    reply = await append(step.events)
                case ChargeStep():
                    reply = await charge(step.payment)
                case CancelStep():
                    reply = await cancel(step.payment)
                case RefundStep():
                    reply = await refund(step.refund)
    finally:
        conversation.close()
