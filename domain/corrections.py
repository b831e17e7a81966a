"""Corrections by staff (R59-R68): credit notes, invoices issued anew, write-offs, paying out account
credit."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from domain import events as e
from domain.answers import Refusal
from domain.calendar import days_after, days_between
from domain.collection import available_credit
from domain.commands import CreditNote, PayOut, Reissue, WriteOff
from domain.crediting import billed_item, days_credited, days_within, left_of, packs_of, share_of
from domain.errors import InvalidInput
from domain.evolve import evolve
from domain.lapsing import lapse
from domain.money import parse_amount, zero
from domain.notes import Issue, Part, credit_note, lines_left, unusable
from domain.proposals import Context, Proposal, Proposed, amount_given, not_creditable, unknown_invoice
from domain.state import AddonItem, InvoiceRecord, Pack, PlanItem
from domain.tax import taxed

SUPPORT_DAYS = 29
"""Days before today that count for support's limit with today (R60)."""


Ended = PlanItem | AddonItem | Pack


def give_credit_note(ctx: Context, command: CreditNote) -> Proposed:
    """Take back an invoice, or of one of its lines what is left, an amount, or days (R61, R62, R64)."""
    if refusal := _not_creditable(ctx, command):
        return refusal
    ending = _ended_items(ctx, command) if command.end else ()
    if isinstance(ending, Refusal):
        return ending
    parts = _parts(ctx, command)
    if isinstance(parts, Refusal):
        return parts
    state = ctx.state
    issue = Issue(ctx.at, ctx.today, ctx.command, command.reason, command.to, command.ticket)
    note = credit_note(state, command.invoice, parts, issue, ended=[item.product for item in ending])
    if refusal := _limit_exceeded(ctx, note.total):
        return refusal
    return Proposal(note, while_past_due=True, then=_ends_with(ctx, note, ending))


def _ends_with(ctx: Context, note: e.CreditNoteIssued, items: tuple[Ended, ...]) -> tuple[e.Event, ...]:
    """What ends with the note. Of what is suspended the rest goes by R41a: nobody pays for what could not be
    used (R64)."""
    suspended = [item.product for item in items if item.unpaid_since is not None]
    paid_for = tuple([item for item in items if item.unpaid_since is None])
    if not suspended:
        return _end(ctx, items)
    after = evolve(ctx.state, note)
    if lapsed := lapse(after, suspended, ctx.at, ctx.today, ctx.command):
        return (*_end(ctx, paid_for), *lapsed)
    rest = lines_left(after, note.invoice, suspended)
    if not rest:
        return _end(ctx, items)
    issue = Issue(ctx.at, ctx.today, ctx.command, "not_supplied")
    return (*_end(ctx, items), credit_note(after, note.invoice, rest, issue, ended=suspended))


def _not_creditable(ctx: Context, command: CreditNote) -> Refusal | None:
    """The invoice or line is not known, or nothing of it can be taken back so (R61)."""
    state, number = ctx.state, command.invoice
    if number not in state.invoices:
        return unknown_invoice(number)
    record, lines = state.record(number), state.invoices[number].lines
    if command.line is not None and command.line > len(lines):
        return unknown_invoice(number)
    if record.status == "uncollectible" or record.reissued or record.disputed_at is not None or record.late:
        return not_creditable(number)
    if command.line is None:
        return None
    line = lines[command.line - 1]
    by_days = command.from_date is not None
    if line.kind == "credit_line" or (by_days and line.days is None):
        return not_creditable(number)
    return None


def _parts(ctx: Context, command: CreditNote) -> tuple[Part, ...] | Refusal:
    """What is taken back, no more than is left."""
    state, number = ctx.state, command.invoice
    if command.line is None:
        parts = lines_left(state, number)
        return parts if sum([p.net for p in parts]) > 0 else _over_credited(number)
    place = command.line - 1
    record, line = state.record(number), state.invoices[number].lines[place]
    left = left_of(record, place, line)
    if command.from_date is not None and command.until is not None:
        return _days(command, record, place, line, left)
    net = left if command.net is None else _net(ctx, command.net)
    if net is None or net <= 0 or net > left:
        return _over_credited(number)
    return (Part(place, net),)


