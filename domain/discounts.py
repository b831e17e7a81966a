"""What discounts take off the lines of an invoice (R79-R87): after proration, before tax, per line.

lines = discounted(lines, state.standing.discounts)
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

import msgspec

from domain.calendar import NEVER, CivilDate, boundary, days_after
from domain.events import DiscountGranted, Line, LineDiscount
from domain.money import prorate
from domain.state import Discount

_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
_HUNDRED: Final = Decimal(100)


def name_of(terms: DiscountGranted) -> str:
    """D1, D2 ... in order of grant."""
    return f"D{terms.number}"


def months_end(terms: DiscountGranted) -> CivilDate:
    """The date from which lines are no longer reached for its months (R81)."""
    return NEVER if terms.months is None else boundary(terms.start, terms.months)


def expiry(terms: DiscountGranted) -> CivilDate:
    """The last date, inclusive, that it can reach; the order of fixed ones goes by it (R82)."""
    last = NEVER if terms.last_day is None else terms.last_day
    if terms.months is None:
        return last
    return min(last, days_after(months_end(terms), -1))


def over(discount: Discount, today: CivilDate) -> bool:
    """It takes nothing any more: used up, withdrawn, or past its end."""
    if discount.used or discount.withdrawn or expiry(discount.terms) < today:
        return True
    return discount.left is not None and not discount.left


def free_months(terms: DiscountGranted) -> bool:
    """Its lines cost nothing for some months: a trial too (R87)."""
    return terms.percent == _HUNDRED and terms.months is not None


def reaches(terms: DiscountGranted, line: Line) -> bool:
    """Whether it is for this line: for its product, on its date (R79, R81)."""
    if line.kind == "credit_line" or not terms.start <= line.from_date <= expiry(terms):
        return False
    if terms.products is not None:
        return line.product in terms.products
    return terms.carried or line.kind == "plan"


def discounted(
    lines: Sequence[Line], discounts: Sequence[Discount], credited: Decimal | None = None
) -> tuple[Line, ...]:
    """The lines with what the discounts take: one percentage each, that of the largest amount, then the
    fixed ones, the earliest expiry first (R82). `credited`: what an upgrade credits beside them, of which
    fixed ones take no part (R80)."""
    live = [d for d in discounts if not d.used and not d.withdrawn]
    if not live:
        return tuple(lines)
    taken: list[list[LineDiscount]] = [_best_percentage(line, live) for line in lines]
    rest = [
        line.amount - sum([t.amount for t in took], line.amount - line.amount)
        for line, took in zip(lines, taken, strict=True)
    ]
    budget = sum(rest, rest[0] - rest[0]) - (credited or 0)
    fixed = sorted(
        [d for d in live if d.terms.fixed is not None], key=lambda d: (expiry(d.terms), d.terms.number)
    )
    for discount in fixed:
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
    return tuple([_with(line, took) for line, took in zip(lines, taken, strict=True)])


def _by_month(terms: DiscountGranted) -> bool:
    return not terms.once and not terms.carried


def _monthly(terms: DiscountGranted, line: Line) -> Decimal:
    """A monthly amount, prorated as the line; nothing of a line that counts no days (R80)."""
    assert terms.fixed is not None
    if line.days is None or line.of_days is None:
        return terms.fixed - terms.fixed
    return prorate(terms.fixed, line.days, line.of_days)


def _best_percentage(line: Line, discounts: Sequence[Discount]) -> list[LineDiscount]:
    best: LineDiscount | None = None
    for discount in discounts:
        percent = discount.terms.percent
        if percent is None or not reaches(discount.terms, line):
            continue
        amount = _EXACT.quantize(_EXACT.divide(_EXACT.multiply(line.amount, percent), _HUNDRED), line.amount)
        if amount and (best is None or amount > best.amount):
            best = LineDiscount(name_of(discount.terms), amount)
    return [] if best is None else [best]


def _with(line: Line, taken: list[LineDiscount]) -> Line:
    if not taken:
        return line
    amount = sum([t.amount for t in taken], line.amount - line.amount)
    return msgspec.structs.replace(line, discount=amount, discounts=tuple(taken))


def taken_from(discount: Discount, lines: Sequence[Line]) -> Discount:
    """The discount after an invoice of these lines was issued (R81, R86)."""
    name = name_of(discount.terms)
    amounts = [t.amount for line in lines if line.discounts for t in line.discounts if t.discount == name]
    if not amounts:
        return discount
    if discount.left is not None:
        return msgspec.structs.replace(discount, left=discount.left - sum(amounts))
    return msgspec.structs.replace(discount, used=True) if discount.terms.once else discount


def made_free(lines: Sequence[Line], discounts: Sequence[Discount]) -> tuple[str, ...]:
    """The products of which free months took a line whole (R87)."""
    free = {name_of(d.terms) for d in discounts if free_months(d.terms)}
    if not free:
        return ()
    return tuple(
        [line.product for line in lines if line.discounts and any(t.discount in free for t in line.discounts)]
    )
