"""The catalogue: families, plans with tiers, add-ons, credit packs and policies, as validated data with
exact prices.

    >>> catalog = parse_catalog(Path("catalog.json").read_bytes())
    >>> catalog.plans["standard"].tiers["500"]["EUR"]
    Decimal('20.00')

A file is decoded strictly (no unknown field, none twice) and then checked as a whole; every fault names its
place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from domain.calendar import Instant
from domain.catalog_file import (
    NOTHING,
    AddOnFile,
    BlockStepFile,
    CatalogFile,
    PlanFile,
    PoliciesFile,
    TierUpgrade,
    canonical_bytes,
    converted_catalog,
    decode_catalog,
    invalid,
)
from domain.errors import InvalidInput
from domain.money import check_currency, parse_amount

if TYPE_CHECKING:
    from domain.codes import DiscountCode
    from domain.tax import Taxes

_Entry = TypeVar("_Entry", "Family", "Plan", "AddOn", "CreditPack")
Prices = dict[str, Decimal]
"""Price by currency, each in its currency's digits, never negative."""


class BlockPrice(msgspec.Struct, frozen=True, gc=False):
    """One step of a graduated block price: holds for the blocks up to and including `up_to`; None: for all
    further ones (R20)."""

    up_to: int | None
    price: Decimal


class Family(msgspec.Struct, frozen=True):
    """A plan family; only a pausable one's plan can be paused (R31)."""

    id: str
    name: str
    pausable: bool


class Plan(msgspec.Struct, frozen=True):
    """A plan of one family; `tiers` in the file's order, each with its monthly prices."""

    id: str
    family: str
    name: str
    tiers: dict[str, Prices]


class AddOn(msgspec.Struct, frozen=True):
    """A single feature sold apart: a flat monthly price, or, with a process of its own, graduated blocks
    (R20).

    `requires`: plans of which one must be active at purchase (R18); empty: none.
    """

    id: str
    name: str
    prices: Prices
    requires: tuple[str, ...]
    process: str | None
    e_mails_per_block: int | None
    block_prices: dict[str, tuple[BlockPrice, ...]]


class CreditPack(msgspec.Struct, frozen=True):
    """E-mail credits bought once (R21)."""

    id: str
    name: str
    credits: int
    prices: Prices


class Collection(msgspec.Struct, frozen=True):
    """How a declined renewal is collected (R52, R55): the days after the invoice's date on which it is tried
    again, ascending, and how many days before the first cycle end a reminder is due."""

    retry_days: tuple[int, ...] = ()
    remind_before_lapse: int = 3


class Policies(msgspec.Struct, frozen=True):
    """What the seller has decided for everybody. What is not set is off.

    `tier_upgrade`: R29. `support_limit`: by currency, how much support may give back (R60).
    `nonprofit_percent`: what a nonprofit's discount takes off (R85).
    """

    tier_upgrade: TierUpgrade = "by_days"
    collection: Collection | None = None
    support_limit: dict[str, Decimal] = {}
    nonprofit_percent: Decimal | None = None

    @property
    def full_difference(self) -> bool:
        """A tier upgrade costs the whole price difference; else by days (R29)."""
        return self.tier_upgrade == "full_difference"


class Catalog(msgspec.Struct, frozen=True, dict=True):
    """One version of the catalogue. The dictionaries keep the file's order: that is "catalogue order"
    (R24)."""

    version: str
    families: dict[str, Family]
    plans: dict[str, Plan]
    add_ons: dict[str, AddOn]
    credits: dict[str, CreditPack]
    policies: Policies = Policies()
    file: CatalogFile = NOTHING
    """What it was made of."""

    def order(self, product: str) -> int:
        """The product's place in catalogue order: plans, add-ons, credits; what it does not know comes
        last."""
        return self._order.get(product, len(self._order))

    @cached_property
    def _order(self) -> dict[str, int]:
        return {product: i for i, product in enumerate((*self.plans, *self.add_ons, *self.credits))}

    @cached_property
    def transactional(self) -> AddOn | None:
        """The add-on that is sold in blocks by its own process (R20)."""
        return next((add_on for add_on in self.add_ons.values() if add_on.process == "transactional"), None)


EMPTY = Catalog("none", {}, {}, {}, {})
"""Nothing is sold: in force before the first version."""


class CatalogVersion(msgspec.Struct, frozen=True):
    """A catalogue and the instant from which it is in force (None: always)."""

    effective_from: Instant | None
    catalog: Catalog


