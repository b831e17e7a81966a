"""What `prorata tax` and `prorata discounts` do alike: a file is checked and loaded, its versions shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter

from domain.errors import InvalidInput
from domain.texts import escaped
from prorata.settings import Settings

if TYPE_CHECKING:
    from service.terms import TermsKind

Json = Annotated[bool, Parameter(negative="", help="One JSON object a line, for programs.")]
AsFile = Annotated[bool, Parameter(negative="", help="The file itself, which can be loaded.")]
Version = Annotated[int | None, Parameter(help="Its number, as `list` says; default: the one that counts.")]
Summary = Callable[[bytes], Iterable[str]]


def check_terms(kind: TermsKind, file: Path, name: str, summary: Summary) -> int:
    """Print whether the file can be loaded, with a summary."""
    from service.terms import canonical_terms

    data = file.read_bytes()
    try:
        body = canonical_terms(kind, data)
    except InvalidInput as error:
        raise InvalidInput(error.code, f"{file}: {error.place}", error.message) from None
    print(escaped(f"{file}: a valid {name}"))
    _print_summary(summary(body))
    return 0


def load_terms(kind: TermsKind, file: Path, name: str) -> int:
    """Load the file as the version that counts from now on."""
    from prorata.wiring import opened_catalogues

    data = file.read_bytes()
    try:
        with opened_catalogues(Settings.of()) as catalogues:
            version, new = catalogues.load_terms(kind, data, datetime.now(UTC))
    except InvalidInput as error:
        raise InvalidInput(error.code, f"{file}: {error.place}", error.message) from None
    if new:
        print(f"{name} version {version.version}, sha256 {version.sha256}, counts from now on")
    else:
        print(f"no new version: {name} version {version.version}, which counts now, is the same")
    return 0


def list_terms(kind: TermsKind, *, json: bool) -> int:
    """Print every version that was loaded."""
    from prorata.cli.terminal.tables import console, table
    from prorata.wiring import opened_catalogues

    with opened_catalogues(Settings.of()) as catalogues:
        versions = catalogues.terms(kind)
    shown = table(">version", "standing", "loaded", "sha256")
    for version in versions:
        standing = "counts" if version is versions[-1] else "superseded"
        if json:
            facts = {name: getattr(version, name) for name in ("version", "loaded_at", "sha256")}
            print(msgspec.json.encode({**facts, "standing": standing}).decode())
        else:
            shown.add_row(str(version.version), standing, _utc(version.loaded_at), version.sha256[:12])
    if not json and versions:
        console().print(shown)
    return 0


def show_terms(kind: TermsKind, number: int | None, name: str, summary: Summary, *, json: bool) -> int:
    """Print a version, None: the one that counts."""
    from prorata.wiring import opened_catalogues
    from service.terms import terms_named

    with opened_catalogues(Settings.of()) as catalogues:
        versions = catalogues.terms(kind)
    version = terms_named(versions, kind, number)
    if json:
        print(msgspec.json.format(version.body, indent=2).decode())
        return 0
    standing = "counts now" if version is versions[-1] else "superseded"
    print(f"{name} version {version.version}: {standing}")
    print(f"  loaded {_utc(version.loaded_at)}, sha256 {version.sha256}")
    _print_summary(summary(version.body))
    return 0


def _print_summary(lines: Iterable[str]) -> None:
    for line in lines:
        print(f"  {escaped(line)}")


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
