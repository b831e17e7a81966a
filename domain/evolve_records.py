"""What events make of invoices, of their records, and of what else holds between customer and seller."""

from __future__ import annotations

from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from domain import events as e
from domain.crediting import LineRef, allocate, present_lines, record_of
from domain.discounts import made_free, taken_from
from domain.events import Invoice
from domain.state import Credited, Draft, InvoiceRecord, PlanItem

Changes = dict[type[e.Event], Callable[[Draft, Any], None]]
"""What each event of these types changes."""


def change_standing(draft: Draft, **changes: object) -> None:
    """Replace what is named."""
    draft.standing = replace(draft.standing, **changes)


def keep_record(draft: Draft, record: InvoiceRecord) -> None:
    """Keep how the invoice stands."""
    if record.untouched:
        record = replace(record, untouched=False)
    draft.records = {**draft.records, record.number: record}


def credit_spent(draft: Draft, invoice: Invoice) -> None:
    """The invoice was issued: it took account credit (R63) and discounts (R81, R86)."""
    if invoice.credit:
        change_standing(draft, credit=draft.standing.credit - invoice.credit)
    discounts = draft.standing.discounts
    if discounts:
        after = tuple([taken_from(discount, invoice.lines) for discount in discounts])
        made = made_free(invoice.lines, discounts)
        if after != discounts or made:
            free = dict.fromkeys((*draft.standing.free_products, *made))
            change_standing(draft, discounts=after, free_products=tuple(free))


def charge(draft: Draft, invoice: e.Invoice) -> None:
    """An invoice was issued and paid: its number is taken, its payment answered."""
    draft.next_invoice += 1
    draft.invoices = draft.invoices.and_one(invoice)
    draft.payment = None
    if invoice.credit or draft.standing.discounts:
        credit_spent(draft, invoice)


def settled(draft: Draft, number: int, *, by_method: Decimal) -> None:
    """All that was due of the invoice is paid, by the payment method. A record that says nothing else is not
    kept."""
    record = draft.records[number]
    plain = not (record.credited or record.charged_back or record.refunded or record.by_method)
    if plain and by_method == draft.invoices[number].charge:
        draft.records = {n: kept for n, kept in draft.records.items() if n != number}
        return
    keep_record(draft, replace(closed(record), by_method=record.by_method + by_method))


def closed(record: InvoiceRecord) -> InvoiceRecord:
    return replace(
        record, status="paid", due=record.due - record.due, declined=False, late=False, suspended=(), tries=()
    )


def lines_credited(draft: Draft, plan: PlanItem, event: e.PlanChanged) -> tuple[tuple[int, int], ...]:
    """Keep what the change's credit line takes back of the lines of the old price (R65), and return the
    lines of the new one."""
    invoice = event.invoice
    present = present_lines(draft, plan)
    if invoice is None:
        return present[::-1]
    if not credits_all(event):
        return (*present[::-1], (invoice.number, 0))
    for line in invoice.lines:
        if line.kind == "credit_line" and line.net:
            parts = allocate(draft, present, -line.net)
            _days_taken(draft, present, line, invoice.number, [part.ref for part in parts])
            for part in parts:
                number, index = part.ref
                start, end = (line.from_date, line.to_date) if part.by_days else (None, None)
                credited = Credited(index, part.net, part.taxes, start, end, invoice.number)
                record = record_of(draft, number)
                keep_record(draft, replace(record, credited=(*record.credited, credited)))
    return ((invoice.number, 0),)


def credits_all(event: e.PlanChanged) -> bool:
    """Whether the change takes the place of all that was charged for its days: not at an equal price, and not
    where only the difference comes on top (R29)."""
    return event.invoice is not None and event.invoice.lines[0].days is not None


def _days_taken(
    draft: Draft, present: Collection[LineRef], credit: e.Line, number: int, had: Collection[LineRef]
) -> None:
    """A credit line takes its days from every line of the price that counts days, also where its amount is
    taken from another (R61)."""
    for ref in present:
        line = draft.invoices[ref[0]].lines[ref[1]]
        if ref not in had and line.days is not None:
            nothing = line.net - line.net
            taxes = tuple([nothing for _ in line.taxes or ()])
            credited = Credited(ref[1], nothing, taxes, credit.from_date, credit.to_date, number)
            record = record_of(draft, ref[0])
            keep_record(draft, replace(record, credited=(*record.credited, credited)))
