"""What the end of a partition says of everything before it, asked before a consumer reads on there.

    horizons = horizons_of(kafka, {partition: topic})   # what is assigned has to be assigned again afterwards

A heartbeat names the last position that the relay has published. Whoever can write to a topic can forge one,
so the last two are asked: what the lower one covers may be believed, what is beyond the higher one may not.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
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
"""Records, from the end, among which a heartbeat is looked for."""


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
    """Of each partition, by its last heartbeats."""
    beginnings, ends = kafka.beginning_offsets(partitions), kafka.end_offsets(partitions)
    return {
        partition: _horizon(kafka, topic, partition, beginnings[partition], ends[partition])
        for partition, topic in partitions.items()
    }


def _horizon(
    kafka: KafkaConsumer, topic: Topic, partition: TopicPartition, beginning: int, end: int
) -> Horizon:
    found: list[tuple[int, Heartbeat]] = []
    look = _FIRST_LOOK
    while end > beginning and len(found) < 2 and look <= (_SECOND_LOOK if found else _LONGEST_LOOK):
        start = max(beginning, end - look)
        beats = [heartbeat_of(topic, record) for record in read_span(kafka, partition, start, end)]
        found = [beat for beat in beats if beat is not None]
        if start == beginning:
            break
        look *= 4
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
    kafka.assign([partition])
    kafka.seek(partition, start)
    deadline, found = time.monotonic() + _SECONDS, list[ConsumerRecord]()
    while (kafka.position(partition) or 0) < end:
        if time.monotonic() > deadline:
            raise KafkaTimeoutError(f"{partition} could not be read within {_SECONDS:.0f} s")
        for records in kafka.poll(_POLL_MS).values():
            found += records
    return [record for record in found if record.offset < end]
