"""Whether an archive is what was archived, from its files alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID

from consumers.audit_archive.files import ArchivedDay, archived_days, read_day, sha256_of
from consumers.errors import ArchiveBroken
from eventlog.chain import verify_account
from eventlog.records import Head, StoredEvent


@dataclass(frozen=True)
class Verified:
    """What an archive holds: `heads` are the accounts' last events, by account."""

    log_id: UUID | None
    files: int
    events: int
    accounts: int
    last_day: date | None
    cut: int
    heads: dict[str, StoredEvent]


def verify(folder: Path, see: Callable[[StoredEvent], None] = lambda _: None) -> Verified:
    """Check every file and event, and show each to `see`. Memory holds one event for each account.

    Raises ArchiveBroken with the first thing that is not as it was archived: `manifest_altered`,
    `file_missing`, `file_altered`, `file_unreadable`, `events_altered`.
    """
    heads: dict[str, StoredEvent] = {}
    lines, events, cut = archived_days(folder), 0, 0
    for archived in lines:
        path = folder / archived.file
        if not path.exists():
            raise ArchiveBroken("file_missing", f"{path} is in the manifest, and is not there")
        if sha256_of(path) != archived.sha256:
            raise ArchiveBroken("file_altered", f"{path} is not what was archived")
        found = 0
        for event in _in_order(archived, cut, read_day(folder, archived.file)):
            _check(archived, event, heads)
            see(event)
            found += 1
        if found != archived.events:
            raise ArchiveBroken("events_altered", f"{path} holds {found} events, not {archived.events}")
        events, cut = events + found, archived.cut
    last = lines[-1] if lines else None
    return Verified(
        log_id=last.log_id if last else None,
        files=len(lines),
        events=events,
        accounts=len(heads),
        last_day=last.day if last else None,
        cut=cut,
        heads=heads,
    )


def _in_order(archived: ArchivedDay, cut: int, events: Iterator[StoredEvent]) -> Iterator[StoredEvent]:
    position = cut
    for event in events:
        if not position < event.position <= archived.cut:
            message = f"{archived.file}: position {event.position} stands after {position}"
            raise ArchiveBroken("events_altered", f"{message}, and the day ends at {archived.cut}")
        position = event.position
        yield event


def _check(archived: ArchivedDay, event: StoredEvent, heads: dict[str, StoredEvent]) -> None:
    before = heads.get(event.account_id)
    problem = verify_account(archived.log_id, [event], Head.NONE if before is None else before.head)
    if problem is not None:
        raise ArchiveBroken("events_altered", f"{archived.file}, position {event.position}: {problem}")
    heads[event.account_id] = event
