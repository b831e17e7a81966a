"""What a new catalogue changes: in itself, and for an account at its next renewal (R8).

changes(old, new)              # (CatalogChange("plans.standard.tiers.500.prices.EUR", "20.00", "22.00"), …)
effect(state, old, new).difference   # what the account's next renewal costs under each
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Literal

import msgspec

from domain.calendar import CivilDate
from domain.catalog import Catalog, Catalogues, Policies
from domain.coming import still_billed
from domain.money import zero
from domain.pricing import PriceList
from domain.renewal import will_lose_prerequisite
from domain.state import Account


class CatalogChange(msgspec.Struct, frozen=True):
    """A place of the catalogue, and what stands there before and after; None: nothing."""

    place: str
    old: Any
    new: Any


def changes(old: Catalog, new: Catalog) -> tuple[CatalogChange, ...]:
    """Every difference that can matter to an account: products, prices, prerequisites, policies, and the
    order of products (R24)."""
    before, after = _described(old), _described(new)
    found = list(_differences("", before, after))
    for kind in ("plans", "add_ons", "credits"):
        was, now = list(before[kind]), list(after[kind])
        kept_was, kept_now = [p for p in was if p in now], [p for p in now if p in was]
        if kept_was != kept_now:
            found.append(CatalogChange(f"{kind} (order)", kept_was, kept_now))
    return tuple(found)


def _described(catalog: Catalog) -> dict[str, Any]:
    """The catalogue as nested names and plain values; lists of an entry become names too."""
    plans = {
        p.id: {"family": p.family, "name": p.name, "tiers": {t: {"prices": x} for t, x in p.tiers.items()}}
        for p in catalog.plans.values()
    }
    add_ons = {
        a.id: {
            "name": a.name,
            "requires": list(a.requires),
            "process": a.process,
            "prices": a.prices,
            "e_mails_per_block": a.e_mails_per_block,
            "block_prices": {
                currency: [f"{'∞' if step.up_to is None else step.up_to}: {step.price}" for step in steps]
                for currency, steps in a.block_prices.items()
            },
        }
        for a in catalog.add_ons.values()
    }
    packs = {
        c.id: {"name": c.name, "credits": c.credits, "prices": c.prices} for c in catalog.credits.values()
    }
    families = {f.id: {"name": f.name, "pausable": f.pausable} for f in catalog.families.values()}
    return {
        "families": families,
        "plans": plans,
        "add_ons": add_ons,
        "credits": packs,
        "policies": _policies(catalog.policies),
    }


def _policies(policies: Policies) -> dict[str, Any]:
    """The policies that are set, and how tiers are upgraded; `retry_days` as one value."""
    collection = policies.collection
    return {
        "tier_upgrade": policies.tier_upgrade,
        "collection": {} if collection is None else msgspec.structs.asdict(collection),
        "corrections": {"support_limit": policies.support_limit},
        "nonprofit_percent": policies.nonprofit_percent,
    }


def _differences(place: str, old: Any, new: Any) -> Iterator[CatalogChange]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in (*old, *(name for name in new if name not in old)):
            yield from _differences(f"{place}.{name}" if place else name, old.get(name), new.get(name))
    elif old != new:
        yield CatalogChange(place, _plain(old), _plain(new))


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)


class ItemEffect(msgspec.Struct, frozen=True, gc=False):
    """The next renewal of one item; None: it does not renew under that catalogue."""

    product: str
    date: CivilDate
    old: Decimal | None
    new: Decimal | None


Fate = Literal[
    "no_longer_sold", "downgrade_to_what_is_no_longer_sold", "ends_for_want_of_a_plan", "no_longer_ends"
]
"""What a new catalogue does to an item besides its price. What is no longer sold goes on at its own last
price (R8), and cannot be bought again once it has ended."""


class ItemFate(msgspec.Struct, frozen=True, gc=False):
    """What becomes of one item; `tier`: of a plan."""

    product: str
    tier: str | None
    fate: Fate


class Effect(msgspec.Struct, frozen=True):
    """What an account pays at its items' next renewals, one of each, under both catalogues. `items`: those
    that differ. `fates`: those to which something else happens."""

    currency: str
    old: Decimal
    new: Decimal
    items: tuple[ItemEffect, ...]
    fates: tuple[ItemFate, ...] = ()

    @property
    def difference(self) -> Decimal:
        """More, or, negative, less."""
        return self.new - self.old


def effect(state: Account, old: Catalogues, new: Catalogues) -> Effect:
    """The account's next renewals (`domain.coming.still_billed`) under either series."""
    before = {u.product: u for u in still_billed(state, old)}
    after = {u.product: u for u in still_billed(state, new)}
    items = []
    for product in (*before, *(product for product in after if product not in before)):
        was, now = before.get(product), after.get(product)
        known = now or was
        assert known is not None
        if was is None or now is None or was.amount != now.amount:
            old_amount, new_amount = None if was is None else was.amount, None if now is None else now.amount
            items.append(ItemEffect(product, known.date, old_amount, new_amount))
    nothing = zero(state.currency)
    return Effect(
        state.currency,
        sum((u.amount for u in before.values()), nothing),
        sum((u.amount for u in after.values()), nothing),
        tuple(items),
        tuple(_fates(state, old, new)),
    )


def _fates(state: Account, old: Catalogues, new: Catalogues) -> Iterator[ItemFate]:
    for plan in state.plans.values():
        if plan.cycle is None or plan.cancelled:
            continue
        at, target = plan.cycle.ends_at, plan.downgrade
        was, now = PriceList.of(state, old, at), PriceList.of(state, new, at)
        if _given_up(was.plan(plan.product, plan.tier), now.plan(plan.product, plan.tier)) and target is None:
            yield ItemFate(plan.product, plan.tier, "no_longer_sold")
        if target and _given_up(was.plan(target.product, target.tier), now.plan(target.product, target.tier)):
            yield ItemFate(target.product, target.tier, "downgrade_to_what_is_no_longer_sold")
    for product, addon in state.addons.items():
        if addon.removed:
            continue
        at = addon.cycle.ends_at
        was, now = PriceList.of(state, old, at), PriceList.of(state, new, at)
        if _given_up(was.add_on(product), now.add_on(product)) or (
            was.blocks(product) and not now.blocks(product)
        ):
            yield ItemFate(product, None, "no_longer_sold")
        ended = will_lose_prerequisite(state, addon, old)
        if ended != (ends := will_lose_prerequisite(state, addon, new)):
            yield ItemFate(product, None, "ends_for_want_of_a_plan" if ends else "no_longer_ends")


def _given_up(was: Decimal | None, now: Decimal | None) -> bool:
    return was is not None and now is None


class Tally(msgspec.Struct):
    """The accounts of one currency, counted: how many there are, how many pay more or less, and how much."""

    accounts: int = 0
    more: int = 0
    more_amount: Decimal = Decimal(0)
    less: int = 0
    less_amount: Decimal = Decimal(0)

    def count(self, found: Effect) -> None:
        """Count one more account."""
        self.accounts += 1
        difference = found.difference
        if difference > 0:
            self.more += 1
            self.more_amount += difference
        elif difference < 0:
            self.less += 1
            self.less_amount += difference
