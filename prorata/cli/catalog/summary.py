"""A summary of a catalogue in a few lines, with the prices that are missing."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import UNSET

from domain.catalog import Policies, parse_catalog
from domain.catalog_file import CatalogFile


def summary(data: bytes) -> Iterator[str]:
    """Lines on the catalogue's products, its currencies, and the products without a price in one of them.

    Raises InvalidCatalog.
    """
    catalog = parse_catalog(data, None)
    tiers = sum(len(plan.tiers) for plan in catalog.plans.values())
    pausable = [family.id for family in catalog.families.values() if family.pausable]
    yield f"{len(catalog.families)} families (pausable: {', '.join(pausable) or 'none'})"
    yield f"{len(catalog.plans)} plans with {tiers} tiers"
    own = [add_on.id for add_on in catalog.add_ons.values() if add_on.process is not None]
    yield f"{len(catalog.add_ons)} add-ons (with a process of their own: {', '.join(own) or 'none'})"
    yield f"{len(catalog.credits)} credit packs"
    yield f"tier upgrades {'at the full difference' if catalog.policies.full_difference else 'by days'}"
    yield from _policies(catalog.policies)
    yield from _currencies(msgspec.json.decode(data, type=CatalogFile))


def _policies(policies: Policies) -> Iterator[str]:
    """Lines on the policies of the second part that are set."""
    if (collection := policies.collection) is not None:
        days = ", ".join(str(day) for day in collection.retry_days)
        tries = f"is tried again on day {days}" if days else "is not tried again"
        reminded = f"reminded of {collection.remind_before_lapse} days before anything lapses"
        yield f"a declined renewal {tries}, and {reminded}"
    if policies.support_limit:
        limits = ", ".join(
            f"{amount} {currency}" for currency, amount in sorted(policies.support_limit.items())
        )
        yield f"support may give back up to {limits}"
    if policies.nonprofit_percent is not None:
        yield f"nonprofits pay {policies.nonprofit_percent} % less"


def _currencies(file: CatalogFile) -> Iterator[str]:
    priced = list(_priced(file))
    every = {currency for _, _, currencies in priced for currency in currencies}
    yield f"currencies: {', '.join(sorted(every)) or 'none'}"
    for place, product, currencies in priced:
        if missing := every - currencies:
            yield f"note: {place}: {product} is not sold in {', '.join(sorted(missing))}"


def _priced(file: CatalogFile) -> Iterator[tuple[str, str, set[str]]]:
    """Each price's place, owner and currencies. Blocks have a price in a currency only if every step has one;
    the steps without it are named."""
    for i, plan in enumerate(file.plans):
        for j, tier in enumerate(plan.tiers):
            yield f"$.plans[{i}].tiers[{j}].prices", f"{plan.id} ({tier.id})", set(tier.prices)
    for i, add_on in enumerate(file.add_ons):
        if add_on.prices is not UNSET:
            yield f"$.add_ons[{i}].prices", add_on.id, set(add_on.prices)
        if add_on.block is not UNSET:
            for j, step in enumerate(add_on.block.prices):
                yield f"$.add_ons[{i}].block.prices[{j}].prices", add_on.id, set(step.prices)
    for i, pack in enumerate(file.credits):
        yield f"$.credits[{i}].prices", pack.id, set(pack.prices)
