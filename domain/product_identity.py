"""What a product is never changes from one version of the catalogue to a later one (R8a): its kind, a plan's
family, whether it is Free, and the process that an add-on is sold by, so whether in blocks.

    refuse_other_products(sold_before, now)   # InvalidCatalog `product_changed`, with the place

Another name, price, tier, prerequisite or policy is an ordinary change.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

import msgspec

from domain.catalog import Catalog, Plan
from domain.errors import InvalidCatalog

Aspect = Literal["kind", "family", "free", "process"]
Kind = Literal["plan", "add-on", "credit pack"]


class ProductChange(msgspec.Struct, frozen=True):
    """What a later version makes something else of: the product, and the place in that version's file."""

    product: str
    aspect: Aspect
    was: str
    now: str
    place: str

    @property
    def refused(self) -> InvalidCatalog:
        """Why the version is refused."""
        message = (
            f"{self.product!r} {_SAID[self.aspect].format(was=self.was, now=self.now)}: "
            "what a product is never changes, so sell it under another id"
        )
        return InvalidCatalog("product_changed", self.place, message)


_SAID: dict[Aspect, str] = {
    "kind": "was sold as {was}, and would be {now}",
    "family": "is a plan of the family {was!r}, and would be one of {now!r}",
    "free": "has cost {was}, and would cost {now}",
    "process": "is sold {was}, and would be sold {now}",
}


def product_changes(before: Catalog, now: Catalog) -> Iterator[ProductChange]:
    """Where a version makes something else of what was sold before, in the order of its file. `before`:
    everything that was (`Catalogues.ever_sold`)."""
    kinds = _kinds(before)
    for field, kind, products in _sold(now):
        for i, product in enumerate(products):
            was = kinds.get(product, kind)
            if was != kind:
                yield ProductChange(product, "kind", _A[was], _A[kind], f"$.{field}[{i}].id")
    for i, plan in enumerate(now.plans.values()):
        if plan.id in before.plans:
            yield from _of_plan(before.plans[plan.id], plan, f"$.plans[{i}]")
    for i, add_on in enumerate(now.add_ons.values()):
        if add_on.id in before.add_ons and add_on.process != (was_by := before.add_ons[add_on.id].process):
            said = _process(was_by), _process(add_on.process)
            yield ProductChange(add_on.id, "process", *said, f"$.add_ons[{i}]")


def refuse_other_products(before: Catalog, now: Catalog) -> None:
    """Raise InvalidCatalog `product_changed` for the first of `product_changes`."""
    if (change := next(product_changes(before, now), None)) is not None:
        raise change.refused


def changes_free(plan: Plan, tier: str, price: Decimal, currency: str) -> bool:
    """Whether this price makes the plan Free, or a Free one cost something: measured by the price that the
    tier had in the currency, else by what all the plan's prices have in common."""
    had = plan.tiers.get(tier, {}).get(currency)
    others = [had] if had is not None else [one for prices in plan.tiers.values() for one in prices.values()]
    free = {not one for one in others}
    return len(free) == 1 and free != {not price}


def _of_plan(was: Plan, plan: Plan, place: str) -> Iterator[ProductChange]:
    if plan.family != was.family:
        yield ProductChange(plan.id, "family", was.family, plan.family, f"{place}.family")
    for j, (tier, prices) in enumerate(plan.tiers.items()):
        for currency, price in prices.items():
            if changes_free(was, tier, price, currency):
                said = "nothing" if price else "something", f"{price} {currency}"
                yield ProductChange(plan.id, "free", *said, f"{place}.tiers[{j}].prices.{currency}")


_A: dict[Kind, str] = {"plan": "a plan", "add-on": "an add-on", "credit pack": "a credit pack"}


def _sold(catalog: Catalog) -> tuple[tuple[str, Kind, list[str]], ...]:
    return (
        ("plans", "plan", list(catalog.plans)),
        ("add_ons", "add-on", list(catalog.add_ons)),
        ("credits", "credit pack", list(catalog.credits)),
    )


def _kinds(catalog: Catalog) -> dict[str, Kind]:
    return {product: kind for _, kind, products in _sold(catalog) for product in products}


def _process(process: str | None) -> str:
    return "at a flat price" if process is None else "in blocks by its own process"
