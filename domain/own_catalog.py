"""An account on a test clock has a catalogue of its own: prices of it change (`reprice`), and later versions
come into force (`catalog`), as docs/scenarios.md says.

A version is stored by its digest. What of it stands in the log is that digest, in `AccountOpened` and
`CatalogChanged`.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from domain import events as e
from domain.answers import Refusal
from domain.calendar import Instant
from domain.catalog import Catalog, Catalogues, build_catalog
from domain.catalog_file import (
    AddOnFile,
    CatalogFile,
    CreditPackFile,
    FamilyFile,
    NamedPolicies,
    OwnCatalogFile,
    PlanFile,
    canonical_bytes,
    decode_own_catalog,
    digest_of,
    invalid,
)
from domain.codes import DiscountCode
from domain.commands import ChangeCatalog, OverridePrice
from domain.errors import InvalidCatalog, InvalidInput
from domain.money import parse_amount
from domain.product_identity import ProductChange, changes_free, product_changes
from domain.proposals import Context, Proposal, Proposed, no_price, unknown_product
from domain.renewal import prerequisite_changes
from domain.state import Account
from domain.tax import TaxTable
from domain.terms import codes_of, table_of
from domain.terms_file import CodeFile, TaxFile

_Entry = TypeVar("_Entry", FamilyFile, PlanFile, AddOnFile, CreditPackFile)

PRODUCTS: Final = ("plans", "add_ons", "credits")


class NewVersions(msgspec.Struct, frozen=True):
    """What a `catalog` step adds to the account's series: the version in force from now on, after `repriced`,
    the one in force until then with the account's own prices in it (None: it has none)."""

    repriced: Catalog | None
    catalog: Catalog

    def in_order(self) -> tuple[Catalog, ...]:
        """The versions in the order of the series."""
        return (self.catalog,) if self.repriced is None else (self.repriced, self.catalog)


def change_catalog(ctx: Context, command: ChangeCatalog) -> Proposed:
    """Put a later version of the account's own catalogue into force; one that makes something else of a
    product is refused (R8a). Raises InvalidCatalog as `new_versions`."""
    versions = new_versions(ctx.catalogues, ctx.state, command, ctx.at)
    change = next(product_changes(ctx.prices.ever_sold, versions.catalog), None)
    if change is not None:
        return _product_changed(change)
    changed = e.CatalogChanged(
        at=ctx.at,
        command=ctx.command,
        catalog=digest(versions.catalog),
        repriced=None if versions.repriced is None else digest(versions.repriced),
    )
    series = ctx.catalogues.followed_by(ctx.at, *versions.in_order())
    return Proposal(
        changed, while_past_due=True, then=prerequisite_changes(ctx.state, series, ctx.at, ctx.command)
    )


def override_price(ctx: Context, command: OverridePrice) -> Proposed:
    """Set another price in the account's currency from now on: of a plan's tier, of an add-on with a flat
    price, or of a credit pack."""
    catalog, product, tier = ctx.catalog, command.product, command.tier
    plan = catalog.plans.get(product)
    if plan is not None:
        tier = next(iter(plan.tiers)) if tier is None else tier
        if tier not in plan.tiers:
            return unknown_product(f"{product}/{tier}", "tier")
    elif tier is not None or (product not in catalog.add_ons and product not in catalog.credits):
        return unknown_product(product, "product with tiers" if tier is not None else "product")
    elif product in catalog.add_ons and catalog.add_ons[product].process is not None:
        return no_price(product, ctx.state.currency)
    currency = ctx.state.currency
    try:
        price = parse_amount(command.price, currency, "$.price")
    except InvalidInput:
        return Refusal(
            "invalid_amount", {"product": product, "price": command.price[:40], "currency": currency}
        )
    if plan is not None and tier is not None:
        known = ctx.prices.ever_sold.plans[product]
        if changes_free(known, tier, price, currency):
            was = "nothing" if price else "something"
            return _product_changed(ProductChange(product, "free", was, f"{price} {currency}", "$.price"))
    overridden = e.PriceOverridden(at=ctx.at, command=ctx.command, product=product, tier=tier, price=price)
    return Proposal(overridden, while_past_due=True)


def _product_changed(change: ProductChange) -> Refusal:
    return Refusal("product_changed", msgspec.to_builtins(change))


# ---- versions --------------------------------------------------------------


def digest(catalog: Catalog) -> str:
    """The digest by which the version is stored."""
    return digest_of(canonical_bytes(catalog.file))


def stored_catalog(body: bytes) -> Catalog:
    """The catalogue in a stored body. It was checked when it was taken in, prerequisites too."""
    return build_catalog(decode_own_catalog(body), None)


def laid_over(catalog: Catalog, policies: NamedPolicies) -> Catalog:
    """The account's own catalogue with these policies, which hold in every later version too.

    Raises InvalidCatalog.
    """
    named = _named(policies)
    if not named:
        return catalog
    file = replace(_own(catalog.file), laid_over=tuple(named))
    return build_catalog(replace(file, policies=replace(file.policies, **named)), None)


def with_terms(
    catalog: Catalog, tax: TaxFile | UnsetType, discounts: tuple[CodeFile, ...] | UnsetType
) -> Catalog:
    """The account's own catalogue with a tax table (R71) and discount codes (R79)."""
    return build_catalog(replace(_own(catalog.file), tax=tax, discounts=discounts), None)


