"""`prorata catalog check`, `diff` and `schema`: the catalogue as data (docs/catalogue.md)."""

from __future__ import annotations

import os
from collections.abc import Container
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from cyclopts import Parameter

from domain.calendar import LATEST
from domain.catalog import Catalog, Catalogues, CatalogVersion, parse_catalog
from domain.catalog_diff import CatalogChange, changes
from domain.catalog_file import check_catalog_texts
from domain.errors import BAD_INPUT, CHECK_FAILED, DONE, InvalidInput
from domain.own_catalog import stored_catalog
from domain.product_identity import product_changes
from domain.texts import escaped
from prorata.catalog_schema import schema_text
from prorata.cli.catalog.accounts import line, print_accounts
from prorata.cli.catalog.nothing_sold import nothing_sold
from prorata.cli.catalog.summary import summary
from prorata.cli.terminal.failures import complain
from prorata.settings import Settings


def check(
    file: Annotated[Path, Parameter(help="The catalogue, JSON.")],
    *,
    alone: Annotated[
        bool,
        Parameter(negative="", help="The file alone: it is not held against the versions that are loaded."),
    ] = False,
) -> int:
    """Whether the file is a catalogue that can be loaded, with a short summary.

    It is held against the versions that are loaded, since none may make something else of a product that
    another one sells (R8a); alone where PRORATA_DATABASE_URL is not set and no database answers.

    Exit 0: it can be loaded. 2: it can not; the place and the reason are said on stderr.
    """
    data, catalog, held_against = _checked(file, alone=alone)
    print(escaped(f"{file}: a valid catalogue, version {catalog.version}"))
    for line_ in summary(data):
        print(f"  {escaped(line_)}")
    if held_against is not None:
        print(f"  {held_against}")
    return 0


def _checked(file: Path, *, alone: bool) -> tuple[bytes, Catalog, str | None]:
    """The file's contents, and which versions it was held against (None: that was not asked)."""
    from eventlog.errors import LogUnavailable, NotMigrated
    from prorata.wiring import opened_catalogues

    if alone:
        return *_read(file), None
    data, catalog = _read(file, None)
    try:
        with opened_catalogues(Settings.of()) as catalogues:
            versions = catalogues.check(data, datetime.now(UTC))
    except (LogUnavailable, NotMigrated):
        if "PRORATA_DATABASE_URL" in os.environ:
            raise
        return *_read(file), "not held against loaded versions: no database answers"
    except InvalidInput as error:
        raise _in_file(error, file) from None
    count = f"{len(versions)} loaded version{'' if len(versions) == 1 else 's'}"
    return data, catalog, f"it can follow {count}" if versions else "no version is loaded"


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
    test clock, whose own catalogues are left out.

    Exit 1: some account cannot be read (said on stderr); the others are compared. 2: there is no such
    catalogue, or it makes something else of a product: each place is said on stderr (R8a).
    """
    old = _in_force() if second is None else Catalogues.always(_named(first))
    after = _named(first if second is None else second)
    before, ever_sold = old.at(LATEST), old.ever_sold(LATEST)
    found = changes(before, after)
    for change in found:
        print(line("change", change) if json else f"  {escaped(change_line(change))}")
    if not json:
        print(f"{len(found)} changes" if found else "no change")
    new = Catalogues((*old.versions, *Catalogues.always(after).versions))
    all_read = not accounts or print_accounts(old, new, clock, json=json)
    refused = [other.refused for other in product_changes(ever_sold, after)]
    for refusal in refused:
        complain(refusal.code, str(refusal))
    return BAD_INPUT if refused else DONE if all_read else CHECK_FAILED


def schema() -> int:
    """Print the JSON Schema of a catalogue file, for editors and other checkers."""
    print(schema_text(), end="")
    return 0


def _read(file: Path, ever_sold: Container[str] | None = ()) -> tuple[bytes, Catalog]:
    try:
        data = file.read_bytes()
        catalog = parse_catalog(data, ever_sold)
        check_catalog_texts(data)
        return data, catalog
    except InvalidInput as error:
        raise _in_file(error, file) from None


def _in_file(error: InvalidInput, file: Path) -> InvalidInput:
    return InvalidInput(error.code, f"{file}: {error.place}", error.message)


def _named(name: str) -> Catalog:
    """The catalogue in the file of this name, or, if there is none, the loaded version of this number. Its
    prerequisites may name plans that others have sold."""
    if not name.isdecimal() or Path(name).exists():
        return _read(Path(name), None)[1]
    from prorata.wiring import opened_catalogues
    from service.catalogue_store import version_named

    with opened_catalogues(Settings.of()) as catalogues:
        return stored_catalog(version_named(catalogues.versions(), int(name)).body)


def _in_force() -> Catalogues:
    """The versions that have been in force on the wall clock, the present one last and, as all of them here,
    without a beginning. Raises InvalidInput `no_catalogue`."""
    from prorata.wiring import opened_catalogues

    now = datetime.now(UTC)
    with opened_catalogues(Settings.of()) as catalogues:
        series = catalogues.on_the_wall_clock()
    if (nothing := nothing_sold(series, now)) is not None:
        raise nothing
    begun = [v.catalog for v in series.versions if v.effective_from is None or v.effective_from <= now]
    return Catalogues(tuple([CatalogVersion(None, catalog) for catalog in begun]))


def change_line(change: CatalogChange) -> str:
    """A line on the change."""
    if change.old is None:
        return f"+ {change.place}: {_text(change.new)}"
    if change.new is None:
        return f"- {change.place}: {_text(change.old)}"
    return f"~ {change.place}: {_text(change.old)} → {_text(change.new)}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
