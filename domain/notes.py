"""Making credit notes: which parts of an invoice's lines they take back, and where the money goes (R61, R62).

parts = (Part(0, Decimal("1.61"), from_date, until), …)
note = credit_note(state, 2, parts, Issue(at, day, command, reason="goodwill"))
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from domain import events as e
from domain.calendar import CivilDate, Instant
from domain.crediting import left_of, line_taxes, packs_of, taxes_back
from domain.money import zero
from domain.state import Account, InvoiceRecord

To = Literal["payment_method", "account"]


class Part(msgspec.Struct, frozen=True, gc=False):
    """What is taken back of a line: its place from 0, the amount before tax, and the days, if it is by
    days."""

    line: int
    net: Decimal
    from_date: CivilDate | None = None
    until: CivilDate | None = None


class Issue(msgspec.Struct, frozen=True):
    """When, by whom and why a note is issued; `to`: where what does not lower the due amount goes."""

    at: Instant
    day: CivilDate
    command: e.CommandRef | None
    reason: e.CreditReason
    to: To = "account"
    ticket: str | None = None


def unusable(state: Account, record: InvoiceRecord) -> tuple[str, ...]:
    """The items that the invoice made unusable and that are still held (R38, R58)."""
    if not record.suspended:
        return ()
    unpaid = [item.product for item in state.items if item.unpaid_since is not None]
    unpaid += [pack.product for pack in packs_of(state, record.number)]
    return tuple([product for product in dict.fromkeys(unpaid) if product in record.suspended])


def restorable(state: Account, record: InvoiceRecord, paid: Collection[int] = ()) -> tuple[str, ...]:
    """What of that can be used again once the invoice is paid, and those with these numbers (R40): not what
    another open invoice makes unusable too."""
    made_unusable = unusable(state, record)
    if not made_unusable:
        return ()
    items = {item.product for item in state.items}
    others = [r for r in state.open_invoices if r.number != record.number and r.number not in paid]
    still = {product for other in others for product in other.suspended if product in items}
    return tuple([product for product in made_unusable if product not in still])


def lines_left(state: Account, number: int, products: Sequence[str] | None = None) -> tuple[Part, ...]:
    """What is left of the invoice's lines: of these products, or of all; credit lines too."""
    record = state.record(number)
    parts = []
    for place, line in enumerate(state.invoices[number].lines):
        left = left_of(record, place, line)
        if left and (products is None or line.product in products):
            parts.append(Part(place, left))
    return tuple(parts)


def credit_note(
    state: Account,
    number: int,
    parts: Sequence[Part],
    issue: Issue,
    *,
    ended: Sequence[str] = (),
    whole_reissue: Decimal | None = None,
) -> e.CreditNoteIssued:
    """The note that takes these parts back: it lowers what is due, and the rest goes where it is asked to,
    to the payment method as far as one paid and was not refunded (R62). `ended`: products of the invoice
    that are no longer held after it. `whole_reissue`: what of the total pays the new invoice (R67)."""
    record, invoice = state.record(number), state.invoices[number]
    nothing = zero(state.currency)
    lines = tuple([_credited(invoice.lines[part.line], record, part) for part in parts])
    net = sum([line.amount for line in lines], nothing)
    tax = sum([line.tax for line in lines], nothing)
    total = net + tax
    lowered = min(total, record.due)
    rest = total - lowered - (whole_reissue or 0)
    refund = min(rest, record.by_method - record.refunded) if issue.to == "payment_method" else nothing
    status = status_after(state, record, record.due - lowered, ended)
    restored = restorable(state, record) if status == "paid" and record.status == "open" else ()
    return e.CreditNoteIssued(
        at=issue.at,
        command=issue.command,
        number=state.standing.next_credit_note,
        invoice=number,
        date=issue.day,
        reason=issue.reason,
        lines=lines,
        net=net,
        tax=tax,
        total=total,
        lowered=lowered,
        refund=refund + nothing,
        to_account=rest - refund,
        invoice_status=status,
        restored=tuple([product for product in restored if product not in ended]),
        ticket=issue.ticket,
    )


def status_after(
    state: Account, record: InvoiceRecord, due: Decimal, ended: Sequence[str] = ()
) -> e.InvoiceStatus:
    """That of an open invoice of which so much is due still: paid at 0.00 if an item of it is held or it is
    charged back, else uncollectible (R41a, R57)."""
    if record.status != "open" or due:
        return record.status
    held = any(i.product in record.items and i.product not in ended for i in state.items)
    return "paid" if held or record.charged_back or record.late else "uncollectible"


def _credited(line: e.Line, record: InvoiceRecord, part: Part) -> e.CreditedLine:
    by_days = part.from_date is not None and part.until is not None
    return e.CreditedLine(
        part.line + 1,
        line.product,
        line.tier,
        line.kind,
        part.from_date or line.from_date,
        part.until or line.to_date,
        by_days,
        part.net,
        line_taxes(line, taxes_back(record, part.line, line, part.net)),
    )
