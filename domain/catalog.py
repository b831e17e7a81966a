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
import re
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from domain.calendar import Instant
from domain.errors import InvalidCatalog, InvalidInput
from domain.money import check_currency, parse_amount
from domain.repeated_names import repeated_name
from domain.texts import check_document

Name = Annotated[str, Meta(min_length=1, max_length=100)]
_Entry = TypeVar("_Entry", "Family", "Plan", "AddOn", "CreditPack")
TierUpgrade = Literal["full_difference", "by_days"]
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

    def order(self, product: str) -> int:
        """The product's place in catalogue order: plans, add-ons, credits; what is no longer sold comes
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


class Catalogues(msgspec.Struct, frozen=True):
    """The series of versions, ascending."""

    versions: tuple[CatalogVersion, ...]

    @classmethod
    def always(cls, catalog: Catalog) -> Catalogues:
        """A series of one version without beginning."""
        return cls((CatalogVersion(None, catalog),))

    def at(self, at: Instant) -> Catalog:
        """The version in force at the instant."""
        for version in reversed(self.versions):
            if version.effective_from is None or version.effective_from <= at:
                return version.catalog
        return EMPTY


# ---- the file ------------------------------------------------------------

_CURRENCY: Final = re.compile("^[A-Z]{3}$")
_PERCENT: Final = re.compile(r"^(100(\.0{1,2})?|[0-9]{1,2}(\.[0-9]{1,2})?)$")
_PRICE: Final = re.compile(r"^[0-9]+(\.[0-9]+)?$")

PricesFile = dict[
    Annotated[str, Meta(pattern=_CURRENCY.pattern)], Annotated[str, Meta(pattern=_PRICE.pattern)]
]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


class FamilyFile(_File, frozen=True):
    id: Name
    name: str
    pausable: bool


class TierFile(_File, frozen=True):
    id: Name
    prices: PricesFile


class PlanFile(_File, frozen=True):
    id: Name
    family: Name
    name: str
    tiers: Annotated[tuple[TierFile, ...], Meta(min_length=1)]


class BlockStepFile(_File, frozen=True):
    up_to: Annotated[int, Meta(ge=1)] | None
    prices: PricesFile


class BlockFile(_File, frozen=True):
    e_mails: Annotated[int, Meta(ge=1, le=10**12)]
    prices: Annotated[tuple[BlockStepFile, ...], Meta(min_length=1)]


class AddOnFile(_File, frozen=True):
    id: Name
    name: str
    prices: PricesFile | UnsetType = UNSET
    requires: Annotated[tuple[Name, ...], Meta(min_length=1)] | UnsetType = UNSET
    process: Literal["transactional"] | UnsetType = UNSET
    block: BlockFile | UnsetType = UNSET


class CreditPackFile(_File, frozen=True):
    id: Name
    name: str
    credits: Annotated[int, Meta(ge=1, le=10**12)]
    prices: PricesFile


class CollectionFile(_File, frozen=True):
    retry_days: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=10_000)], ...], Meta(extra_json_schema={"uniqueItems": True})
    ] = ()
    remind_before_lapse: Annotated[int, Meta(ge=1, le=10_000)] = 3


class CorrectionsFile(_File, frozen=True):
    support_limit: PricesFile | UnsetType = UNSET


class PoliciesFile(_File, frozen=True):
    tier_upgrade: TierUpgrade = "by_days"
    collection: CollectionFile | UnsetType = UNSET
    corrections: CorrectionsFile | UnsetType = UNSET
    nonprofit_percent: Annotated[str, Meta(pattern=_PERCENT.pattern)] | UnsetType = UNSET


class CatalogFile(_File, frozen=True):
    """A catalogue as it stands in a file."""

    families: tuple[FamilyFile, ...]
    plans: tuple[PlanFile, ...]
    add_ons: tuple[AddOnFile, ...]
    credits: tuple[CreditPackFile, ...]
    policies: PoliciesFile = PoliciesFile()
    about: str = ""
    version: str = ""


# Made here, since msgspec crashes where threads need a type for the first time at once.
_decoder: Final = msgspec.json.Decoder(CatalogFile)


def parse_catalog(data: bytes | str) -> Catalog:
    """The catalogue that a JSON file describes.

    Raises InvalidCatalog with the place of the first fault.
    """
    try:
        file = _decoder.decode(data)
        twice = repeated_name(data)
    except msgspec.ValidationError as error:
        raise _fault(error, _whole(data)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _invalid("$", str(error)) from None
    if twice is not None:
        place, name = twice
        raise _invalid(place, f"the field {name[:40]!r} stands twice")
    return build_catalog(file)


def check_catalog_texts(data: bytes | str) -> None:
    """Check every text of a catalogue that is about to be taken in; those stored before stay readable.

    Raises InvalidCatalog with the place of a text that no terminal, export or log should show.
    """
    try:
        check_document(msgspec.json.decode(data))
    except InvalidInput as error:
        raise _invalid(error.place, error.message) from None


def convert_catalog(value: Any) -> Catalog:
    """The catalogue in an already decoded JSON value. Raises InvalidCatalog as `parse_catalog`."""
    try:
        return build_catalog(msgspec.convert(value, type=CatalogFile))
    except msgspec.ValidationError as error:
        raise _fault(error, value) from None


def build_catalog(file: CatalogFile) -> Catalog:
    """A checked catalogue: ids unique, references known, prices in their currencies' digits, block steps
    ascending."""
    families = _unique("families", [Family(f.id, f.name, f.pausable) for f in file.families])
    plans = _unique("plans", [_plan(p, i, families) for i, p in enumerate(file.plans)])
    add_ons = _unique("add_ons", [_add_on(a, i, plans) for i, a in enumerate(file.add_ons)])
    packs = [
        CreditPack(c.id, c.name, c.credits, _prices(c.prices, f"$.credits[{i}].prices"))
        for i, c in enumerate(file.credits)
    ]
    credit_packs = _unique("credits", packs)
    for kind, products in (("add_ons", add_ons), ("credits", credit_packs)):
        for i, product in enumerate(products):
            if product in plans or (kind == "credits" and product in add_ons):
                raise _invalid(
                    f"$.{kind}[{i}].id",
                    f"{product!r} is already the id of another product",
                )
    canonical = msgspec.json.encode(file, order="sorted")
    version = file.version or "sha256:" + hashlib.sha256(canonical).hexdigest()[:12]
    return Catalog(version, families, plans, add_ons, credit_packs, _policies(file.policies))


def _policies(file: PoliciesFile) -> Policies:
    collection, limits = None, {}
    if file.collection is not UNSET:
        days = file.collection.retry_days
        for i, day in enumerate(days):
            if day in days[:i]:
                place = f"$.policies.collection.retry_days[{i}]"
                raise _invalid(place, f"the day {day} stands twice")
        collection = Collection(tuple(sorted(days)), file.collection.remind_before_lapse)
    if file.corrections is not UNSET and file.corrections.support_limit is not UNSET:
        limits = _prices(file.corrections.support_limit, "$.policies.corrections.support_limit")
    percent = None if file.nonprofit_percent is UNSET else Decimal(file.nonprofit_percent)
    return Policies(file.tier_upgrade, collection, limits, percent)


def _plan(plan: PlanFile, index: int, families: dict[str, Family]) -> Plan:
    place = f"$.plans[{index}]"
    if plan.family not in families:
        raise _invalid(f"{place}.family", f"no family has the id {plan.family!r}")
    tiers: dict[str, Prices] = {}
    for i, tier in enumerate(plan.tiers):
        if tier.id in tiers:
            raise _invalid(
                f"{place}.tiers[{i}].id",
                f"the tier {tier.id!r} stands twice in {plan.id!r}",
            )
        tiers[tier.id] = _prices(tier.prices, f"{place}.tiers[{i}].prices")
    return Plan(plan.id, plan.family, plan.name, tiers)


def _add_on(add_on: AddOnFile, index: int, plans: dict[str, Plan]) -> AddOn:
    place = f"$.add_ons[{index}]"
    requires = () if add_on.requires is UNSET else add_on.requires
    for i, plan in enumerate(requires):
        if plan not in plans:
            raise _invalid(f"{place}.requires[{i}]", f"no plan has the id {plan!r}")
    if add_on.process is UNSET:
        if add_on.prices is UNSET:
            raise _invalid(place, "an add-on has `prices`, or `process` and `block`")
        if add_on.block is not UNSET:
            raise _invalid(f"{place}.block", "only an add-on with a `process` is sold in blocks")
        return AddOn(
            add_on.id, add_on.name, _prices(add_on.prices, f"{place}.prices"), requires, None, None, {}
        )
    if add_on.block is UNSET or add_on.prices is not UNSET:
        raise _invalid(place, "an add-on with a `process` has `block` and no `prices`")
    steps = _block_prices(add_on.block.prices, f"{place}.block.prices")
    return AddOn(add_on.id, add_on.name, {}, requires, add_on.process, add_on.block.e_mails, steps)


def _block_prices(steps: tuple[BlockStepFile, ...], place: str) -> dict[str, tuple[BlockPrice, ...]]:
    """Graduated steps by currency; a currency counts only where every step has a price in it."""
    reached = 0
    for i, step in enumerate(steps):
        last = i == len(steps) - 1
        if (step.up_to is None) != last:
            raise _invalid(f"{place}[{i}].up_to", "exactly the last step has `up_to` null")
        if step.up_to is not None:
            if step.up_to <= reached:
                raise _invalid(f"{place}[{i}].up_to", f"`up_to` must be above {reached}")
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
        raise _invalid(error.place, error.message) from None


def _unique(kind: str, products: list[_Entry]) -> dict[str, _Entry]:
    found: dict[str, _Entry] = {}
    for i, product in enumerate(products):
        if product.id in found:
            raise _invalid(f"$.{kind}[{i}].id", f"the id {product.id!r} stands twice")
        found[product.id] = product
    return found


def _invalid(place: str, message: str) -> InvalidCatalog:
    return InvalidCatalog("invalid_catalog", place, message)


def _fault(error: msgspec.ValidationError, document: Any) -> InvalidCatalog:
    """The decoder's message, and the place of the fault. Of prices it names no place: that is the first that
    is none."""
    message, _, place = str(error).rpartition(" - at `")
    if not message:
        return _invalid("$", str(error))
    place = place.removeprefix("key` in `").rstrip("`")
    place = place.removesuffix("[...]")
    if not place.endswith(("prices", "support_limit")):
        return _invalid(place, message)
    for currency, price in _prices_at(document, place):
        if not _CURRENCY.fullmatch(currency):
            code = currency[:40]
            return _invalid(f"{place}.{code}", f"{code!r} is no currency: three capital letters, such as EUR")
        if not isinstance(price, str) or not _PRICE.fullmatch(price):
            written = str(price)[:40]
            return _invalid(
                f"{place}.{currency}", f'{written!r} is no price: a text of digits, such as "20.00"'
            )
    return _invalid(place, message)


def _whole(data: bytes | str) -> Any:
    """The document, decoded; None where it is no JSON from some point on."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _prices_at(document: Any, place: str) -> list[tuple[str, Any]]:
    """Currencies and prices of the object at a place such as `$.plans[0].tiers[1].prices`."""
    if document is None:
        return []
    for name, number in re.findall(r"\.(\w+)|\[(\d+)\]", place):
        document = document[name] if name else document[int(number)]
    return list(document.items()) if isinstance(document, dict) else []
