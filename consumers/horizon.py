"""What the end of a partition says of everything before it, asked before a consumer reads on there.

    horizons = horizons_of(kafka, {partition: topic})   # what is assigned has to be assigned again afterwards

A heartbeat names the last position that the relay has published. Whoever can write to a topic can forge one,
so the last two are asked: what the lower one covers may be believed, what is beyond the higher one may not.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaTimeoutError

from publishing.envelope import HEARTBEAT_KEY, Heartbeat, decode
from publishing.errors import EnvelopeUnreadable
from publishing.topics import Topic

_SECONDS: Final = 20.0
_POLL_MS: Final = 20
_FIRST_LOOK: Final = 64
_SECOND_LOOK: Final = 256
_LONGEST_LOOK: Final = 16_384
"""Records, from the end, among which a heartbeat is looked for: one comes each second."""


class Horizon(msgspec.Struct, frozen=True):
    """The lower and the higher of a partition's last two heartbeats, and the offset of the earlier one. Of a
    single heartbeat, `higher` is unknown."""

    lower: Heartbeat | None = None
    higher: Heartbeat | None = None
    offset: int = -1

    def covers(self, position: int, fold: int = 0) -> bool:
        """Whether the relay has surely been there."""
        return self.lower is not None and self.lower.covers(position, fold)

    def contradicts(self, position: int, offset: int) -> bool:
        """Whether the relay cannot have been there when the record at `offset` was written."""
        return self.higher is not None and offset < self.offset and position > self.higher.position

    def outweighs(self, position: int, offset: int) -> bool:
        """Whether a later heartbeat names that position or a higher one: an earlier lower one is wrong."""
        return self.lower is not None and offset < self.offset and position <= self.lower.position


UNKNOWN: Final = Horizon()


def horizons_of(
    kafka: KafkaConsumer, partitions: Mapping[TopicPartition, Topic]
) -> dict[TopicPartition, Horizon]:
    """Of each partition, by its last heartbeats. All are read at once, but for long looks."""
    beginnings, ends = kafka.beginning_offsets(partitions), kafka.end_offsets(partitions)
    beats: dict[TopicPartition, list[tuple[int, Heartbeat]]] = {partition: [] for partition in partitions}
    left, look = (
        [partition for partition in partitions if ends[partition] > beginnings[partition]],
        _FIRST_LOOK,
    )
    while left:
        spans = {at: (max(beginnings[at], ends[at] - look), ends[at]) for at in left}
        for at, records in _read(kafka, spans, together=look <= _SECOND_LOOK):
            found = [heartbeat_of(partitions[at], record) for record in records]
            beats[at] = [beat for beat in found if beat is not None]
        look *= 4
        left = [at for at in left if spans[at][0] > beginnings[at] and _looks_on(len(beats[at]), look)]
    return {partition: _horizon(found) for partition, found in beats.items()}


def _looks_on(found: int, look: int) -> bool:
    return found < 2 and look <= (_SECOND_LOOK if found else _LONGEST_LOOK)


def _horizon(found: Sequence[tuple[int, Heartbeat]]) -> Horizon:
    if not found:
        return UNKNOWN
    last_two = [heartbeat for _, heartbeat in found[-2:]]
    by_position = sorted(last_two, key=lambda heartbeat: heartbeat.position)
    higher = by_position[1] if len(last_two) == 2 else None
    return Horizon(by_position[0], higher, found[-2:][0][0])


def heartbeat_of(topic: Topic, record: ConsumerRecord) -> tuple[int, Heartbeat] | None:
    """The heartbeat that the record is, with its offset; None: it is none."""
    if record.key != HEARTBEAT_KEY:
        return None
    try:
        message = decode(topic, record.key, record.value, record.headers)
    except EnvelopeUnreadable:
        return None
    return (record.offset, message) if isinstance(message, Heartbeat) else None


def read_span(kafka: KafkaConsumer, partition: TopicPartition, start: int, end: int) -> list[ConsumerRecord]:
    """The partition's records from `start` to before `end`. Raises KafkaTimeoutError."""
    return _read_together(kafka, {partition: (start, end)})[partition]


def _read(
    kafka: KafkaConsumer, spans: Mapping[TopicPartition, tuple[int, int]], *, together: bool
) -> Iterator[tuple[TopicPartition, list[ConsumerRecord]]]:
    """Each span's records. Unless `together`, those of one partition alone are in memory."""
    if together:
        yield from _read_together(kafka, spans).items()
    else:
        for partition, (start, end) in spans.items():
            yield partition, read_span(kafka, partition, start, end)


def _read_together(
    kafka: KafkaConsumer, spans: Mapping[TopicPartition, tuple[int, int]]
) -> dict[TopicPartition, list[ConsumerRecord]]:
    kafka.assign(spans)
    for partition, (start, _) in spans.items():
        kafka.seek(partition, start)
    deadline = time.monotonic() + _SECONDS
    found: dict[TopicPartition, list[ConsumerRecord]] = {partition: [] for partition in spans}
    while short := [at for at, (_, end) in spans.items() if (kafka.position(at) or 0) < end]:
        if time.monotonic() > deadline:
            raise KafkaTimeoutError(f"{short[0]} could not be read within {_SECONDS:.0f} s")
        for partition, records in kafka.poll(_POLL_MS).items():
            found[partition] += [record for record in records if record.offset < spans[partition][1]]
    return found
