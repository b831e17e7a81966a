"""How far a relay is, kept in Kafka itself: written in the transaction of the records that it speaks of.

Each stream has a partition of the position topic to itself. In a shared one, another stream's open
transaction would hide from a read_committed reader what this stream has committed since, and the relay would
publish that again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from hashlib import blake2b
from typing import Final, TypeAlias
from uuid import UUID

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaTimeoutError

from publishing.clients import ENDING_READER
from publishing.topics import Topic, Topics

Spans: TypeAlias = dict[TopicPartition, tuple[int, int]]

STREAMS: Final = {"events": 0, "state": 1}
"""The partition of each stream's positions."""

MARK_KEY: Final = b"mark"
"""Of the records that are no positions: a new holder's marks."""

_POLL_MS: Final = 20
_MARK_SECONDS: Final = 30


class StreamCheckpoint(msgspec.Struct, frozen=True):
    """The last event published, 0 for none, and its hash in hexadecimal; for the events topic, also the last
    event's position in each partition (0: none). `topic_ids`: of the topics that it speaks of."""

    log_id: UUID
    position: int
    hash: str
    last: tuple[int, ...]
    topic_ids: dict[str, str] = {}


_decoder: Final = msgspec.json.Decoder(StreamCheckpoint)


def recreated(position: StreamCheckpoint, topic_ids: Mapping[str, str]) -> list[str]:
    """The topics that are not those that the position speaks of any more."""
    return [name for name, topic_id in position.topic_ids.items() if topic_ids.get(name) != topic_id]


def read_position(
    bootstrap: str, topics: Topics, partition: int, mark: int | None = None
) -> StreamCheckpoint | None:
    """The stream's last committed position; None if there is none.

    `mark`: the offset of a record that the caller has just committed there (`Session.mark`). What is before
    it is read as soon as the mark itself can be. Without one a broker that has just started may show less
    than was committed: events were published twice that way.
    """
    place = TopicPartition(topics.positions.name, partition)
    with closing(KafkaConsumer(bootstrap_servers=bootstrap, **ENDING_READER)) as consumer:
        [(beginning, end)] = _spans(consumer, [place]).values()
        deadline = time.monotonic() + _MARK_SECONDS
        while mark is not None and end <= mark:
            if time.monotonic() > deadline:
                raise KafkaTimeoutError(f"the mark at offset {mark} of {place} cannot be read yet")
            time.sleep(_POLL_MS / 1000)
            [(beginning, end)] = _spans(consumer, [place]).values()
        return _newest(consumer, place, beginning, end)


def last_positions(
    bootstrap: str, topics: Topics, partitions: Sequence[int], seconds: float
) -> dict[int, StreamCheckpoint | None]:
    """Each stream's last position (None: it has none), read with one client from what the broker shows now.

    Raises KafkaError where the broker cannot be reached within that time.
    """
    wait = {"bootstrap_timeout_ms": round(seconds * 1000), "retry_backoff_ms": 10}
    with closing(KafkaConsumer(bootstrap_servers=bootstrap, **{**ENDING_READER, **wait})) as consumer:
        if topics.positions.name not in consumer.topics():  # asking for one that is not there waits for it
            return dict.fromkeys(partitions)
        spans = _spans(consumer, [TopicPartition(topics.positions.name, nth) for nth in partitions])
        return {place.partition: _newest(consumer, place, *span) for place, span in spans.items()}


def _newest(
    consumer: KafkaConsumer, place: TopicPartition, beginning: int, end: int
) -> StreamCheckpoint | None:
    """The last position in that span: steps back over markers and aborted records until one shows."""
    back = 16
    while end > beginning:
        start = max(beginning, end - back)
        found = [r for r in _read(consumer, {place: (start, end)}) if r.key != MARK_KEY]
        if found:
            return _decoder.decode(found[-1].value)
        if start == beginning:
            break
        back *= 8
    return None


def last_events(bootstrap: str, topic: Topic) -> tuple[int, ...]:
    """The position of the last event in each partition of the events topic, 0 where there is none."""
    with closing(KafkaConsumer(bootstrap_servers=bootstrap, **ENDING_READER)) as consumer:
        places = [TopicPartition(topic.name, partition) for partition in range(topic.partitions)]
        return tuple(_last_event(consumer, place, span) for place, span in _spans(consumer, places).items())


def _last_event(consumer: KafkaConsumer, place: TopicPartition, span: tuple[int, int]) -> int:
    (beginning, end), back = span, 64
    while end > beginning:  # step back over heartbeats and aborted records
        start = max(beginning, end - back)
        headers = [dict(record.headers) for record in _read(consumer, {place: (start, end)})]
        positions = [int(found["pos"]) for found in headers if "pos" in found]
        if positions:
            return positions[-1]
        end, back = start, back * 4
    return 0


def newest_values(bootstrap: str, topic: Topic) -> dict[bytes, tuple[bytes, int]]:
    """Of a state topic, the digest of the newest value of each key, and the version of its fold.

    Memory holds some 200 bytes a key.
    """
    newest: dict[bytes, tuple[bytes, int]] = {}
    with closing(KafkaConsumer(bootstrap_servers=bootstrap, **ENDING_READER)) as consumer:
        places = [TopicPartition(topic.name, partition) for partition in range(topic.partitions)]
        for place, (start, end) in _spans(consumer, places).items():
            consumer.assign([place])
            consumer.seek(place, start)
            while (consumer.position(place) or 0) < end:
                for records in consumer.poll(_POLL_MS).values():
                    for record in records:
                        fold = int(dict(record.headers).get("fold", b"0"))
                        newest[record.key] = digest_of(record.value), fold
    return newest


def digest_of(value: bytes) -> bytes:
    """What tells two values apart."""
    return blake2b(value, digest_size=16).digest()


def _spans(consumer: KafkaConsumer, places: Sequence[TopicPartition]) -> Spans:
    """From which offset to which: the committed ones end where a transaction may still be open."""
    beginnings, ends = consumer.beginning_offsets(places), consumer.end_offsets(places)
    return {place: (beginnings[place], ends[place]) for place in places}


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