def _days(
    command: CreditNote, record: InvoiceRecord, place: int, line: e.Line, left: Decimal
) -> tuple[Part, ...] | Refusal:
    """The days of the line, each once; with the last of its days, what is left (R61)."""
    assert command.from_date is not None
    assert command.until is not None
    assert line.days is not None
    spans = days_credited(record, place)
    inside = line.from_date <= command.from_date < command.until <= line.to_date
    if not inside or days_within(spans, command.from_date, command.until):
        return _over_credited(command.invoice)
    days = days_between(command.from_date, command.until)
    last = days + days_within(spans, line.from_date, line.to_date) == line.days
    net = left if last else min(share_of(line.net, Decimal(days), Decimal(line.days)), left)
    if net <= 0:
        return _over_credited(command.invoice)
    return (Part(place, net, command.from_date, command.until),)


def _net(ctx: Context, text: str) -> Decimal | None:
    try:
        return parse_amount(text, ctx.state.currency, "$.net")
    except InvalidInput:
        return None


# ---- ending an item by a correction (R64) --------------------------------------


def _ended_items(ctx: Context, command: CreditNote) -> tuple[Ended, ...] | Refusal:
    """What ends: of each item the correction takes back all days left of its charged cycle, today among
    them, or the whole pack."""
    state, number = ctx.state, command.invoice
    if command.line is None:
        places = [part.line for part in lines_left(state, number)]
    else:
        places = [command.line - 1] if command.net is None else []
    found: list[Ended] = []
    for place in places:
        item = _ended_by(ctx, command, place)
        if item is None:
            return not_creditable(number)
        if item not in found:
            found.append(item)
    return tuple(found) or not_creditable(number)


def _ended_by(ctx: Context, command: CreditNote, place: int) -> Ended | None:
    state = ctx.state
    line = state.invoices[command.invoice].lines[place]
    if line.kind == "credits":
        whole = left_of(state.record(command.invoice), place, line) == line.net
        return next(iter(packs_of(state, command.invoice)), None) if whole else None
    item = billed_item(state, command.invoice, place)
    if line.days is None or item is None or item.cycle is None or item.cycle.end != line.to_date:
        return None
    start, until = command.from_date or line.from_date, command.until or line.to_date
    return item if start <= ctx.today < until == line.to_date else None


def _end(ctx: Context, items: tuple[Ended, ...]) -> tuple[e.Event, ...]:
    """The ends of these items now, plans first; the account anchor is re-read after each (R3)."""
    events: list[e.Event] = []
    gone: list[str] = []
    for item in items:
        if isinstance(item, Pack):
            events.append(
                e.CreditsReturned(
                    at=ctx.at,
                    command=ctx.command,
                    product=item.product,
                    credits=item.credits,
                    expires_on=item.expires_on,
                )
            )
        elif isinstance(item, PlanItem):
            gone.append(item.product)
            events.append(
                e.PlanEnded(
                    at=ctx.at,
                    command=ctx.command,
                    family=item.family,
                    product=item.product,
                    reason="refunded",
                    account_anchor=ctx.state.anchor_without(gone),
                )
            )
        else:
            events.append(
                e.AddonEnded(at=ctx.at, command=ctx.command, product=item.product, reason="refunded")
            )
    return tuple(events)


# ---- who may how much (R60) ------------------------------------------------------


def _limit_exceeded(ctx: Context, amount: Decimal) -> Refusal | None:
    """Support gives up to a limit within 30 days, today among them."""
    if ctx.command.role != "support":
        return None
    since = days_after(ctx.today, -SUPPORT_DAYS)
    nothing = zero(ctx.state.currency)
    given = sum([a for day, a in ctx.state.standing.corrected_by_support if day >= since], nothing)
    limit = ctx.catalog.policies.support_limit.get(ctx.state.currency, nothing)
    if given + amount <= limit:
        return None
    facts = {"limit": str(limit), "given": str(given), "currency": ctx.state.currency}
    return Refusal("limit_exceeded", facts)


