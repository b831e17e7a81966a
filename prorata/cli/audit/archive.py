"""`prorata archive`: the audit archive, which auditors keep and check on their own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from domain.errors import InvalidInput
from prorata.cli.operate.workers import Health, Once
from prorata.settings import Settings

Folder = Annotated[Path, Parameter(help="The archive's folder.")]


def run(folder: Folder, *, once: Once = False, health: Health = None) -> int:
    """Write each day's events into a Parquet file of its own, once the day is over in UTC."""
    from consumers.audit_archive.archiver import Archiver
    from prorata.processes.running import at_work

    settings = Settings.of()
    archiver = Archiver(folder, settings.broker, prefix=settings.kafka_prefix)
    if once:
        archiver.run_once()
        return 0
    with at_work(settings, f"archive:{folder.resolve()}", health) as process:
        process.doing = lambda: "archives each day once it is over"
        process.done_until = lambda: archiver.done_until
        archiver.run(process.stop)
    return 0


def verify(
    folder: Folder,
    *,
    against: Annotated[
        Path | None, Parameter(help="A seal: also that the history up to it is all there, and no other one.")
    ] = None,
    public_key: Annotated[
        Path | None, Parameter(help="With --against: the key, in PEM, that must have signed the seal.")
    ] = None,
    json: Annotated[bool, Parameter(negative="", help="One JSON object.")] = False,
) -> int:
    """Check every file and every event of an archive, from its files alone.

    Exit 1: something is not as it was archived (or sealed), and is named.
    """
    from consumers.audit_archive.files import MANIFEST
    from consumers.audit_archive.sealed import verify_against
    from consumers.audit_archive.verifying import verify as verified
    from prorata.sealed_files import trusted_seal

    if public_key is not None and against is None:
        raise InvalidInput("usage", "", "--public-key belongs to --against")
    if not (folder / MANIFEST).exists():
        raise InvalidInput("no_archive", "FOLDER", f"there is no {MANIFEST} in {str(folder)!r}")
    if against is None:
        found = verified(folder)
    else:
        found = verify_against(folder, trusted_seal(against, public_key)[0])
    if json:
        about = {name: value for name, value in found.__dict__.items() if name != "heads"}
        print(msgspec.json.encode(about).decode())
        return 0
    print(f"{found.events} events of {found.accounts} accounts in {found.files} files are as archived")
    if found.last_day is not None:
        print(f"the last day is {found.last_day}, up to position {found.cut} of log {found.log_id}")
    if against is not None:
        print(f"they hold the history that {against} seals")
    return 0
