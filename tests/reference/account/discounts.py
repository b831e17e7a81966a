"""Discounts (R79-R87): which lines one reaches, and how much it takes."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from tests.reference.account.books import Books, Line, share
from tests.reference.amounts import half_up, minor
from tests.reference.dates import months_after

Discount = dict[str, Any]
NEVER = date.max


def made(terms: dict[str, Any], books: Books, start: date, *, last_day: str | None) -> Discount:
    """A discount with the terms of a code or a grant (FORMAT.md), from this date on."""
    fixed = terms.get("fixed")
    if isinstance(fixed, dict):
        fixed = fixed[books.currency]
    percent = terms.get("percent")
    span = terms.get("for", "once")
    if terms.get("nonprofit"):
        percent, span = books.shelves.policies["nonprofit_percent"], "forever"
    carried = bool(terms.get("carried"))
    end = NEVER
    if last_day is not None:
        end = date.fromisoformat(last_day) + timedelta(days=1)
    if carried:
        end = min(end, months_after(start, 12))
    elif isinstance(span, int):
        end = min(end, months_after(start, span))
    units = None if fixed is None else minor(fixed, books.currency)
    return {
        "percent": None if percent is None else Fraction(percent), "fixed": units,
        "span": None if carried else span, "carried": carried, "left": units if carried else None,
        "products": terms.get("products"), "start": start, "end": end, "over": False,
    }  # fmt: skip


def granted(books: Books, discount: Discount) -> None:
    """The account has it from now on."""
    books.discounts.append(discount)


def reaches(discount: Discount, line: Line) -> bool:
    """Whether the discount is for this line."""
    if line["kind"] == "credit_line" or discount["over"] or not line["from"] < discount["end"]:
        return False
    if discount["products"] is not None:
        return line["product"] in discount["products"]
    return bool(discount["carried"]) or line["kind"] == "plan"


def discount_lines(lines: list[Line], discounts: list[Discount], kept: int) -> list[tuple[Discount, int]]:
    """R80, R82: set the lines' discounts; what each took. `kept`: what fixed ones leave of the lines."""
    took: list[tuple[Discount, int]] = []
    for line in lines:
        line.update(discount=0, free_by=None)
        offers = [
            (half_up(share(line["amount"], discount["percent"], 100)), discount)
            for discount in discounts
            if discount["percent"] is not None and reaches(discount, line)
        ]
        if offers:
            amount, best = max(offers, key=lambda offer: offer[0])
            line.update(discount=amount, free_by=best if is_free_month(best) else None)
            took.append((best, amount))
    room = max(0, sum(line["amount"] - line["discount"] for line in lines) - kept)
    for discount in sorted(discounts, key=lambda discount: (discount["end"], discounts.index(discount))):
        if discount["fixed"] is None:
            continue
        purse = discount["left"] if discount["carried"] else discount["fixed"]
        for line in lines:
            if reaches(discount, line):
                amount = min(_fixed(discount, line, purse), line["amount"] - line["discount"], room)
                line["discount"] += amount
                room -= amount
                purse -= amount if discount["carried"] or discount["span"] == "once" else 0
                took.append((discount, amount))
    return took


def _fixed(discount: Discount, line: Line, purse: int) -> int:
    if discount["carried"] or discount["span"] == "once":
        return purse
    if line["days"] is None:
        return 0
    return half_up(share(discount["fixed"], line["days"], line["of_days"]))


def is_free_month(discount: Discount) -> bool:
    """R87."""
    return discount["percent"] == 100 and isinstance(discount["span"], int)


def use_up(took: list[tuple[Discount, int]]) -> None:
    """R81, R86: an invoice was issued of which they took so much."""
    for discount, amount in took:
        if discount["carried"]:
            discount["left"] -= amount
            discount["over"] = discount["left"] == 0
        elif discount["span"] == "once" and amount > 0:
            discount["over"] = True


def is_over(discount: Discount, today: date) -> bool:
    """Whether it reaches no further line."""
    return bool(discount["over"] or today >= discount["end"])
