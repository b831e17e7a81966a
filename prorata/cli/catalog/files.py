"""`prorata catalog check`, `diff` and `schema`: the catalogue as data (docs/catalogue.md)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from cyclopts import Parameter

from domain.catalog import Catalog, parse_catalog
from domain.catalog_diff import CatalogChange, Effect, Tally, changes, effect
from domain.catalog_file import check_catalog_texts
from domain.coming import settled_as_paid
from domain.errors import CHECK_FAILED, DONE, Failure, InvalidInput
from domain.events import Clock
from domain.texts import escaped
from prorata.catalog_schema import schema_text
from prorata.cli.catalog.nothing_sold import nothing_sold
from prorata.cli.catalog.summary import summary
from prorata.cli.terminal.failures import complain
from prorata.settings import Settings


def check(
    file: Annotated[Path, Parameter(help="The catalogue, JSON.")],
) -> int:
    """Whether the file is a catalogue that can be loaded, with a short summary.

    Exit 0: it is. 2: it is not; the place and the reason are said on stderr.
    """
    data, catalog = _read(file)
    print(escaped(f"{file}: a valid catalogue, version {catalog.version}"))
    for line in summary(data):
        print(f"  {escaped(line)}")
    return 0


def diff(
    first: Annotated[
        str, Parameter(help="A catalogue: a file, or the number of a loaded version; the one before.")
    ],
    second: Annotated[
        str | None,
        Parameter(help="The one after; without it, the first is compared with the one in force now."),
    ] = None,
    *,
    accounts: Annotated[
        bool,
        Parameter(negative="", help="Also who of the log's accounts pays more or less at the next renewal."),
    ] = False,
    json: Annotated[
        bool, Parameter(negative="", help="A JSON object for each change and account, one a line.")
    ] = False,
    clock: Annotated[
        Literal["wall", "test"],
        Parameter(help="The accounts on the wall clock, or on a test clock."),
    ] = "wall",
) -> int:
    """What changed: products, prices, prerequisites, policies, order.

    `prorata catalog diff new.json` compares with what is sold now, `prorata catalog diff 2 3` two versions.
    With --accounts each account's next renewals are priced under both catalogues, one account after the other
    as the log gives them, and summed up by currency: those on the wall clock, or with --clock test those on a
    test clock, whose own catalogues are left out. Exit 1: some account cannot be read (said on stderr); the
    others are compared. 2: there is no such catalogue.
    """
    before, after = (_in_force(), _named(first)) if second is None else (_named(first), _named(second))
    found = changes(before, after)
    for change in found:
        print(_line("change", change) if json else f"  {escaped(change_line(change))}")
    if not json:
        print(f"{len(found)} changes" if found else "no change")
    if accounts and not _print_accounts(before, after, clock, json=json):
        return CHECK_FAILED
    return DONE


def schema() -> int:
    """Print the JSON Schema of a catalogue file, for editors and other checkers."""
    print(schema_text(), end="")
    return 0


def _read(file: Path) -> tuple[bytes, Catalog]:
    try:
        data = file.read_bytes()
        catalog = parse_catalog(data)
        check_catalog_texts(data)
        return data, catalog
    except InvalidInput as error:
        raise InvalidInput(error.code, f"{file}: {error.place}", error.message) from None


def _named(name: str) -> Catalog:
    """The catalogue in the file of this name, or, if there is none, the loaded version of this number."""
    if not name.isdecimal() or Path(name).exists():
        return _read(Path(name))[1]
    from prorata.wiring import opened_catalogues
    from service.catalogue_store import version_named

    with opened_catalogues(Settings.of()) as catalogues:
        return parse_catalog(version_named(catalogues.versions(), int(name)).body)


def _in_force() -> Catalog:
    """The catalogue in force now on the wall clock. Raises InvalidInput `no_catalogue`."""
    from prorata.wiring import opened_catalogues

    now = datetime.now(UTC)
    with opened_catalogues(Settings.of()) as catalogues:
        series = catalogues.on_the_wall_clock()
    if (nothing := nothing_sold(series, now)) is not None:
        raise nothing
    return series.at(now)


def change_line(change: CatalogChange) -> str:
    """A line on the change."""
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


def _print_accounts(old: Catalog, new: Catalog, clock: Clock, *, json: bool) -> bool:
    """Print the effects on accounts; False if some account could not be compared."""
    tallies: dict[str, Tally] = {}
    all_read = True
    for account, found in effects(old, new, clock):
        if isinstance(found, Failure):
            all_read = False
            complain(found.code, str(found))
            continue
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
    return all_read


def effects(old: Catalog, new: Catalog, clock: Clock) -> Iterator[tuple[str, Effect | Failure]]:
    """Yield each open account on the clock with its next renewals under both catalogues, or why it cannot be
    read. What is due on the wall clock by now counts as settled and paid."""
    from eventlog.errors import LogUnavailable, WrongDatabase
    from prorata.wiring import running

    with running(Settings.of()) as system:
        now = system.clock.now()
        for account in system.log.accounts():
            try:
                state = system.service.account(account)
                if state is None or state.closed or state.clock != clock:
                    continue
                if state.clock == "wall":
                    series = system.catalogues.series_for(state)
                    state, _ = settled_as_paid(state, max(now, state.last_at), series)
            except (LogUnavailable, WrongDatabase):
                raise
            except Failure as failure:
                yield account, failure
                continue
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