def support_may_give(ctx: Context, amount: Decimal) -> Refusal | None:
    """Goodwill counts for the limit as a credit note does (R60)."""
    return _limit_exceeded(ctx, amount)


# ---- reissue, write-off, pay-out ----------------------------------------------------


def reissue(ctx: Context, command: Reissue) -> Proposed:
    """Take back a paid invoice and issue it anew with today's tax profile, at its own date (R67)."""
    state, number = ctx.state, command.invoice
    if number not in state.invoices:
        return unknown_invoice(number)
    record, old = state.record(number), state.invoices[number]
    credit_lines = any(line.kind == "credit_line" for line in old.lines)
    if record.status != "paid" or record.credited or record.reissued or credit_lines:
        return not_creditable(number)
    if record.disputed_at is not None or record.charged_back:
        return not_creditable(number)
    new = _issued_anew(ctx, old)
    if new.total > old.total:
        return not_creditable(number)
    if not old.total:
        return _over_credited(number)
    issue = Issue(ctx.at, ctx.today, ctx.command, "tax", command.to, command.ticket)
    note = credit_note(state, number, lines_left(state, number), issue, whole_reissue=new.total)
    return Proposal(
        e.InvoiceReissued(at=ctx.at, command=ctx.command, note=note, invoice=new), while_past_due=True
    )


def _issued_anew(ctx: Context, old: e.Invoice) -> e.Invoice:
    state = ctx.state
    lines = old.lines
    if ctx.catalogues.taxes is not None:
        taxes = ctx.catalogues.taxes.taxes_of(state.standing.tax_profile, old.date)
        lines = taxed(lines, taxes, state.currency)
    else:
        lines = tuple([msgspec.structs.replace(line, taxes=msgspec.UNSET) for line in lines])
    total = sum([line.net + line.tax for line in lines], zero(state.currency))
    by_credit = min(old.credit_taken, total)
    return e.Invoice(
        state.next_invoice,
        old.date,
        state.currency,
        total,
        lines,
        ctx.at,
        by_credit or msgspec.UNSET,
    )


def write_off(ctx: Context, command: WriteOff) -> Proposed:
    """Give up what is due of a charged-back invoice; its items that are held end now (R68)."""
    state, number = ctx.state, command.invoice
    if number not in state.invoices:
        return unknown_invoice(number)
    record = state.record(number)
    if not record.charged_back or record.status != "open":
        return not_creditable(number)
    items = unusable(state, record)
    anchor = state.anchor_without(items) if items else state.anchor
    lapsed = e.ItemsLapsed(
        at=ctx.at,
        command=ctx.command,
        number=number,
        items=items,
        written_off=False,
        account_anchor=anchor,
    )
    written_off = e.InvoiceWrittenOff(
        at=ctx.at,
        command=ctx.command,
        number=number,
        amount=record.due,
        items=items,
        account_anchor=anchor,
        ticket=command.ticket,
    )
    return Proposal(written_off, while_past_due=True, before=(lapsed,) if items else ())


def pay_out(ctx: Context, command: PayOut) -> Proposed:
    """Give account credit back to the customer; what a payment under way takes stays (R63)."""
    held = available_credit(ctx.state)
    amount = held if command.amount is None else amount_given(ctx, command.amount)
    if isinstance(amount, Refusal):
        return amount
    if not amount or amount > held:
        return Refusal("over_credited", {"credit": str(held), "currency": ctx.state.currency})
    paid = e.CreditPaidOut(at=ctx.at, command=ctx.command, amount=amount, ticket=command.ticket)
    return Proposal(paid, while_past_due=True)


def _over_credited(number: int) -> Refusal:
    """More would be taken back than is left (R61)."""
    return Refusal("over_credited", {"invoice": number})
