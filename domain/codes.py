"""The discounts that customers take by a code (R79)."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from domain.calendar import CivilDate


class DiscountCode(msgspec.Struct, frozen=True):
    """The terms of a code: a percentage, or an amount for each currency. `once` or for so many `months`;
    neither: for ever. `carried`: what an invoice leaves of it goes to the next (R86). `products` None: all
    plans; of a carried one every line. `last_day`: the last one on which it can be used."""

    code: str
    percent: Decimal | None = None
    fixed: dict[str, Decimal] = {}
    once: bool = True
    months: int | None = None
    carried: bool = False
    products: tuple[str, ...] | None = None
    last_day: CivilDate | None = None
