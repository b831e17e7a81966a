"""Disputes of what a payment method paid (R58): facts from the provider, each once."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from domain import events as e
from domain.answers import Refusal
from domain.calendar import CivilDate
from domain.catalog import Catalog
from domain.commands import LoseDispute, OpenDispute, WinDispute
from domain.crediting import billed_item, packs_of
from domain.proposals import Context, Proposal, Proposed, Unchanged, unknown_invoice
from domain.state import Account, InvoiceRecord


def open_dispute(ctx: Context, command: OpenDispute) -> Proposed:
    """Nothing of the account can be used from now on."""
    if _known(ctx.state, command.invoice):
        return _known_already(ctx.state.record(command.invoice))
    record = _disputable(ctx.state, command.invoice)
    if isinstance(record, Refusal):
        return record
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
        remind_before=reminding(ctx.catalog),
    )
    return Proposal(lost, while_past_due=True)


def _known_already(record: InvoiceRecord) -> Unchanged:
    """The provider said it before: `dispute` is what it said last. A late payment that failed is lost too."""
    last = record.dispute_facts[-1] if record.dispute_facts else "lost"
    return Unchanged({"invoice": record.number, "dispute": last})


def _known(state: Account, number: int) -> bool:
    """A dispute of the invoice was heard of; a loss that was not opened before is both at once."""
    return number in state.invoices and bool(state.record(number).dispute_facts)


def items_of_today(state: Account, number: int, today: CivilDate) -> tuple[str, ...]:
    """The items that are held and whose charged days on the invoice include today."""
    charged = [
        billed_item(state, number, place)
        for place, line in enumerate(state.invoices[number].lines)
        if line.kind != "credit_line" and line.from_date <= today < line.to_date
    ]
    items = [item.product for item in charged if item is not None and item.cycle is not None]
    packs = [pack.product for pack in packs_of(state, number)]
    return tuple(dict.fromkeys([*items, *packs]))


def reminding(catalog: Catalog) -> int | UnsetType:
    """How many days before a lapse the customer is reminded; UNSET: nobody is (R55)."""
    policy = catalog.policies.collection
    return UNSET if policy is None else policy.remind_before_lapse


def _disputable(state: Account, number: int) -> InvoiceRecord | Refusal:
    """An invoice of which a method paid something that was not refunded; of one issued anew that pays the
    new one (R67)."""
    if number not in state.invoices or state.record(number).reissued:
        return unknown_invoice(number)
    record = state.record(number)
    return record if record.by_method > record.refunded else unknown_invoice(number)
