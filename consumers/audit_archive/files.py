"""The files of an archive: a Parquet file a day, and the manifest, to which a line is added for each.

A day's file is whole or not there: it is written under another name, forced to disk, renamed, and only then
named in the manifest. A file that the manifest does not name is what a crash left, and is written anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from consumers.errors import ArchiveBroken
from eventlog.records import StoredEvent
from eventlog.shards import shard_of

MANIFEST: Final = "manifest.jsonl"

NO_LINE: Final = "0" * 64
"""What stands where the hash of the line before the first one would."""

SCHEMA: Final = pa.schema(
    [
        pa.field("position", pa.int64(), nullable=False),
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("version", pa.int64(), nullable=False),
        pa.field("event_id", pa.binary(16), nullable=False),
        pa.field("command_id", pa.string()),
        pa.field("type", pa.string(), nullable=False),
        pa.field("schema_version", pa.int32(), nullable=False),
        pa.field("recorded_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("effective_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("actor", pa.string()),
        pa.field("state", pa.binary(), nullable=False),
        pa.field("previous_hash", pa.binary(32), nullable=False),
        pa.field("hash", pa.binary(32), nullable=False),
    ]
)

ROWS: Final = 10_000
"""Of a row group, and in memory at once."""


class ArchivedDay(msgspec.Struct, frozen=True):
    """A line of the manifest: the file of a day, and from where the next day is read.

    `cut`: the log's last position in it, at the first heartbeat after the day, `cut_at`. `offsets` and `last`
    are of each partition: the next record, and the position of the last event before it. `previous`: the
    SHA-256 of the line before.
    """

    day: date
    file: str
    sha256: str
    events: int
    log_id: UUID
    cut: int
    cut_at: datetime
    offsets: tuple[int, ...]
    last: tuple[int, ...]
    previous: str


def archived_days(folder: Path) -> list[ArchivedDay]:
    """The manifest. Raises ArchiveBroken where a line does not follow the one before it."""
    found, previous = [], NO_LINE
    for nth, line in enumerate(_lines(folder), 1):
        try:
            archived = msgspec.json.decode(line, type=ArchivedDay)
        except msgspec.MsgspecError as error:
            raise ArchiveBroken("manifest_altered", f"{folder / MANIFEST}, line {nth}: {error}") from error
        if archived.previous != previous:
            message = f"{folder / MANIFEST}, line {nth}: it does not follow the one before"
            raise ArchiveBroken("manifest_altered", message)
        previous = sha256(line).hexdigest()
        found.append(archived)
    return found


def last_line_hash(folder: Path) -> str:
    """What the next line's `previous` has to be."""
    lines = _lines(folder)
    return sha256(lines[-1]).hexdigest() if lines else NO_LINE


def _lines(folder: Path) -> list[bytes]:
    """The whole ones: one without its end is what a crash left."""
    path = folder / MANIFEST
    return path.read_bytes().split(b"\n")[:-1] if path.exists() else []


def write_day(folder: Path, day: date, log_id: UUID, events: Iterable[StoredEvent]) -> tuple[str, str, int]:
    """Write the day's file; its name, its SHA-256 and the number of events."""
    name = f"events-{day.isoformat()}.parquet"
    unfinished, remaining, written = folder / f"{name}.unfinished", iter(events), 0
    metadata = {"prorata.log_id": str(log_id), "prorata.day": day.isoformat()}
    with pq.ParquetWriter(unfinished, SCHEMA.with_metadata(metadata), compression="zstd") as writer:
        while group := list(islice(remaining, ROWS)):
            writer.write_table(table_of(group))
            written += len(group)
    _to_disk(unfinished)
    digest = sha256_of(unfinished)
    unfinished.rename(folder / name)
    _to_disk(folder)
    return name, digest, written


def add_day(folder: Path, archived: ArchivedDay) -> None:
    """Add the line. A line that a crash cut off is removed first."""
    path = folder / MANIFEST
    with path.open("ab+") as manifest:
        manifest.seek(0)
        whole = manifest.read().rfind(b"\n") + 1
        manifest.truncate(whole)
        manifest.write(msgspec.json.encode(archived) + b"\n")
        manifest.flush()
        os.fsync(manifest.fileno())
    _to_disk(folder)


def read_day(folder: Path, name: str) -> Iterator[StoredEvent]:
    """The file's events, in order, a row group in memory. Raises ArchiveBroken."""
    try:
        with pq.ParquetFile(folder / name) as file:
            for group in range(file.num_row_groups):
                yield from events_of(file.read_row_group(group))
    except (OSError, pa.ArrowException) as error:
        raise ArchiveBroken("file_unreadable", f"{folder / name}: {error}") from error


def table_of(events: Iterable[StoredEvent]) -> Any:
    """The events as rows."""
    rows = [
        {
            **{name: getattr(event, name) for name in SCHEMA.names if name != "event_id"},
            "event_id": event.event_id.bytes,
        }
        for event in events
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def events_of(table: Any) -> Iterator[StoredEvent]:
    """The rows as events."""
    for row in table.to_pylist():
        row["event_id"] = UUID(bytes=row["event_id"])
        row["recorded_at"] = row["recorded_at"].astimezone(UTC)
        row["effective_at"] = row["effective_at"].astimezone(UTC)
        yield StoredEvent(shard=shard_of(row["account_id"]), **row)


def sha256_of(path: Path) -> str:
    """Of the whole file."""
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
