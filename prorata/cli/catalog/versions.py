"""`prorata catalog load`, `list`, `show` and `withdraw`: the versions that the system sells from."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from cyclopts import Parameter

from domain.calendar import parse_moment
from domain.catalog import parse_catalog
from domain.errors import InvalidInput
from domain.texts import escaped
from prorata.cli.catalog.nothing_sold import note_nothing_sold, nothing_sold
from prorata.cli.catalog.summary import summary
from prorata.settings import Settings

if TYPE_CHECKING:
    from service.catalogue_versions import CatalogueVersion, Standing

Json = Annotated[bool, Parameter(negative="", help="One JSON object a line, for programs.")]


def load(
    file: Annotated[Path | None, Parameter(help="The catalogue, JSON.")] = None,
    *,
    demo: Annotated[
        bool,
        Parameter(
            negative="",
            help="In place of a file: the shipped example, to try the wall clock; invented prices.",
        ),
    ] = False,
    from_: Annotated[
        str | None,
        Parameter(
            name="--from", help="In force from this date (its beginning in UTC) or instant; default: now."
        ),
    ] = None,
) -> int:
    """Load a version of the catalogue for accounts on the wall clock. It never changes what was sold before.

    Where the same catalogue is in force at that instant anyway, no version is added. The shipped example can
    be loaded too, and serves accounts on a test clock only.
    """
    from prorata.wiring import opened_catalogues

    effective_from = None if from_ is None else parse_moment(from_, "UTC", "--from")
    data = _to_load(file, demo=demo)
    with opened_catalogues(Settings.of()) as catalogues:
        loaded = catalogues.load(data, effective_from, datetime.now(UTC))
        differ = catalogues.prerequisites_differ()
    version = loaded.version
    begins = _utc(version.effective_from)
    if loaded.new:
        print(f"catalogue version {version.version}, sha256 {version.sha256}, in force from {begins}")
    else:
        print(f"no new version: catalogue version {version.version}, in force from {begins}, is the same")
    if version.example:
        print("this is the shipped example: it serves accounts on a test clock only", file=sys.stderr)
    if differ:
        _note_prerequisites()
    return 0


def _to_load(file: Path | None, *, demo: bool) -> bytes:
    from service.catalogue_versions import demo_body

    if (file is None) != demo:
        raise InvalidInput("usage", "", "one of the two is loaded: FILE, or --demo")
    return demo_body() if file is None else file.read_bytes()


def list_(*, json: Json = False) -> int:
    """Every version that was loaded: how it stands, from when it is in force, its name and digest."""
    from prorata.cli.terminal.tables import console, table
    from prorata.wiring import opened_catalogues
    from service.catalogue_versions import standings

    now = datetime.now(UTC)
    with opened_catalogues(Settings.of()) as catalogues:
        found, series = standings(catalogues.versions(), now), catalogues.on_the_wall_clock()
    shown = table(">version", "standing", "in force from", "name", "sha256")
    for version, standing in found:
        if json:
            print(msgspec.json.encode(_facts(version, standing)).decode())
        else:
            name = escaped(parse_catalog(version.body, None).version)
            begins = _utc(version.effective_from)
            shown.add_row(str(version.version), standing, begins, name, version.sha256[:12])
    if not json and found:
        console().print(shown)
    note_nothing_sold(series, now)
    return 0


def show(
    version: Annotated[
        int | None, Parameter(help="Its number, as `catalog list` says; default: the one in force.")
    ] = None,
    *,
    json: Annotated[
        bool, Parameter(negative="", help="The catalogue itself, as a file that can be loaded.")
    ] = False,
) -> int:
    """A version of the catalogue: how it stands, and what is in it.

    Exit 2: there is no such version, or none is in force.
    """
    from prorata.wiring import opened_catalogues
    from service.catalogue_store import version_named
    from service.catalogue_versions import in_force, standings

    now = datetime.now(UTC)
    with opened_catalogues(Settings.of()) as catalogues:
        versions, series = catalogues.versions(), catalogues.on_the_wall_clock()
    if version is None and (nothing := nothing_sold(series, now)) is not None:
        raise nothing
    found = in_force(versions, now) if version is None else version_named(versions, version)
    assert found is not None
    if json:
        print(msgspec.json.format(found.body, indent=2).decode())
        return 0
    [standing] = [standing for one, standing in standings(versions, now) if one == found]
    name, begins = escaped(parse_catalog(found.body, None).version), _utc(found.effective_from)
    print(f"catalogue version {found.version} ({name}): {standing}, from {begins}")
    print(f"  loaded {_utc(found.loaded_at)}, sha256 {found.sha256}")
    for line in summary(found.body):
        print(f"  {escaped(line)}")
    return 0


def withdraw(
    version: Annotated[int, Parameter(help="Its number, as `catalog list` says.")],
) -> int:
    """Take back a version that is not in force yet: no account will be served from it.

    It stays in the list. Exit 2: there is no such version, or it is in force already.
    """
    from prorata.wiring import opened_catalogues

    with opened_catalogues(Settings.of()) as catalogues:
        differed = catalogues.prerequisites_differ()
        withdrawn = catalogues.withdraw(version, datetime.now(UTC))
    begins = _utc(withdrawn.version.effective_from)
    if withdrawn.new:
        print(f"catalogue version {version} is withdrawn: it would have been in force from {begins}")
    else:
        at = withdrawn.version.withdrawn_at
        assert at is not None
        print(f"catalogue version {version} was withdrawn already, at {_utc(at)}")
    if differed:
        _note_prerequisites()
    return 0


def _note_prerequisites() -> None:
    """Record in each account what its add-ons need from now on, so that read models and topics, which know no
    catalogue, show what ends by it (R28, R44)."""
    from prorata.wiring import running

    with running(Settings.of()) as system:
        noted = sum(bool(system.service.note_prerequisites(account)) for account in system.log.accounts())
    if noted:
        print(f"accounts with an add-on that will need other plans: {noted}")


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def _facts(version: CatalogueVersion, standing: Standing) -> dict[str, Any]:
    facts = {name: getattr(version, name) for name in version.__struct_fields__ if name != "body"}
    return {**facts, "name": parse_catalog(version.body, None).version, "standing": standing}
