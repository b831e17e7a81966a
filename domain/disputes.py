"""Disputes of what a payment method paid (R58): facts from the provider, each once."""

from __future__ import annotations

from domain import events as e
from domain.answers import Refusal
from domain.calendar import CivilDate
from domain.commands import LoseDispute, OpenDispute, WinDispute
from domain.proposals import Context, Proposal, Proposed, Unchanged, unknown_invoice
from domain.state import Account, InvoiceRecord


def open_dispute(ctx: Context, command: OpenDispute) -> Proposed:
    """Nothing of the account can be used from now on."""
    record = _disputable(ctx.state, command.invoice)
    if isinstance(record, Refusal):
        return record
    if record.dispute_facts:
        return _known_already(record)
    opened = e.DisputeOpened(
        at=ctx.at, command=ctx.command, number=record.number, amount=record.by_method - record.refunded
    )
    return Proposal(opened, while_past_due=True)


def win_dispute(ctx: Context, command: WinDispute) -> Proposed:
    """What is still held can be used again from now on."""
    if command.invoice not in ctx.state.invoices:
        return unknown_invoice(command.invoice)
    record = ctx.state.record(command.invoice)
    if record.disputed_at is None:
        return _known_already(record) if record.dispute_facts else unknown_invoice(record.number)
    return Proposal(e.DisputeWon(at=ctx.at, command=ctx.command, number=record.number), while_past_due=True)


def lose_dispute(ctx: Context, command: LoseDispute) -> Proposed:
    """The amount is due again; the invoice's items of today stay unusable. Not opened before, it is both at
    once."""
    if command.invoice in ctx.state.invoices and ctx.state.record(command.invoice).charged_back:
        return _known_already(ctx.state.record(command.invoice))
    record = _disputable(ctx.state, command.invoice)
    if isinstance(record, Refusal):
        return record
    lost = e.DisputeLost(
        at=ctx.at,
        command=ctx.command,
        number=record.number,
        amount=record.by_method - record.refunded,
        suspended=items_of_today(ctx.state, record.number, ctx.today),
    )
    return Proposal(lost, while_past_due=True)


def _known_already(record: InvoiceRecord) -> Unchanged:
    """The provider said it before: `dispute` is what it said last. A late payment that failed is lost too."""
    last = record.dispute_facts[-1] if record.dispute_facts else "lost"
    return Unchanged({"invoice": record.number, "dispute": last})


def items_of_today(state: Account, number: int, today: CivilDate) -> tuple[str, ...]:
    """The items that are held and whose charged days on the invoice include today."""
    charged = {
        line.product
        for line in state.invoices[number].lines
        if line.kind != "credit_line" and line.from_date <= today < line.to_date
    }
    return tuple([item.product for item in state.items if item.product in charged and item.cycle is not None])


def _disputable(state: Account, number: int) -> InvoiceRecord | Refusal:
    """An invoice of which a method paid something that was not refunded."""
    if number not in state.invoices:
        return unknown_invoice(number)
    record = state.record(number)
    return record if record.by_method > record.refunded or record.disputed_at else unknown_invoice(number)
