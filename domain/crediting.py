"""How much of an invoice's line can still be taken back, and what its taxes are then (R61, R65, R76): the
arithmetic of credit notes and of an upgrade's credit line.

    left = left_of(record, index, line)              # what nobody took back yet
    worth = credit_worth(account, plan, today, 6.29) # an upgrade's credit, and the lines that it credits
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_UP, Context, Decimal

import msgspec

from domain.calendar import CivilDate, days_between
from domain.events import Line, LineTax
from domain.money import prorate
from domain.state import AccountFields, AddonItem, Credited, InvoiceRecord, Pack, PlanItem, paid_in_full

_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)

LineRef = tuple[int, int]
"""An invoice's number, and the place of a line in it, from 0."""


class Allocation(msgspec.Struct, frozen=True, gc=False):
    """A part of a line that is credited: before tax, and of each of its taxes."""

    ref: LineRef
    net: Decimal
    taxes: tuple[Decimal, ...]
    by_days: bool


def share_of(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """`amount x part / whole`, rounded half up to the amount's minor unit."""
    return _EXACT.quantize(_EXACT.divide(_EXACT.multiply(amount, part), whole), amount)


def record_of(account: AccountFields, number: int) -> InvoiceRecord:
    """How the invoice stands."""
    found = account.records.get(number)
    return paid_in_full(account.invoices[number]) if found is None else found


def credits_of(record: InvoiceRecord, index: int) -> tuple[Credited, ...]:
    """What was taken back of the line."""
    return tuple([credited for credited in record.credited if credited.line == index])


def left_of(record: InvoiceRecord, index: int, line: Line) -> Decimal:
    """What can still be taken back of the line before tax; negative of a credit line."""
    return line.net - sum([credited.net for credited in credits_of(record, index)])


def taxes_back(record: InvoiceRecord, index: int, line: Line, net: Decimal) -> tuple[Decimal, ...]:
    """What of each tax of the line goes back with `net` more of it: in the end exactly the tax (R76)."""
    if line.taxes is msgspec.UNSET:
        return ()
    before = credits_of(record, index)
    so_far = sum([credited.net for credited in before], net)
    back = []
    for place, tax in enumerate(line.taxes):
        taken = sum([credited.taxes[place] for credited in before], tax.amount - tax.amount)
        back.append(taken - taken if not line.net else share_of(tax.amount, so_far, line.net) - taken)
    return tuple(back)


def line_taxes(line: Line, amounts: Iterable[Decimal]) -> tuple[LineTax, ...]:
    """The taxes of the line with these amounts in their place."""
    if line.taxes is msgspec.UNSET:
        return ()
    return tuple([msgspec.structs.replace(tax, amount=a) for tax, a in zip(line.taxes, amounts, strict=True)])


def days_credited(record: InvoiceRecord, index: int) -> tuple[tuple[CivilDate, CivilDate], ...]:
    """The spans of the line's days that were credited by days."""
    return tuple(
        [
            (credited.from_date, credited.until)
            for credited in credits_of(record, index)
            if credited.from_date is not None and credited.until is not None
        ]
    )


def days_within(spans: Iterable[tuple[CivilDate, CivilDate]], start: CivilDate, end: CivilDate) -> int:
    """How many days of `[start, end)` the spans cover; they do not overlap each other."""
    return sum(max(0, days_between(max(a, start), min(b, end))) for a, b in spans)


def present_lines(account: AccountFields, plan: PlanItem) -> tuple[LineRef, ...]:
    """The lines that charged the plan's present price in its cycle, the latest first (R65)."""
    if plan.lines:
        return tuple(reversed(plan.lines))
    if plan.cycle is None:
        return ()
    for invoice in account.invoices.latest_first():
        for index, line in enumerate(invoice.lines):
            if line.kind == "plan" and line.product == plan.product and line.to_date == plan.cycle.end:
                return ((invoice.number, index),)
    return ()


def billed_item(account: AccountFields, number: int, place: int) -> PlanItem | AddonItem | None:
    """The item that holds what the line charged: a plan may have another name since (R29, equal price)."""
    for plan in account.plans.values():
        if (number, place) in present_lines(account, plan):
            return plan
    return account.addons.get(account.invoices[number].lines[place].product)


def credit_worth(account: AccountFields, plan: PlanItem, today: CivilDate, amount: Decimal) -> Decimal:
    """What an upgrade's credit line of `amount` (R29, positive) is worth: of its days not yet credited by
    days, the part that the lines of the present price still bear of theirs (R65)."""
    brought = plan.brought
    if brought is None and not account.records and not account.standing.discounts:
        return amount
    assert plan.cycle is not None
    lines = list(_lines_of(account, present_lines(account, plan)))
    nothing = amount - amount
    elsewhere = nothing if brought is None else brought.paid
    whole = sum([line.amount for _, _, line in lines], nothing if brought is None else brought.amount)
    borne = sum([_borne(record, ref[1], line) for ref, record, line in lines], elsewhere)
    spans = [span for ref, record, _ in lines for span in days_credited(record, ref[1])]
    covered = days_within(spans, today, plan.cycle.end)
    days = days_between(today, plan.cycle.end)
    if covered:
        amount = prorate(plan.price, days - covered, plan.cycle.of_days)
    left = sum([left_of(record, ref[1], line) for ref, record, line in lines], elsewhere)
    return max(nothing, min(amount if borne == whole else share_of(amount, borne, whole), left))


def _borne(record: InvoiceRecord, index: int, line: Line) -> Decimal:
    """The line's net less what was credited of it without days."""
    return line.net - sum([c.net for c in credits_of(record, index) if c.from_date is None])


def allocate(account: AccountFields, present: Iterable[LineRef], worth: Decimal) -> tuple[Allocation, ...]:
    """The lines that an upgrade's credit takes back, each as far as it reaches (R75). `present`: those of the
    present price, the latest first."""
    found = []
    for ref, record, line in _lines_of(account, present):
        part = min(worth, left_of(record, ref[1], line))
        if part > 0:
            taxes = taxes_back(record, ref[1], line, part)
            found.append(Allocation(ref, part, taxes, line.days is not None))
            worth -= part
    return tuple(found)


def packs_of(account: AccountFields, number: int) -> tuple[Pack, ...]:
    """The unexpired packs that the invoice charged."""
    return tuple([pack for pack in account.packs if pack.invoice == number])


def _lines_of(
    account: AccountFields, refs: Iterable[LineRef]
) -> Iterator[tuple[LineRef, InvoiceRecord, Line]]:
    for number, index in refs:
        yield (number, index), record_of(account, number), account.invoices[number].lines[index]
