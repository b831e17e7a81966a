"""What discounts take off the lines of an invoice (R79-R87): after proration, before tax, per line.

lines = discounted(lines, state.standing.discounts)
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

import msgspec

from domain.calendar import NEVER, CivilDate, boundary, days_after
from domain.events import DiscountGranted, Line, LineDiscount, LineKind
from domain.money import prorate
from domain.state import Discount

_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
_HUNDRED: Final = Decimal(100)


def name_of(terms: DiscountGranted) -> str:
    """D1, D2 ... in order of grant."""
    return f"D{terms.number}"


def expiry(terms: DiscountGranted) -> CivilDate:
    """The last date, inclusive, that it can reach; the order of fixed ones goes by it (R82)."""
    last = NEVER if terms.last_day is None else terms.last_day
    if terms.months is None:
        return last
    return min(last, days_after(boundary(terms.start, terms.months), -1))  # R81


def over(discount: Discount, today: CivilDate) -> bool:
    """It takes nothing any more: used up, withdrawn, or past its end."""
    if discount.used or discount.withdrawn or expiry(discount.terms) < today:
        return True
    return discount.left is not None and not discount.left


def free_months(terms: DiscountGranted) -> bool:
    """Its lines cost nothing for some months: a trial too (R87)."""
    return terms.months is not None and terms.percent == _HUNDRED


def reaches(terms: DiscountGranted, line: Line) -> bool:
    """Whether it is for this line: for its product, on its date (R79, R81)."""
    return reaches_on(terms, line.product, line.kind, line.from_date)


def reaches_on(terms: DiscountGranted, product: str, kind: LineKind, day: CivilDate) -> bool:
    """Whether it is for a line of the product that begins on the date."""
    if terms.products is not None:
        if product not in terms.products or kind == "credit_line":
            return False
    elif kind != "plan" and not (terms.carried and kind != "credit_line"):
        return False
    return terms.start <= day <= expiry(terms)


def discounted(
    lines: Sequence[Line], discounts: Sequence[Discount], credited: Decimal | None = None
) -> tuple[Line, ...]:
    """The lines with what the discounts take: one percentage each, that of the largest amount, then the
    fixed ones, the earliest expiry first (R82). `credited`: what an upgrade credits beside them, of which
    fixed ones take no part (R80)."""
    live = [d for d in discounts if not d.used and not d.withdrawn]
    if not live:
        return tuple(lines)
    percentages = [(d.terms, d.terms.percent.scaleb(-2)) for d in live if d.terms.percent is not None]
    taken: list[list[LineDiscount]] = [_best_percentage(line, percentages) for line in lines]
    fixed = [d for d in live if d.terms.fixed is not None]
    if fixed:
        _take_fixed(fixed, lines, taken, credited)
    return tuple([_with(line, took) for line, took in zip(lines, taken, strict=True)])


def _take_fixed(
    fixed: list[Discount],
    lines: Sequence[Line],
    taken: list[list[LineDiscount]],
    credited: Decimal | None,
) -> None:
    """Add to what is taken of each line what the fixed discounts take, the earliest expiry first."""
    rest = [
        line.amount - sum([t.amount for t in took], line.amount - line.amount)
        for line, took in zip(lines, taken, strict=True)
    ]
    budget = sum(rest, rest[0] - rest[0]) - (credited or 0)
    for discount in sorted(fixed, key=lambda d: (expiry(d.terms), d.terms.number)):
        left = discount.terms.fixed if discount.left is None else discount.left
        assert left is not None
        for place, line in enumerate(lines):
            if not reaches(discount.terms, line):
                continue
            asked = _monthly(discount.terms, line) if _by_month(discount.terms) else left
            amount = max(min(asked, rest[place], budget), rest[place] - rest[place])
            if amount:
                taken[place].append(LineDiscount(name_of(discount.terms), amount))
                rest[place] -= amount
                budget -= amount
                left -= amount


def _by_month(terms: DiscountGranted) -> bool:
    return not terms.once and not terms.carried


def _monthly(terms: DiscountGranted, line: Line) -> Decimal:
    """A monthly amount, prorated as the line; nothing of a line that counts no days (R80)."""
    assert terms.fixed is not None
    if line.days is None or line.of_days is None:
        return terms.fixed - terms.fixed
    return prorate(terms.fixed, line.days, line.of_days)


def _best_percentage(
    line: Line, percentages: Sequence[tuple[DiscountGranted, Decimal]]
) -> list[LineDiscount]:
    """What the percentage of the largest amount takes. `percentages`: the terms, and the part of 1."""
    best: LineDiscount | None = None
    for terms, part in percentages:
        if reaches_on(terms, line.product, line.kind, line.from_date):
            amount = _EXACT.quantize(_EXACT.multiply(line.amount, part), line.amount)
            if amount and (best is None or amount > best.amount):
                best = LineDiscount(name_of(terms), amount)
    return [] if best is None else [best]


def _with(line: Line, taken: list[LineDiscount]) -> Line:
    if not taken:
        return line
    amount = taken[0].amount if len(taken) == 1 else sum([t.amount for t in taken], line.amount - line.amount)
    return msgspec.structs.replace(line, discount=amount, discounts=tuple(taken))


def taken_from(discount: Discount, lines: Sequence[Line]) -> Discount:
    """The discount after an invoice of these lines was issued (R81, R86)."""
    if discount.left is None and not discount.terms.once:
        return discount
    name = name_of(discount.terms)
    amounts = [t.amount for line in lines if line.discounts for t in line.discounts if t.discount == name]
    if not amounts:
        return discount
    if discount.left is not None:
        return msgspec.structs.replace(discount, left=discount.left - sum(amounts))
    return msgspec.structs.replace(discount, used=True)


def made_free(lines: Sequence[Line], discounts: Sequence[Discount]) -> tuple[str, ...]:
    """The products of which free months took a line whole (R87)."""
    free = {name_of(d.terms) for d in discounts if free_months(d.terms)}
    if not free:
        return ()
    return tuple(
        [line.product for line in lines if line.discounts and any(t.discount in free for t in line.discounts)]
    )
