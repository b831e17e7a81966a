"""`conclude`: what the answer to a payment makes of its intent (R16)."""

from __future__ import annotations

from typing import Literal, assert_never

from domain import events as e
from domain.state import Account, PendingPayment

PaymentAnswer = Literal["paid", "declined", "cancelled"]
"""`cancelled`: it was never made, and never will be under this key."""


def conclude(state: Account, answer: PaymentAnswer) -> tuple[e.Event, ...]:
    """The events that follow the answer to the account's pending payment: effective at the instant of its
    intent."""
    payment = state.payment
    if payment is None:
        raise ValueError("no payment of this account waits for an answer")
    if answer == "cancelled":
        return (e.PaymentCancelled(at=payment.at, command=_command(payment), purpose=payment.purpose),)
    return (_paid(state, payment) if answer == "paid" else _declined(state, payment),)


def _paid(state: Account, payment: PendingPayment) -> e.Event:
    match payment.purpose:
        case "purchase" | "scheduled_resume":
            assert payment.if_paid is not None
            return payment.if_paid
        case "renewal" | "balance" | "balance_retry":
            assert payment.invoice_number is not None
            return e.InvoicePaid(
                at=payment.at,
                command=_command(payment),
                number=payment.invoice_number,
                amount=payment.amount,
                restored=_unpaid_items(state),
            )
        case _:
            assert_never(payment.purpose)


def _declined(state: Account, payment: PendingPayment) -> e.Event:
    match payment.purpose:
        case "purchase" | "balance":
            return e.PaymentDeclined(at=payment.at, command=_command(payment), amount=payment.amount)
        case "renewal":
            assert state.open_invoice is not None
            return e.RenewalDeclined(
                at=payment.at, number=state.open_invoice.number, suspended=state.open_invoice.items
            )
        case "balance_retry":
            assert payment.invoice_number is not None
            return e.ItemsLapsed(
                at=payment.at,
                number=payment.invoice_number,
                items=payment.items,
                written_off=False,
                account_anchor=state.anchor_without(payment.items),
            )
        case "scheduled_resume":
            assert isinstance(payment.if_paid, e.PlanResumed)
            resume = payment.if_paid
            return e.ResumeDropped(
                at=payment.at, family=resume.family, product=resume.product, reason="payment_declined"
            )
        case _:
            assert_never(payment.purpose)


def _unpaid_items(state: Account) -> tuple[str, ...]:
    """What is suspended and still held, and so usable again once the open invoice is paid (R40)."""
    return tuple([item.product for item in state.items if item.unpaid_since is not None])


def _command(payment: PendingPayment) -> e.CommandRef | None:
    if payment.role is None:
        return None
    return e.CommandRef(payment.role, payment.command_id, payment.fingerprint)