def terms_of(catalog: Catalog) -> tuple[TaxTable | None, dict[str, DiscountCode]]:
    """The tax table and the codes that stand in the account's own catalogue."""
    file = catalog.file
    if not isinstance(file, OwnCatalogFile):
        return None, {}
    taxes = None if file.tax is UNSET else table_of(file.tax, "$.tax")
    return taxes, {} if file.discounts is UNSET else codes_of(file.discounts, "$.discounts")


def new_versions(series: Catalogues, state: Account, command: ChangeCatalog, at: Instant) -> NewVersions:
    """The versions that the command makes of the one in force at the instant.

    Raises InvalidCatalog with the place in the command, if what it makes is no catalogue.
    """
    before, ever_sold = series.at(at), series.ever_sold(at)
    repriced = None
    if state.price_overrides:
        file = _with_prices(_own(before.file), state.price_overrides, state.currency)
        repriced = before = build_catalog(file, None)
    _check_lists(command, ever_sold)
    file = _merged(_own(before.file), command)
    try:
        return NewVersions(repriced, build_catalog(file, ever_sold.plans))
    except InvalidCatalog as error:
        raise _in_command(error, file, command) from None


def _own(file: CatalogFile) -> OwnCatalogFile:
    if isinstance(file, OwnCatalogFile):
        return file
    return OwnCatalogFile(**{name: getattr(file, name) for name in file.__struct_fields__})


def _named(policies: NamedPolicies) -> dict[str, Any]:
    return {name: one for name, one in msgspec.structs.asdict(policies).items() if one is not UNSET}


def _with_prices(file: OwnCatalogFile, prices: dict[str, Decimal], currency: str) -> OwnCatalogFile:
    """The file with the account's own prices: by `product`, of plans by `product/tier`."""

    def priced(was: Any, key: str) -> Any:
        return was if was is UNSET or key not in prices else was | {currency: format(prices[key], "f")}

    plans = [
        replace(p, tiers=tuple([replace(t, prices=priced(t.prices, f"{p.id}/{t.id}")) for t in p.tiers]))
        for p in file.plans
    ]
    return replace(
        file,
        plans=tuple(plans),
        add_ons=tuple([replace(a, prices=priced(a.prices, a.id)) for a in file.add_ons]),
        credits=tuple([replace(c, prices=priced(c.prices, c.id)) for c in file.credits]),
    )


def _merged(file: OwnCatalogFile, command: ChangeCatalog) -> OwnCatalogFile:
    """The file with what the command lists, and without what it withdraws."""
    gone = {*(command.withdrawn or ())}
    for field in PRODUCTS:  # what is listed as another kind of product stands once, to be refused for that
        gone |= {one.id for one in getattr(command, field) or ()}
    policies = {} if command.policies is UNSET else _named(command.policies)
    kept = {name: one for name, one in policies.items() if name not in file.laid_over}
    return replace(
        file,
        families=_put(file.families, command.families or (), set()),
        plans=_put(file.plans, command.plans or (), gone),
        add_ons=_put(file.add_ons, command.add_ons or (), gone),
        credits=_put(file.credits, command.credits or (), gone),
        policies=replace(file.policies, **kept),
    )


def _put(before: tuple[_Entry, ...], listed: tuple[_Entry, ...], gone: set[str]) -> tuple[_Entry, ...]:
    """What is listed stands whole in place of what has its id, or is added last."""
    named = {one.id: i for i, one in enumerate(listed)}
    before = tuple([one for one in before if one.id in named or one.id not in gone])
    known = {one.id for one in before}
    in_place = tuple([listed[named[one.id]] if one.id in named else one for one in before])
    return in_place + tuple([one for one in listed if one.id not in known])


def _check_lists(command: ChangeCatalog, ever_sold: Catalog) -> None:
    """Nothing is listed or withdrawn twice, and what is withdrawn was sold once."""
    listed: set[str] = set()
    for field in ("families", *PRODUCTS):
        ids = [one.id for one in getattr(command, field) or ()]
        for i, name in enumerate(ids):
            if name in ids[:i]:
                raise invalid(f"$.{field}[{i}].id", f"the id {name!r} stands twice")
        listed |= set(ids) if field in PRODUCTS else set()
    withdrawn = command.withdrawn or ()
    known = {*ever_sold.plans, *ever_sold.add_ons, *ever_sold.credits}
    for i, product in enumerate(withdrawn):
        if product not in known:
            raise invalid(f"$.withdrawn[{i}]", f"no product has the id {product!r}")
        if product in listed or product in withdrawn[:i]:
            raise invalid(f"$.withdrawn[{i}]", f"{product!r} is named twice")


_ENTRY: Final = re.compile(r"^\$\.(families|plans|add_ons|credits)\[([0-9]+)\]")


def _in_command(error: InvalidCatalog, file: CatalogFile, command: ChangeCatalog) -> InvalidCatalog:
    """The fault with its place in the command, where what it lies in is listed there."""
    found = _ENTRY.match(error.place)
    if found is None:
        return error
    field, index = found[1], int(found[2])
    entry = getattr(file, field)[index]
    for i, one in enumerate(getattr(command, field) or ()):
        if one is entry:
            return InvalidCatalog(error.code, f"$.{field}[{i}]{error.place[found.end() :]}", error.message)
    return error
