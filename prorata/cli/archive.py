"""`prorata archive`: the audit archive, which auditors keep and check by themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from domain.errors import InvalidInput
from prorata.cli.workers import Once, stopping
from prorata.settings import Settings

Folder = Annotated[Path, Parameter(help="The archive's folder.")]


def run(folder: Folder, *, once: Once = False) -> int:
    """Write each day's events into a Parquet file of its own, once the day is over in UTC."""
    from consumers.audit_archive.archiver import Archiver

    settings = Settings.of()
    archiver = Archiver(folder, settings.kafka, prefix=settings.kafka_prefix)
    if once:
        archiver.run_once()
    else:
        archiver.run(stopping())
    return 0


def verify(
    folder: Folder, *, json: Annotated[bool, Parameter(negative="", help="One JSON object.")] = False
) -> int:
    """Check every file and every event of an archive, from its files alone.

    Exit 1: something is not as it was archived, and is named.
    """
    from consumers.audit_archive.files import MANIFEST
    from consumers.audit_archive.verifying import verify as verified

    if not (folder / MANIFEST).exists():
        raise InvalidInput("no_archive", "FOLDER", f"there is no {MANIFEST} in {str(folder)!r}")
    found = verified(folder)
    if json:
        about = {name: value for name, value in found.__dict__.items() if name != "heads"}
        print(msgspec.json.encode(about).decode())
    else:
        print(f"{found.events} events of {found.accounts} accounts in {found.files} files are as archived")
        if found.last_day is not None:
            print(f"the last day is {found.last_day}, up to position {found.cut} of log {found.log_id}")
    return 0
