"""Prices and the lines made of them: what a catalogue asks, with a test clock's overrides, and the
arithmetic of R6, R20 and R47."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from domain.calendar import CivilDate, Cycle, Instant, days_between
from domain.catalog import BlockPrice, Catalog, Catalogues
from domain.events import Line
from domain.money import prorate
from domain.state import Account


class PriceList(msgspec.Struct, frozen=True):
    """The prices in the account's currency at an instant: of `catalog`, which is in force then, with a test
    clock's `overrides`. None: the product is not sold in it.

    What is held, or about to be, has a price also where none is asked any more: its own last one (R8).
    """

    catalog: Catalog
    currency: str
    overrides: dict[str, Decimal]
    series: Catalogues
    at: Instant

    @classmethod
    def of(cls, state: Account, catalogues: Catalogues, at: Instant) -> PriceList:
        """The prices for this account."""
        return cls(catalogues.at(at), state.currency, state.price_overrides, catalogues, at)

    @property
    def ever_sold(self) -> Catalog:
        """Everything that was sold until now, as it last was."""
        return self.series.ever_sold(self.at)

    def plan(self, product: str, tier: str) -> Decimal | None:
        """Monthly price of a plan's tier."""
        override = self.overrides.get(f"{product}/{tier}") if self.overrides else None
        if override is not None:
            return override
        plan = self.catalog.plans.get(product)
        return None if plan is None or tier not in plan.tiers else plan.tiers[tier].get(self.currency)

    def held_plan(self, product: str, tier: str) -> Decimal | None:
        """Monthly price of a plan's tier that is held, or will be by a downgrade; None: it was never sold."""
        price = self.plan(product, tier)
        if price is None and (plan := self.ever_sold.plans.get(product)) is not None:
            return plan.tiers.get(tier, {}).get(self.currency)
        return price

    def add_on(self, product: str) -> Decimal | None:
        """Monthly price of an add-on with a flat price."""
        override = self.overrides.get(product) if self.overrides else None
        if override is not None:
            return override
        add_on = self.catalog.add_ons.get(product)
        return None if add_on is None else add_on.prices.get(self.currency)

    def held_add_on(self, product: str) -> Decimal | None:
        """Monthly price of an add-on that is held; None: it was never sold at a flat price."""
        price = self.add_on(product)
        if price is None and (add_on := self.ever_sold.add_ons.get(product)) is not None:
            return add_on.prices.get(self.currency)
        return price

    def credits(self, product: str) -> Decimal | None:
        """Price of a credit pack."""
        override = self.overrides.get(product) if self.overrides else None
        if override is not None:
            return override
        pack = self.catalog.credits.get(product)
        return None if pack is None else pack.prices.get(self.currency)

    def blocks(self, product: str) -> tuple[BlockPrice, ...] | None:
        """Graduated block prices."""
        return self._blocks(self.catalog, product)

    def held_blocks(self, product: str) -> tuple[BlockPrice, ...] | None:
        """Graduated block prices of what is held; None: it was never sold in blocks."""
        return self.blocks(product) or self._blocks(self.ever_sold, product)

    def _blocks(self, catalog: Catalog, product: str) -> tuple[BlockPrice, ...] | None:
        add_on = catalog.add_ons.get(product)
        return None if add_on is None else add_on.block_prices.get(self.currency)


def plan_line(product: str, tier: str, price: Decimal, cycle: Cycle) -> Line:
    """The line of a plan for a cycle, by days (R6)."""
    days = cycle.days
    amount = prorate(price, days, cycle.of_days)
    return Line(product, tier, "plan", cycle.start, cycle.end, days, cycle.of_days, price, None, amount)


def addon_line(product: str, price: Decimal, cycle: Cycle) -> Line:
    """The line of an add-on for a cycle, by days (R6, R12)."""
    days = cycle.days
    amount = prorate(price, days, cycle.of_days)
    return Line(product, None, "addon", cycle.start, cycle.end, days, cycle.of_days, price, None, amount)


def upgrade_lines(
    old: tuple[str, str, Decimal], new: tuple[str, str, Decimal], today: CivilDate, cycle: Cycle
) -> tuple[Line, Line]:
    """Two lines for the days left: the new price, and the old price credited (R29). `old`, `new`: product,
    tier, price."""
    days, of_days = days_between(today, cycle.end), cycle.of_days
    charge = Line(
        new[0], new[1], "plan", today, cycle.end, days, of_days, new[2], None, prorate(new[2], days, of_days)
    )
    credited = -prorate(old[2], days, of_days)
    return charge, Line(
        old[0], old[1], "credit_line", today, cycle.end, days, of_days, old[2], None, credited
    )


def full_difference_line(
    product: str, tier: str, difference: Decimal, today: CivilDate, cycle: Cycle
) -> Line:
    """The line of a tier upgrade at the whole price difference (R29), not counted by days."""
    return Line(product, tier, "plan", today, cycle.end, None, None, difference, None, difference)


def block_lines(
    product: str, blocks: int, steps: tuple[BlockPrice, ...], start: CivilDate, end: CivilDate
) -> tuple[Line, ...]:
    """The lines of blocks bought at once, one for each price step reached; never prorated (R20)."""
    lines, below = [], 0
    for step in steps:
        reached = blocks if step.up_to is None else min(blocks, step.up_to)
        quantity = reached - below
        if quantity <= 0:
            break
        amount = step.price * quantity
        lines.append(Line(product, None, "blocks", start, end, None, None, step.price, quantity, amount))
        below = reached
    return tuple(lines)


def credits_line(product: str, price: Decimal, today: CivilDate, expires_on: CivilDate) -> Line:
    """The line of a credit pack for the span in which it can be used (R21)."""
    return Line(product, None, "credits", today, expires_on, None, None, price, None, price)
