"""From the events topic to a file a day.

A day ends at the first heartbeat after its midnight in UTC, which every partition has from the same
transaction: everything that was in the log then is before it. So the files follow from the topic alone: an
archive that is made anew has the same events in the same files.

Where it is stands in the manifest, so it needs no database. A day that is not over is only read, into scratch
files; after a restart it is read again.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime
from heapq import merge
from operator import attrgetter
from pathlib import Path
from threading import Event
from typing import Any, Final
from uuid import UUID

import pyarrow as pa
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, UnknownTopicOrPartitionError

from consumers.audit_archive.files import (
    ROWS,
    SCHEMA,
    ArchivedDay,
    add_day,
    archived_days,
    events_of,
    last_line_hash,
    table_of,
    write_day,
)
from consumers.batches import Batch, read_batch
from consumers.checkpoints import PartitionCheckpoint
from consumers.errors import ConsumerHalted
from consumers.topic_identity import check_checkpoints
from eventlog.records import StoredEvent
from publishing.clients import ENDING_READER, READER, Broker, to
from publishing.envelope import PublishedEvent
from publishing.kafka_internals import read_at_once
from publishing.topics import Topics

logger = logging.getLogger(__name__)

NAME: Final = "audit_archive"
_WAIT_MS: Final = 200
_BACKOFF: Final = 1.0
_MOST_WAITING: Final = 1_000
"""Records behind an event that follows nothing, after which events are missing for good."""


class Archiver:
    """Writes an archive into a folder; one process a folder. Call it from one thread."""

    def __init__(self, folder: Path, bootstrap: Broker, *, prefix: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._bootstrap = bootstrap
        self._topic = Topics(prefix).events
        self.done_until: datetime | None = None
        """Everything before this instant is in the archive, as far as this process has seen."""

    def run(self, stop: Event) -> None:
        """Archive each day when it is over, until `stop` is set. Raises ConsumerHalted, ArchiveBroken."""
        while not stop.is_set():
            try:
                self._read(stop, once=False)
            except KafkaError as error:
                logger.warning("%s: starting over after %s", NAME, error)
                stop.wait(_BACKOFF)

    def run_once(self) -> None:
        """Archive the days that are over in what the topic holds now."""
        self._read(Event(), once=True)

    def _read(self, stop: Event, *, once: bool) -> None:
        reader = ENDING_READER if once else READER
        with closing(KafkaConsumer(**to(self._bootstrap), **reader)) as kafka:
            read_at_once(kafka)
            found = kafka.partitions_for_topic(self._topic.name)
            if not found:
                raise UnknownTopicOrPartitionError(f"there is no topic {self._topic.name} (yet)")
            partitions = [TopicPartition(self._topic.name, nth) for nth in sorted(found)]
            ends = kafka.end_offsets(partitions) if once else None
            kafka.assign(partitions)
            while not stop.is_set():
                day = _Day(self._folder, self._topic, len(partitions))
                self.done_until = day.begins_at
                check_checkpoints(kafka, dict(zip(partitions, day.checkpoints, strict=True)))
                for partition, checkpoint in zip(partitions, day.checkpoints, strict=True):
                    kafka.resume(partition)
                    kafka.seek(partition, checkpoint.next_offset)
                if not self._read_day(kafka, day, ends, stop):
                    return
                day.close()

    def _read_day(
        self, kafka: KafkaConsumer, day: _Day, ends: dict[TopicPartition, int] | None, stop: Event
    ) -> bool:
        """Whether the day is over in every partition; False: `stop`, or the ends were reached before that."""
        while not stop.is_set():
            for partition, records in kafka.poll(_WAIT_MS if ends is None else 20).items():
                for record in records:
                    if day.take(record):
                        kafka.pause(partition)
                        break
            if day.is_over:
                return True
            if ends is not None and all(
                day.is_over_in(checkpoint.partition) or (kafka.position(checkpoint) or 0) >= end
                for checkpoint, end in ends.items()
            ):
                if day.undecided is not None:
                    raise day.undecided
                return False
        return False


class _Day:
    """A day while it is read: the events of each partition, in scratch files where they are many."""

    def __init__(self, folder: Path, topic: Any, partitions: int) -> None:
        self._folder = folder
        self._topic = topic
        self._scratch = folder / "scratch"
        shutil.rmtree(self._scratch, ignore_errors=True)
        before = archived_days(folder)
        last = before[-1] if before else None
        self._after = last
        self.checkpoints = [_place(topic.name, nth, last) for nth in range(partitions)]
        self._date: date | None = None
        self._cuts: dict[int, tuple[int, datetime]] = {}
        self._ends: dict[str, tuple[int, bytes]] = {}
        self.undecided: ConsumerHalted | None = None
        self._waiting: list[list[Any]] = [[] for _ in range(partitions)]
        self._kept: list[list[StoredEvent]] = [[] for _ in range(partitions)]

    @property
    def begins_at(self) -> datetime | None:
        """When the day before it was over; None: there is none."""
        return None if self._after is None else self._after.cut_at

    def take(self, record: Any) -> bool:
        """Take the record in, once it is decided what it is; True: the next day's first heartbeat has come,
        and is left."""
        waiting = self._waiting[record.partition]
        waiting.append(record)
        while waiting:
            before = self.checkpoints[record.partition]
            batch = read_batch(self._topic, before, waiting, most=1, ends=self._ends)
            if not batch.taken:
                self.undecided = batch.undecided
                if batch.undecided is not None and len(waiting) > _MOST_WAITING:
                    raise batch.undecided
                return False
            self.undecided = None
            if self._take(waiting.pop(0), batch):
                return True
        return False

    def _take(self, record: Any, batch: Batch) -> bool:
        nth, before, after = record.partition, batch.before, batch.after
        if after.refused != before.refused:
            logger.warning("%s: refused offset %d: %s", NAME, record.offset, after.refused_reason)
        if after.heartbeat_at is not None and after.heartbeat_at != before.heartbeat_at:
            today = after.heartbeat_at.date()
            if self._date is None:
                self._date = today
            if today > self._date:
                self._cuts[nth] = after.heartbeat_position or 0, after.heartbeat_at
                return True
        for letter in batch.letters:
            if not isinstance(letter.message, PublishedEvent):
                reason = f"offset {letter.record.offset}: {letter.error}"
                raise ConsumerHalted("altered", self._topic.name, nth, reason)
            self._keep(nth, letter.message.event)
        self.checkpoints[nth] = after
        return False

    def is_over_in(self, partition: int) -> bool:
        """Whether the partition has been read to the day's end."""
        return partition in self._cuts

    @property
    def is_over(self) -> bool:
        """Whether all of them have."""
        return len(self._cuts) == len(self.checkpoints)

    def close(self) -> None:
        """Write the day's file and its line of the manifest."""
        if len(set(self._cuts.values())) != 1:
            message = f"its heartbeats differ between partitions: {sorted(self._cuts.items())}"
            raise ConsumerHalted("unchained", self._topic.name, 0, message)
        [(cut, cut_at)] = set(self._cuts.values())
        assert self._date is not None
        log_id = self._log_id()
        name, digest, events = write_day(self._folder, self._date, log_id, self._events())
        archived = ArchivedDay(
            day=self._date,
            file=name,
            sha256=digest,
            events=events,
            log_id=log_id,
            cut=cut,
            cut_at=cut_at,
            offsets=tuple(checkpoint.next_offset for checkpoint in self.checkpoints),
            last=tuple(checkpoint.last_position for checkpoint in self.checkpoints),
            previous=last_line_hash(self._folder),
        )
        add_day(self._folder, archived)
        shutil.rmtree(self._scratch, ignore_errors=True)
        logger.info("%s: %s with %d events, up to position %d", NAME, name, events, cut)

    def _log_id(self) -> UUID:
        [log_id] = {checkpoint.log_id for checkpoint in self.checkpoints if checkpoint.log_id is not None}
        return log_id

    def _keep(self, nth: int, event: StoredEvent) -> None:
        kept = self._kept[nth]
        kept.append(event)
        if len(kept) == ROWS:
            self._scratch.mkdir(exist_ok=True)
            number = len(list(self._scratch.glob(f"{nth}-*")))
            path = str(self._scratch / f"{nth}-{number:06}")
            with pa.OSFile(path, "wb") as file, pa.ipc.new_file(file, SCHEMA) as writer:
                writer.write_table(table_of(kept))
            kept.clear()

    def _events(self) -> Iterator[StoredEvent]:
        """All of the day's, in the order of the log."""
        return merge(*map(self._of_partition, range(len(self.checkpoints))), key=attrgetter("position"))

    def _of_partition(self, nth: int) -> Iterator[StoredEvent]:
        for path in sorted(self._scratch.glob(f"{nth}-*")):
            with pa.OSFile(str(path), "rb") as file:
                yield from events_of(pa.ipc.open_file(file).read_all())
        yield from self._kept[nth]


def _place(topic: str, partition: int, last: ArchivedDay | None) -> PartitionCheckpoint:
    """Where the day after that line begins."""
    offset, position = (0, 0) if last is None else (last.offsets[partition], last.last[partition])
    log_id, cut = (None, None) if last is None else (last.log_id, last.cut)
    return PartitionCheckpoint(NAME, topic, partition, offset, log_id, position, cut, None, 0)
