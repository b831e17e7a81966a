"""`prorata catalog check`, `diff` and `schema`: the catalogue as data (docs/catalogue.md)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from domain.catalog import Catalog, parse_catalog
from domain.catalog_diff import CatalogChange, Effect, Tally, changes, effect
from domain.errors import InvalidInput
from domain.forecast import settled_as_paid
from prorata.catalog_schema import schema_text
from prorata.cli.terminal.printable import printable
from prorata.settings import Settings


def check(
    file: Annotated[Path, Parameter(help="The catalogue, JSON.")],
) -> int:
    """Whether the file is a catalogue that can be loaded, with a short summary.

    Exit 0: it is. 2: it is not; the place and the reason are said on stderr.
    """
    catalog = _read(file)
    print(printable(f"{file}: a valid catalogue, version {catalog.version}"))
    for line in summary(catalog):
        print(f"  {printable(line)}")
    return 0


def diff(
    old: Annotated[Path, Parameter(help="The catalogue before, JSON.")],
    new: Annotated[Path, Parameter(help="The catalogue after, JSON.")],
    *,
    accounts: Annotated[
        bool,
        Parameter(negative="", help="Also who of the log's accounts pays more or less at the next renewal."),
    ] = False,
    json: Annotated[
        bool, Parameter(negative="", help="A JSON object for each change and account, one a line.")
    ] = False,
) -> int:
    """What changed: products, prices, prerequisites, policies, order.

    With --accounts each account's next renewals are priced under both catalogues, one account after the
    other as the log gives them, and summed up by currency. An account's own catalogue (test clock) is not
    looked at. Exit 2: one of the files is no catalogue.
    """
    before, after = _read(old), _read(new)
    found = changes(before, after)
    for change in found:
        print(_line("change", change) if json else f"  {printable(said(change))}")
    if not json:
        print(f"{len(found)} changes" if found else "no change")
    if accounts:
        _print_accounts(before, after, json=json)
    return 0


def schema() -> int:
    """Print the JSON Schema of a catalogue file, for editors and other checkers."""
    print(schema_text(), end="")
    return 0


def _read(file: Path) -> Catalog:
    try:
        return parse_catalog(file.read_bytes())
    except InvalidInput as error:
        raise InvalidInput(error.code, f"{file}: {error.place}", error.message) from None


def summary(catalog: Catalog) -> Iterator[str]:
    """What is in it, and what is not sold in every currency."""
    tiers = sum(len(plan.tiers) for plan in catalog.plans.values())
    pausable = [family.id for family in catalog.families.values() if family.pausable]
    yield f"{len(catalog.families)} families (pausable: {', '.join(pausable) or 'none'})"
    yield f"{len(catalog.plans)} plans with {tiers} tiers"
    own = [add_on.id for add_on in catalog.add_ons.values() if add_on.process is not None]
    yield f"{len(catalog.add_ons)} add-ons (with a process of their own: {', '.join(own) or 'none'})"
    yield f"{len(catalog.credits)} credit packs"
    yield f"tier upgrades {'at the full difference' if catalog.full_difference else 'by days'}"
    sold = _currencies(catalog)
    every = sorted({currency for currencies in sold.values() for currency in currencies})
    yield f"currencies: {', '.join(every) or 'none'}"
    for product, currencies in sold.items():
        if missing := [currency for currency in every if currency not in currencies]:
            yield f"note: {product} is not sold in {', '.join(missing)}"


def _currencies(catalog: Catalog) -> dict[str, set[str]]:
    """In which currencies each product and tier has a price."""
    found = {
        f"{plan.id} ({tier})": set(prices)
        for plan in catalog.plans.values()
        for tier, prices in plan.tiers.items()
    }
    found |= {a.id: set(a.prices) | set(a.block_prices) for a in catalog.add_ons.values()}
    return found | {pack.id: set(pack.prices) for pack in catalog.credits.values()}


def said(change: CatalogChange) -> str:
    """A change as a line."""
    if change.old is None:
        return f"+ {change.place}: {_text(change.new)}"
    if change.new is None:
        return f"- {change.place}: {_text(change.old)}"
    return f"~ {change.place}: {_text(change.old)} → {_text(change.new)}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _line(kind: str, value: object) -> str:
    fields = msgspec.to_builtins(value)
    return msgspec.json.encode({"kind": kind, **fields}).decode()


# ---- accounts ------------------------------------------------------------


def _print_accounts(old: Catalog, new: Catalog, *, json: bool) -> None:
    tallies: dict[str, Tally] = {}
    for account, found in effects(old, new):
        tallies.setdefault(found.currency, Tally()).count(found)
        if not found.items:
            continue
        if json:
            fields = {"account": account, "difference": str(found.difference), **msgspec.to_builtins(found)}
            print(msgspec.json.encode({"kind": "account", **fields}).decode(), flush=True)
        else:
            print(f"  {account}: {_effect_text(found)}", flush=True)
    for currency, tally in sorted(tallies.items()):
        if json:
            print(_line("summary", {"currency": currency, **msgspec.to_builtins(tally)}))
        else:
            print(_tally_text(currency, tally))
    if not tallies and not json:
        print("no account would renew anything")


def effects(old: Catalog, new: Catalog) -> Iterator[tuple[str, Effect]]:
    """Each account of the log that is open, and its next renewals under both catalogues; one at a time.
    What is due on the wall clock by now is taken as settled and paid."""
    from prorata.wiring import running

    with running(Settings.of()) as system:
        now = system.clock.now()
        for account in system.log.accounts():
            state = system.service.account(account)
            if state is None or state.closed:
                continue
            if state.clock == "wall":
                series = system.catalogues.series_for(state)
                state, _ = settled_as_paid(state, max(now, state.last_at), series)
            yield account, effect(state, old, new)


def _effect_text(found: Effect) -> str:
    items = ", ".join(
        f"{i.product} on {i.date} {'–' if i.old is None else i.old} → {'–' if i.new is None else i.new}"
        for i in found.items
    )
    return f"{found.old} → {found.new} {found.currency} ({found.difference:+}): {items}"


def _tally_text(currency: str, tally: Tally) -> str:
    same = tally.accounts - tally.more - tally.less
    return (
        f"{currency}: {tally.accounts} accounts; {tally.more} pay more ({tally.more_amount:+}), "
        f"{tally.less} pay less ({tally.less_amount:+}), {same} the same"
    )
