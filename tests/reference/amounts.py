"""Money (RULES.md 3): whole minor units, parts of them as fractions."""

from __future__ import annotations

import math
from datetime import date
from fractions import Fraction
from typing import Any

from tests.reference.dates import cycle_around

DIGITS = {"JPY": 0, "KWD": 3, "EUR": 2, "USD": 2, "GBP": 2, "CHF": 2, "CAD": 2}

Span = tuple[date, date]


def minor(text: str, currency: str) -> int:
    """A written amount in minor units."""
    units = Fraction(text) * Fraction(10) ** DIGITS[currency]
    assert units.denominator == 1, f"{text} is no amount of {currency}"
    return int(units)


def half_up(amount: Fraction) -> int:
    """Rounded to the nearest whole; from the half on away from zero."""
    size = math.floor(abs(amount) + Fraction(1, 2))
    return size if amount >= 0 else -size


def by_days(
    product: str, tier: str | None, kind: str, price: int, span: Span, anchor: date
) -> dict[str, Any]:
    """R6: a line that counts the days of `span` within the full cycle of `anchor` that contains them."""
    start, end = span
    first, after = cycle_around(anchor, start)
    assert first <= start < end <= after
    days, of_days = (end - start).days, (after - first).days
    amount = half_up(Fraction(price) * days / of_days)
    line = at_once(product, tier, kind, price, span)
    return {**line, "days": days, "of_days": of_days, "amount": -amount if kind == "credit_line" else amount}


def at_once(product: str, tier: str | None, kind: str, price: int, span: Span) -> dict[str, Any]:
    """A line that is not counted by days."""
    return {
        "product": product, "tier": tier, "kind": kind, "from": span[0], "to": span[1],
        "days": None, "of_days": None, "unit_price": price, "quantity": None, "amount": price,
    }  # fmt: skip


def blocks(product: str, steps: list[tuple[int | None, int]], count: int, span: Span) -> list[dict[str, Any]]:
    """R20: a line for each price step that the blocks reach."""
    lines: list[dict[str, Any]] = []
    for number in range(1, count + 1):
        step = next(i for i, (up_to, _) in enumerate(steps) if up_to is None or number <= up_to)
        price = steps[step][1]
        if not lines or lines[-1]["step"] != step:
            line = at_once(product, None, "blocks", price, span)
            lines.append({**line, "quantity": 0, "amount": 0, "step": step})
        lines[-1]["quantity"] += 1
        lines[-1]["amount"] += price
    for line in lines:
        del line["step"]
    return lines
