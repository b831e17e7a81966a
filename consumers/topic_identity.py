"""Whether the topics are still those that a consumer's checkpoints speak of.

A topic may have been made anew, and a broker or the log may have been restored from a backup and have gone on
otherwise: then records that follow are not the continuation of what was taken in.
"""

from __future__ import annotations

from collections.abc import Mapping

from kafka import KafkaConsumer, TopicPartition
from msgspec.structs import replace

from consumers.batches import is_last_of
from consumers.checkpoints import PartitionCheckpoint
from consumers.errors import ConsumerHalted, HaltCode
from consumers.horizon import read_span
from publishing.kafka_internals import topic_id as known_topic_id


def check_checkpoints(
    kafka: KafkaConsumer, checkpoints: Mapping[TopicPartition, PartitionCheckpoint]
) -> dict[TopicPartition, PartitionCheckpoint]:
    """The checkpoints, with the topics' ids. What is assigned has to be assigned and sought again afterwards.

    Raises ConsumerHalted `retention_hole`, `topic_replaced` and `log_restored`.
    """
    beginnings, ends = kafka.beginning_offsets(checkpoints), kafka.end_offsets(checkpoints)
    known = {}
    for partition, checkpoint in checkpoints.items():
        topic_id = known_topic_id(kafka, checkpoint.topic)
        if checkpoint.topic_id not in (None, topic_id) and checkpoint.next_offset > 0:
            raise _halted("topic_replaced", checkpoint, "the topic of that name is another one now")
        if checkpoint.next_offset < beginnings[partition]:
            raise _halted(
                "retention_hole", checkpoint, f"the first record left is at {beginnings[partition]}"
            )
        if checkpoint.next_offset > ends[partition]:
            raise _halted("topic_replaced", checkpoint, f"the topic ends at {ends[partition]}")
        known[partition] = replace(checkpoint, topic_id=topic_id)
    _check_last_events(
        kafka, {p: checkpoint for p, checkpoint in checkpoints.items() if _is_left(checkpoint, beginnings[p])}
    )
    return known


def _is_left(checkpoint: PartitionCheckpoint, beginning: int) -> bool:
    return checkpoint.last_offset is not None and checkpoint.last_offset >= beginning


def _check_last_events(
    kafka: KafkaConsumer, checkpoints: Mapping[TopicPartition, PartitionCheckpoint]
) -> None:
    """Read the event that was taken in last, in one partition after the other."""
    for partition, checkpoint in checkpoints.items():
        assert checkpoint.last_offset is not None
        start = checkpoint.last_offset
        if not any(is_last_of(checkpoint, left) for left in read_span(kafka, partition, start, start + 1)):
            taken = f"position {checkpoint.last_position}, taken in at offset {checkpoint.last_offset}"
            raise _halted("log_restored", checkpoint, f"the event at {taken}, is not there any more")


def _halted(code: HaltCode, checkpoint: PartitionCheckpoint, message: str) -> ConsumerHalted:
    return ConsumerHalted(
        code,
        checkpoint.topic,
        checkpoint.partition,
        f"offset {checkpoint.next_offset} is next to be read, and {message}",
    )
