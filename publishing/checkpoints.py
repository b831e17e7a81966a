"""How far a relay is, kept in Kafka itself: written in the transaction of the records that it speaks of.

Each stream has a partition of the position topic to itself. In a shared one, another stream's open
transaction would hide from a read_committed reader what this stream has committed since, and the relay would
publish that again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, TypeAlias
from uuid import UUID

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaTimeoutError

from eventlog import StoredEvent
from publishing.clients import ENDING_READER, Broker, to
from publishing.envelope import HEARTBEAT_KEY, PublishedEvent, decode
from publishing.errors import EnvelopeUnreadable, PositionUnreadable
from publishing.kafka_internals import read_at_once
from publishing.topics import Topic, Topics

IsGenuine: TypeAlias = Callable[[StoredEvent], bool]

Spans: TypeAlias = dict[TopicPartition, tuple[int, int]]

STREAMS: Final = {"events": 0, "state": 1}
"""The partition of each stream's positions."""

MARK_KEY: Final = b"mark"
"""Of the records that are no positions: a new holder's marks."""

_POLL_MS: Final = 20
_MARK_SECONDS: Final = 30
_LONGEST_LOOK: Final = 16_384


class StreamCheckpoint(msgspec.Struct, frozen=True):
    """The last event published, 0 for none, and its hash in hexadecimal; for the events topic, also the last
    event's position in each partition (0: none). `topic_ids`: of the topics that it speaks of.

    `ends`: of each topic, the offsets up to which the broker had acknowledged records before, -1 for none.
    `heard_at`: the `log_time` of the last heartbeat. `folds`: the versions that state topics are made with.
    """

    log_id: UUID
    position: int
    hash: str
    last: tuple[int, ...]
    topic_ids: dict[str, str] = {}
    ends: dict[str, tuple[int, ...]] = {}
    heard_at: datetime | None = None
    folds: dict[str, int] = {}


_decoder: Final = msgspec.json.Decoder(StreamCheckpoint)


def recreated(position: StreamCheckpoint, topic_ids: Mapping[str, str]) -> list[str]:
    """The topics that are not those that the position speaks of any more."""
    return [name for name, topic_id in position.topic_ids.items() if topic_ids.get(name) != topic_id]


def read_position(
    bootstrap: Broker, topics: Topics, partition: int, mark: int | None = None
) -> StreamCheckpoint | None:
    """The stream's last committed position; None if there is none.

    `mark`: the offset of a record that the caller has just committed there (`Session.mark`). What is before
    it is read as soon as the mark itself can be. Without one a broker that has just started may show less
    than was committed: events were published twice that way. Raises PositionUnreadable.
    """
    place = TopicPartition(topics.positions.name, partition)
    with closing(KafkaConsumer(**to(bootstrap), **ENDING_READER)) as consumer:
        [(beginning, end)] = _spans(consumer, [place]).values()
        deadline = time.monotonic() + _MARK_SECONDS
        while mark is not None and end <= mark:
            if time.monotonic() > deadline:
                raise KafkaTimeoutError(f"the mark at offset {mark} of {place} cannot be read yet")
            time.sleep(_POLL_MS / 1000)
            [(beginning, end)] = _spans(consumer, [place]).values()
        return _newest(consumer, place, beginning, end)


def last_positions(
    bootstrap: Broker, topics: Topics, partitions: Sequence[int], seconds: float
) -> dict[int, StreamCheckpoint | None]:
    """Each stream's last position (None: it has none), read with one client from what the broker shows now.

    Raises KafkaError where the broker cannot be reached within that time.
    """
    wait = {"bootstrap_timeout_ms": round(seconds * 1000), "retry_backoff_ms": 10}
    with closing(KafkaConsumer(**to(bootstrap), **{**ENDING_READER, **wait})) as consumer:
        if topics.positions.name not in consumer.topics():  # asking for one that is not there waits for it
            return dict.fromkeys(partitions)
        spans = _spans(consumer, [TopicPartition(topics.positions.name, nth) for nth in partitions])
        return {place.partition: _newest(consumer, place, *span) for place, span in spans.items()}


def _newest(
    consumer: KafkaConsumer, place: TopicPartition, beginning: int, end: int
) -> StreamCheckpoint | None:
    """The last position in that span."""
    for record in _newest_first(consumer, place, (beginning, end)):
        if record.key != MARK_KEY:
            return _decoded(place.partition, record)
    return None


def _decoded(partition: int, record: ConsumerRecord) -> StreamCheckpoint:
    try:
        checkpoint = _decoder.decode(record.value or b"")
    except msgspec.MsgspecError as error:
        raise PositionUnreadable(partition, record.offset, str(error)) from error
    if checkpoint.position < 0 or any(position < 0 for position in checkpoint.last):
        raise PositionUnreadable(partition, record.offset, "a position below 0")
    return checkpoint


_UNCOMMITTED: Final[dict[str, Any]] = {**ENDING_READER, "isolation_level": "read_uncommitted"}
"""Of a reader that sees what the broker holds. After a crash the marker of a committed transaction may
come to a partition with the stream's next transaction only: until then readers of committed records miss
its end."""


