"""Whether the topics are still those that a consumer's places speak of.

A topic may have been made anew, and a broker or the log may have been restored from a backup and have gone on
otherwise: then records that follow are not the continuation of what was taken in.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaTimeoutError
from msgspec.structs import replace

from consumers.batches import is_last_of
from consumers.errors import ConsumerHalted, HaltCode
from consumers.places import PartitionCheckpoint

_SECONDS: Final = 20.0
_POLL_MS: Final = 20


def check_places(
    kafka: KafkaConsumer, places: Mapping[TopicPartition, PartitionCheckpoint]
) -> dict[TopicPartition, PartitionCheckpoint]:
    """The places, with the topics' ids. What is assigned has to be assigned and sought again afterwards.

    Raises ConsumerHalted `retention_hole`, `topic_replaced` and `log_restored`.
    """
    beginnings, ends = kafka.beginning_offsets(places), kafka.end_offsets(places)
    known = {}
    for partition, place in places.items():
        topic_id = _topic_id(kafka, place.topic)
        if place.topic_id not in (None, topic_id) and place.next_offset > 0:
            raise _halted("topic_replaced", place, "the topic of that name is another one now")
        if place.next_offset < beginnings[partition]:
            raise _halted("retention_hole", place, f"the first record left is at {beginnings[partition]}")
        if place.next_offset > ends[partition]:
            raise _halted("topic_replaced", place, f"the topic ends at {ends[partition]}")
        known[partition] = replace(place, topic_id=topic_id)
    _check_last_events(kafka, {p: place for p, place in places.items() if _is_left(place, beginnings[p])})
    return known


def _is_left(place: PartitionCheckpoint, beginning: int) -> bool:
    return place.last_offset is not None and place.last_offset >= beginning


def _check_last_events(kafka: KafkaConsumer, places: Mapping[TopicPartition, PartitionCheckpoint]) -> None:
    """Read the event that was taken in last, in one partition after the other."""
    for partition, place in places.items():
        assert place.last_offset is not None
        kafka.assign([partition])
        kafka.seek(partition, place.last_offset)
        if not is_last_of(place, _next_record(kafka, partition)):
            event = f"the event at position {place.last_position}, taken in at offset {place.last_offset}"
            raise _halted("log_restored", place, f"{event}, is not there any more")


def _next_record(kafka: KafkaConsumer, partition: TopicPartition) -> ConsumerRecord:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        for records in kafka.poll(_POLL_MS).values():
            return records[0]
    raise KafkaTimeoutError(f"{partition} could not be read within {_SECONDS:.0f} s")


def _topic_id(kafka: KafkaConsumer, topic: str) -> UUID | None:
    """As the last metadata said."""
    found: UUID | None = vars(kafka)["_client"].cluster.topic_id(topic)
    return found


def _halted(code: HaltCode, place: PartitionCheckpoint, message: str) -> ConsumerHalted:
    return ConsumerHalted(
        code, place.topic, place.partition, f"offset {place.next_offset} is next to be read, and {message}"
    )
