"""`prorata migrate` and `prorata catalog load`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from domain.calendar import parse_moment
from prorata.settings import Settings


def migrate() -> int:
    """Bring the database's schema up to date. May be run at any time, and by several at once."""
    from eventlog.postgres.migrate import migrate as apply
    from prorata.wiring import migrations

    applied = apply(Settings.of().database_url, migrations())
    for name in applied:
        print(f"applied {name}")
    print(f"{len(applied)} migrations applied" if applied else "nothing to apply: the schema is up to date")
    return 0


def load(
    file: Annotated[Path, Parameter(help="The catalogue, JSON.")],
    *,
    from_: Annotated[
        str | None,
        Parameter(
            name="--from", help="In force from this date (its beginning in UTC) or instant; default: now."
        ),
    ] = None,
) -> int:
    """Load a version of the catalogue for accounts on the wall clock. It never changes what was sold before.

    The shipped example can be loaded too, and serves accounts on a test clock only.
    """
    from prorata.wiring import running

    effective_from = None if from_ is None else parse_moment(from_, "UTC", "--from")
    with running(Settings.of()) as system:
        version = system.catalogues.load(file.read_bytes(), effective_from, datetime.now(UTC))
    begins = version.effective_from.isoformat(timespec="seconds")
    print(f"catalogue version {version.version}, sha256 {version.sha256}, in force from {begins}")
    if version.example:
        print("this is the shipped example: it serves accounts on a test clock only", file=sys.stderr)
    return 0