def last_held(bootstrap: Broker, topic: Topic, partition: int, until: int, is_genuine: IsGenuine) -> int:
    """The position of the log's last event that the broker holds in the partition, none beyond `until`, even
    if readers of committed records are not shown it yet; 0 where there is none."""
    at = TopicPartition(topic.name, partition)
    with closing(KafkaConsumer(**to(bootstrap), **_UNCOMMITTED)) as consumer:
        read_at_once(consumer)
        [span] = _spans(consumer, [at]).values()
        return _last_event(consumer, topic, at, span, is_genuine, until)


def last_events(bootstrap: Broker, topic: Topic, is_genuine: IsGenuine) -> tuple[int, ...]:
    """The position of the log's last event in each partition of the events topic, 0 where there is none.

    Records that others put behind it are passed over: `is_genuine` says whether the log has that event.
    """
    with closing(KafkaConsumer(**to(bootstrap), **ENDING_READER)) as consumer:
        read_at_once(consumer)
        partitions = [TopicPartition(topic.name, partition) for partition in range(topic.partitions)]
        spans = _spans(consumer, partitions)
        return tuple(_last_event(consumer, topic, at, span, is_genuine) for at, span in spans.items())


def _last_event(
    consumer: KafkaConsumer,
    topic: Topic,
    partition: TopicPartition,
    span: tuple[int, int],
    is_genuine: IsGenuine,
    until: int | None = None,
) -> int:
    """The position of the last genuine event in that span, none beyond `until`; 0 if there is none."""
    for record in _newest_first(consumer, partition, span):
        event = event_in(topic, record)
        if event is not None and (until is None or event.position <= until) and is_genuine(event):
            return event.position
    return 0


def event_in(topic: Topic, record: ConsumerRecord) -> StoredEvent | None:
    """The event that a record of the events topic is; None: it is none, or not in its place."""
    try:
        message = decode(topic, record.key, record.value, record.headers)
    except EnvelopeUnreadable:
        return None
    if not isinstance(message, PublishedEvent) or not message.is_intact():
        return None
    return message.event if topic.partition_of(message.account_id) == record.partition else None


def shortened(bootstrap: Broker, checkpoint: StreamCheckpoint) -> list[str]:
    """The partitions that end before what the broker had acknowledged: it has lost what it had not synced."""
    if not checkpoint.ends:
        return []
    with closing(KafkaConsumer(**to(bootstrap), **_UNCOMMITTED)) as consumer:
        known = {
            TopicPartition(topic, nth): last
            for topic, offsets in checkpoint.ends.items()
            for nth, last in enumerate(offsets)
        }
        ends = consumer.end_offsets(known)
    return [
        f"partition {at.partition} of {at.topic} ends at {ends[at]}, and {last} was acknowledged"
        for at, last in known.items()
        if ends[at] <= last
    ]


def all_records(bootstrap: Broker, topic: Topic) -> Iterator[ConsumerRecord]:
    """Every record of the topic, partition after partition."""
    with closing(KafkaConsumer(**to(bootstrap), **ENDING_READER)) as consumer:
        read_at_once(consumer)
        partitions = [TopicPartition(topic.name, nth) for nth in range(topic.partitions)]
        for partition, (start, end) in _spans(consumer, partitions).items():
            consumer.assign([partition])
            consumer.seek(partition, start)
            while (consumer.position(partition) or 0) < end:
                for records in consumer.poll(_POLL_MS).values():
                    yield from records


def newest_values(bootstrap: Broker, topic: Topic) -> dict[bytes, bytes]:
    """Of a state topic, the digest of the newest record of each key. Memory holds some 200 bytes a key."""
    newest: dict[bytes, bytes] = {}
    for record in all_records(bootstrap, topic):
        if record.key is not None and record.key != HEARTBEAT_KEY:
            newest[record.key] = digest_of(record.value, dict(record.headers))
    return newest


def digest_of(value: bytes | None, headers: Mapping[str, bytes | None]) -> bytes:
    """What tells two states apart: the value, and by what it is newer than others."""
    order = b"%s/%s/" % (headers.get("fold") or b"", headers.get("revision") or b"")
    return blake2b(order + (value or b"\0"), digest_size=16).digest()


def _spans(consumer: KafkaConsumer, places: Sequence[TopicPartition]) -> Spans:
    """From which offset to which: the committed ones end where a transaction may still be open."""
    beginnings, ends = consumer.beginning_offsets(places), consumer.end_offsets(places)
    return {place: (beginnings[place], ends[place]) for place in places}


def _newest_first(
    consumer: KafkaConsumer, partition: TopicPartition, span: tuple[int, int]
) -> Iterator[ConsumerRecord]:
    """The span's records from its end back, read in stretches that grow: the end may be all markers,
    heartbeats and aborted records. A stretch's first records may come again with the next one."""
    (beginning, end), back = span, 64
    while end > beginning:
        start = max(beginning, end - back)
        yield from reversed(_read(consumer, {partition: (start, end)}))
        end, back = start, min(back * 4, _LONGEST_LOOK)


def _read(consumer: KafkaConsumer, spans: Spans) -> list[ConsumerRecord]:
    """The committed records of the spans."""
    consumer.assign(spans)
    for place, (start, _) in spans.items():
        consumer.seek(place, start)
    found: list[ConsumerRecord] = []
    while any((consumer.position(place) or 0) < end for place, (_, end) in spans.items()):
        # A poll that only meets aborted records waits for its whole time.
        for records in consumer.poll(_POLL_MS).values():
            found += records
    return found
