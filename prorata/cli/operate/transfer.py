"""`prorata export events` and `prorata import events`: the whole log as JSON lines, and back into an empty
one (docs/eventlog.md, "Export and import")."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from domain.errors import DONE
from prorata.settings import Settings


def export_events(
    file: Annotated[
        Path | None, Parameter(help="Where to write it; it is there once it is whole. Default: stdout.")
    ] = None,
) -> int:
    """Write all events that have settled, as JSON lines, with what is needed to take them in again."""
    from eventlog.transfer.exporting import exported
    from prorata.wiring import opened_log

    with opened_log(Settings.of()) as log:
        if file is None:
            sys.stdout.flush()
            for line in exported(log):
                sys.stdout.buffer.write(line)
            return DONE
        unfinished = file.with_name(f"{file.name}.unfinished")
        with unfinished.open("wb") as written:
            for line in exported(log):
                written.write(line)
            written.flush()
            os.fsync(written.fileno())
        unfinished.replace(file)
    return DONE


def import_events(
    file: Annotated[Path, Parameter(help="A file of `prorata export events`.")],
    *,
    dry_run: Annotated[bool, Parameter(negative="", help="Check every line, and change nothing.")] = False,
) -> int:
    """Take an exported log over into an empty one: its id, its chains, its positions.

    The database is migrated and has no events, and nothing else is connected to it. Every line is checked; it
    is all taken over, or nothing.
    """
    from eventlog.transfer.importing import import_log

    with file.open("rb") as lines:
        contents = import_log(Settings.of().database_url, lines, dry_run=dry_run)
    events = f"{contents.events:,} events of {contents.accounts:,} accounts"
    then = "can be taken over; nothing was changed" if dry_run else "taken over"
    print(f"log {contents.log_id}: {events} {then}")
    return DONE
