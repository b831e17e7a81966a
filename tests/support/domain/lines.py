"""Lines of invoices and discounts, for the arithmetic of taxes and discounts alone."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from domain.calendar import begins_at
from domain.events import DiscountGranted, Line, LineKind
from domain.state import Discount

START = date(2026, 4, 5)
AT = begins_at(START, "UTC")


def plan_line(amount: str, product: str = "standard", kind: LineKind = "plan", **changes: Any) -> Line:
    """A line of 15 of 31 days from 5 April."""
    fields: dict[str, Any] = {
        "tier": "500" if kind == "plan" else None,
        "from_date": START,
        "to_date": date(2026, 4, 20),
        "days": 15,
        "of_days": 31,
        "unit_price": Decimal("20.00"),
        "quantity": None,
        **changes,
    }
    return Line(product=product, kind=kind, amount=Decimal(amount), **fields)


def discount(number: int = 1, **terms: Any) -> Discount:
    """A discount for ever, granted on 5 April, with these terms."""
    fields: dict[str, Any] = {
        "start": START,
        "percent": None,
        "fixed": None,
        "once": False,
        "months": None,
        "carried": False,
        "products": None,
        "last_day": None,
        "nonprofit": False,
        "code": None,
        **terms,
    }
    granted = DiscountGranted(at=AT, number=number, **fields)
    return Discount(granted, granted.fixed if granted.carried else None)
