"""Records of one partition as a consumer reads them: the relay's, and those that others put between them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from kafka.consumer.fetcher import ConsumerRecord
from msgspec.structs import replace

from consumers.batches import Batch, read_batch
from consumers.checkpoints import PartitionCheckpoint
from consumers.horizon import UNKNOWN, Horizon
from eventlog import NewEvent, StoredEvent
from eventlog.memory import MemoryEventLog
from publishing.envelope import (
    Heartbeat,
    PublishedState,
    Record,
    event_record,
    heartbeat_record,
    state_record,
)
from publishing.headers import EventHeaders
from publishing.topics import Topic, Topics
from publishing.wire import Headers, encoded
from tests.support.eventlog.sample_events import NOON, new_event

TOPICS: Final = Topics(partitions=1)
EVENTS, WINDOWS = TOPICS.events, TOPICS.access_windows
LOG_ID: Final = UUID(int=1)
OFFSET: Final = 100
"""The offset of a batch's first record."""


def stored_events(*types: str, account: str = "acme/a-1") -> list[StoredEvent]:
    """Events of an account, of these types."""
    log = MemoryEventLog(log_id=LOG_ID)
    new: list[NewEvent] = [new_event(event_type=event_type) for event_type in types]
    return log.append(account, log.head(account), new)


def event_records(stored: Sequence[StoredEvent], first_prev: int = 0) -> list[Record]:
    """The records of these events, each naming the one before it."""
    headers, prevs = EventHeaders(LOG_ID), [first_prev, *[event.position for event in stored]]
    return [event_record(EVENTS, headers, event, 0, prev) for event, prev in zip(stored, prevs, strict=False)]


def events(*types: str) -> list[Record]:
    """Records of an account's events, the first one at position 1."""
    return event_records(stored_events(*types))


def state(key: str, fold: int, revision: int, *, refreshed_at: int = 0, value: bytes | None = None) -> Record:
    """A state record of that account."""
    document = b'{"account":"%s","fold":%d,"revision":%d}' % (key.encode(), fold, revision)
    published = PublishedState(
        LOG_ID, "access_windows", key, fold, revision, value or document, refreshed_at=refreshed_at
    )
    return state_record(WINDOWS, key, published, 0, NOON)


def heartbeat(topic: Topic, position: int, *, log_id: UUID = LOG_ID, fold: int | None = None) -> Record:
    """A heartbeat record that names this position."""
    return heartbeat_record(topic, 0, Heartbeat(log_id, position, datetime(2026, 4, 5, tzinfo=UTC), fold))


def with_header(record: Record, name: str, value: bytes | None) -> Record:
    """The record with another value of the header, or without it if the value is None."""
    headers: Headers = [header for header in record.pairs if header[0] != name]
    return record._replace(headers=encoded(headers if value is None else [*headers, (name, value)]))


def beginning(topic: Topic, **known: Any) -> PartitionCheckpoint:
    """The checkpoint before the first record of a batch."""
    return replace(PartitionCheckpoint("test", topic.name, 0, OFFSET, None, 0, None, None, 0), **known)


def sent(record: Record, offset: int) -> ConsumerRecord:
    """The record as a consumer gets it."""
    return ConsumerRecord(
        record.topic, 0, 0, offset, 0, 0, record.key, record.value, record.pairs, None, -1, -1, -1
    )


def read(topic: Topic, *records: Record, horizon: Horizon = UNKNOWN, **known: Any) -> Batch:
    """The batch of these records, from offset OFFSET on."""
    read_now = [sent(record, nth) for nth, record in enumerate(records, OFFSET)]
    return read_batch(topic, beginning(topic, **known), read_now, horizon)