class Catalogues(msgspec.Struct, frozen=True, dict=True):
    """The series of versions, ascending; of several with one instant the last is in force."""

    versions: tuple[CatalogVersion, ...]
    taxes: Taxes | None = None
    """Who decides the taxes; None: tax is off (R71)."""
    codes: dict[str, DiscountCode] = {}
    """The discounts that are given by a code (R79)."""

    @classmethod
    def always(cls, catalog: Catalog) -> Catalogues:
        """A series of one version without beginning."""
        return cls((CatalogVersion(None, catalog),))

    def followed_by(self, at: Instant, *later: Catalog) -> Catalogues:
        """The series with further versions, the last of which is in force from the instant."""
        return replace(self, versions=(*self.versions, *[CatalogVersion(at, catalog) for catalog in later]))

    def at(self, at: Instant) -> Catalog:
        """The version in force at the instant."""
        for version in reversed(self.versions):
            if version.effective_from is None or version.effective_from <= at:
                return version.catalog
        return EMPTY

    def ever_sold(self, at: Instant) -> Catalog:
        """Everything that was sold up to the instant, each product as it last was, in its place, with its own
        last price in each currency (R8)."""
        begun = self._begun(at)
        return self._ever_sold[begun - 1] if begun else EMPTY

    def _begun(self, at: Instant) -> int:
        """How many versions have begun at the instant."""
        for i in range(len(self.versions), 0, -1):
            effective_from = self.versions[i - 1].effective_from
            if effective_from is None or effective_from <= at:
                return i
        return 0

    @cached_property
    def families_of_plans(self) -> dict[str, str]:
        """Of every plan that some version knows, its family, which never changes (R8a)."""
        return {p.id: p.family for version in self.versions for p in version.catalog.plans.values()}

    @cached_property
    def _ever_sold(self) -> tuple[Catalog, ...]:
        """What was sold up to each version."""
        sold = [version.catalog for version in self.versions[:1]]
        for version in self.versions[1:]:
            sold.append(_and_before(sold[-1], version.catalog))
        return tuple(sold)


# ---- what was ever sold ----------------------------------------------------


def _and_before(before: Catalog, now: Catalog) -> Catalog:
    """The catalogue with what only `before` knows: products, tiers, and prices in other currencies."""
    return Catalog(
        now.version,
        _in_place(before.families, now.families),
        _in_place(before.plans, {p.id: _plan_and_before(before, p) for p in now.plans.values()}),
        _in_place(before.add_ons, {a.id: _add_on_and_before(before, a) for a in now.add_ons.values()}),
        _in_place(before.credits, {c.id: _pack_and_before(before, c) for c in now.credits.values()}),
        now.policies,
    )


def _in_place(before: dict[str, _Entry], now: dict[str, _Entry]) -> dict[str, _Entry]:
    """Those sold now, in their order; each of the others after the one that it stood behind."""
    order = list(now)
    behind = 0
    for name in before:
        if name not in now:
            order.insert(behind, name)
        behind = order.index(name) + 1
    return {name: now[name] if name in now else before[name] for name in order}


def _plan_and_before(before: Catalog, plan: Plan) -> Plan:
    if plan.id not in before.plans:
        return plan
    tiers = before.plans[plan.id].tiers
    every = {tier: tiers.get(tier, {}) | prices for tier, prices in plan.tiers.items()}
    return replace(plan, tiers=every | {tier: tiers[tier] for tier in tiers if tier not in every})


def _add_on_and_before(before: Catalog, add_on: AddOn) -> AddOn:
    if add_on.id not in before.add_ons:
        return add_on
    was = before.add_ons[add_on.id]
    return replace(
        add_on, prices=was.prices | add_on.prices, block_prices=was.block_prices | add_on.block_prices
    )


def _pack_and_before(before: Catalog, pack: CreditPack) -> CreditPack:
    was = before.credits.get(pack.id)
    return pack if was is None else replace(pack, prices=was.prices | pack.prices)


# ---- from a file ---------------------------------------------------------


def parse_catalog(data: bytes | str, ever_sold: Container[str] | None = ()) -> Catalog:
    """The catalogue that a JSON file describes. `ever_sold`: plans of earlier versions, which a prerequisite
    may name too (R8a); None: any.

    Raises InvalidCatalog with the place of the first fault.
    """
    return build_catalog(decode_catalog(data), ever_sold)


def convert_catalog(value: Any, ever_sold: Container[str] | None = ()) -> Catalog:
    """The catalogue in an already decoded JSON value. Raises InvalidCatalog as `parse_catalog`."""
    return build_catalog(converted_catalog(value), ever_sold)


def build_catalog(file: CatalogFile, ever_sold: Container[str] | None = ()) -> Catalog:
    """A checked catalogue: ids unique, references known, prices in their currencies' digits, block steps
    ascending. `ever_sold` as of `parse_catalog`."""
    families = _unique("families", [Family(f.id, f.name, f.pausable) for f in file.families])
    plans = _unique("plans", [_plan(p, i, families) for i, p in enumerate(file.plans)])
    add_ons = _unique("add_ons", [_add_on(a, i) for i, a in enumerate(file.add_ons)])
    _check_prerequisites(file, plans, ever_sold)
    packs = [
        CreditPack(c.id, c.name, c.credits, _prices(c.prices, f"$.credits[{i}].prices"))
        for i, c in enumerate(file.credits)
    ]
    credit_packs = _unique("credits", packs)
    for kind, products in (("add_ons", add_ons), ("credits", credit_packs)):
        for i, product in enumerate(products):
            if product in plans or (kind == "credits" and product in add_ons):
                raise invalid(
                    f"$.{kind}[{i}].id",
                    f"{product!r} is already the id of another product",
                )
    version = file.version or "sha256:" + hashlib.sha256(canonical_bytes(file)).hexdigest()[:12]
    return Catalog(version, families, plans, add_ons, credit_packs, _policies(file.policies), file)


