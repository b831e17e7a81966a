"""What customer and finance do about what is due (R54, R56, R57): another payment method, no further tries,
money that came in another way."""

from __future__ import annotations

from decimal import Decimal

from domain import events as e
from domain.answers import Refusal
from domain.collection import paid_by, shares_of
from domain.commands import RecordPayment, StopTries
from domain.proposals import (
    Context,
    Proposal,
    Proposed,
    Unchanged,
    amount_given,
    not_creditable,
    unknown_invoice,
)
from domain.state import Account


def set_payment_method(ctx: Context) -> Proposed:
    """Another method was saved; while past due the balance is tried with it at once (R56)."""
    state = ctx.state
    saved = e.PaymentMethodSet(at=ctx.at, command=ctx.command)
    tried = state.amount_due if state.past_due and not state.disputed else None
    return Proposal(saved, while_past_due=True, pays=tried, follows_method=True)


def stop_tries(ctx: Context, command: StopTries) -> Proposed:
    """No further try for the invoice (R54); one that is paid or uncollectible is not tried anyway."""
    if command.invoice not in ctx.state.invoices:
        return unknown_invoice(command.invoice)
    record = ctx.state.record(command.invoice)
    if record.tries_stopped or record.status != "open":
        return Unchanged({"invoice": command.invoice})
    stopped = e.TriesStopped(at=ctx.at, command=ctx.command, number=command.invoice, ticket=command.ticket)
    return Proposal(stopped, while_past_due=True)


def record_payment(ctx: Context, command: RecordPayment) -> Proposed:
    """Money came in another way: it lowers what is due, the oldest invoice first; what is left over is
    account credit; for an invoice that was written off it is recovered, up to what was given up (R57,
    R68)."""
    state = ctx.state
    amount = amount_given(ctx, command.amount)
    if isinstance(amount, Refusal):
        return amount
    if command.invoice is not None:
        if refusal := _not_recoverable(state, command.invoice, amount):
            return refusal
        return Proposal(_recorded(ctx, command, amount, (), amount - amount), while_past_due=True)
    shares, left = shares_of(state, amount)
    return Proposal(_recorded(ctx, command, amount, shares, left), while_past_due=True)


def _not_recoverable(state: Account, number: int, amount: Decimal) -> Refusal | None:
    """Nothing of the invoice was written off, or all of it came in; or more than that is named (R68)."""
    if number not in state.invoices:
        return unknown_invoice(number)
    written_off = state.record(number).written_off
    if written_off <= 0:
        return not_creditable(number)
    if amount <= written_off:
        return None
    facts = {"invoice": number, "recoverable": str(written_off), "currency": state.currency}
    return Refusal("over_credited", facts)


def _recorded(
    ctx: Context, command: RecordPayment, amount: Decimal, shares: tuple[e.Share, ...], left: Decimal
) -> e.PaymentRecorded:
    paid, restored = paid_by(ctx.state, shares)
    return e.PaymentRecorded(
        at=ctx.at,
        command=ctx.command,
        amount=amount,
        received_on=command.received_on,
        reference=command.reference,
        shares=shares,
        to_account=left,
        paid=paid,
        restored=restored,
        recovered=command.invoice,
    )