def _check_prerequisites(file: CatalogFile, plans: dict[str, Plan], ever_sold: Container[str] | None) -> None:
    for i, add_on in enumerate(file.add_ons):
        for j, plan in enumerate(add_on.requires or ()):
            if plan not in plans and ever_sold is not None and plan not in ever_sold:
                raise invalid(
                    f"$.add_ons[{i}].requires[{j}]", f"no plan has the id {plan!r}, and none had it"
                )


def _policies(file: PoliciesFile) -> Policies:
    collection, limits = None, {}
    if file.collection is not UNSET:
        days = file.collection.retry_days
        for i, day in enumerate(days):
            if day in days[:i]:
                place = f"$.policies.collection.retry_days[{i}]"
                raise invalid(place, f"the day {day} stands twice")
        collection = Collection(tuple(sorted(days)), file.collection.remind_before_lapse)
    if file.corrections is not UNSET and file.corrections.support_limit is not UNSET:
        limits = _prices(file.corrections.support_limit, "$.policies.corrections.support_limit")
    percent = None if file.nonprofit_percent is UNSET else Decimal(file.nonprofit_percent)
    return Policies(file.tier_upgrade, collection, limits, percent)


def _plan(plan: PlanFile, index: int, families: dict[str, Family]) -> Plan:
    place = f"$.plans[{index}]"
    if plan.family not in families:
        raise invalid(f"{place}.family", f"no family has the id {plan.family!r}")
    tiers: dict[str, Prices] = {}
    for i, tier in enumerate(plan.tiers):
        if tier.id in tiers:
            raise invalid(
                f"{place}.tiers[{i}].id",
                f"the tier {tier.id!r} stands twice in {plan.id!r}",
            )
        tiers[tier.id] = _prices(tier.prices, f"{place}.tiers[{i}].prices")
    return Plan(plan.id, plan.family, plan.name, tiers)


def _add_on(add_on: AddOnFile, index: int) -> AddOn:
    place = f"$.add_ons[{index}]"
    requires = () if add_on.requires is UNSET else add_on.requires
    if add_on.process is UNSET:
        if add_on.prices is UNSET:
            raise invalid(place, "an add-on has `prices`, or `process` and `block`")
        if add_on.block is not UNSET:
            raise invalid(f"{place}.block", "only an add-on with a `process` is sold in blocks")
        return AddOn(
            add_on.id, add_on.name, _prices(add_on.prices, f"{place}.prices"), requires, None, None, {}
        )
    if add_on.block is UNSET or add_on.prices is not UNSET:
        raise invalid(place, "an add-on with a `process` has `block` and no `prices`")
    steps = _block_prices(add_on.block.prices, f"{place}.block.prices")
    return AddOn(add_on.id, add_on.name, {}, requires, add_on.process, add_on.block.e_mails, steps)


def _block_prices(steps: tuple[BlockStepFile, ...], place: str) -> dict[str, tuple[BlockPrice, ...]]:
    """Graduated steps by currency; a currency counts only where every step has a price in it."""
    reached = 0
    for i, step in enumerate(steps):
        last = i == len(steps) - 1
        if (step.up_to is None) != last:
            raise invalid(f"{place}[{i}].up_to", "exactly the last step has `up_to` null")
        if step.up_to is not None:
            if step.up_to <= reached:
                raise invalid(f"{place}[{i}].up_to", f"`up_to` must be above {reached}")
            reached = step.up_to
    priced = [_prices(step.prices, f"{place}[{i}].prices") for i, step in enumerate(steps)]
    everywhere = [currency for currency in priced[0] if all(currency in prices for prices in priced)]
    return {
        c: tuple(BlockPrice(s.up_to, p[c]) for s, p in zip(steps, priced, strict=True)) for c in everywhere
    }


def _prices(prices: dict[str, str], place: str) -> Prices:
    try:
        return {
            check_currency(currency, f"{place}.{currency}"): parse_amount(
                text, currency, f"{place}.{currency}"
            )
            for currency, text in prices.items()
        }
    except InvalidInput as error:
        raise invalid(error.place, error.message) from None


def _unique(kind: str, products: list[_Entry]) -> dict[str, _Entry]:
    found: dict[str, _Entry] = {}
    for i, product in enumerate(products):
        if product.id in found:
            raise invalid(f"$.{kind}[{i}].id", f"the id {product.id!r} stands twice")
        found[product.id] = product
    return found
