"""One connection to Kafka and one to PostgreSQL, from the claims to the first error."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import UnknownTopicOrPartitionError

from consumers import checkpoints
from consumers.batches import read_batch
from consumers.checkpoints import Connection, PartitionCheckpoint
from consumers.effects import write
from consumers.errors import ConsumerHalted
from consumers.halts import CONSUMERS
from consumers.handler import Handler
from consumers.horizon import UNKNOWN, Horizon, horizons_of
from consumers.topic_identity import check_checkpoints
from eventlog.garbage_collection import without_garbage_collection
from publishing.topics import Topic

logger = logging.getLogger(__name__)

_TERMS: Final = 3
"""How often claims are renewed within their time."""

_PATIENCE: Final = 5.0
"""Seconds in which a later record may decide what one that waits is; then it halts the consumer."""


_MOST_ENDS: Final = 200_000
"""Accounts whose last event is remembered, to tell a copy of it: some 200 bytes each."""


class _Waiting(msgspec.Struct):
    """Records that only later ones decide on, since when, and the halt that they are if none does."""

    records: list[ConsumerRecord]
    since: float
    undecided: ConsumerHalted | None


class ConsumerSession:
    """What an instance reads, and up to where. After an error it is of no further use."""

    def __init__(
        self,
        handler: Handler,
        topics: Sequence[Topic],
        connection: Connection,
        kafka: KafkaConsumer,
        instance: UUID,
        claim_seconds: float,
    ) -> None:
        self._handler = handler
        self._topics = {topic.name: topic for topic in topics}
        self._connection = connection
        self._kafka = kafka
        self._instance = instance
        self._claim_seconds = claim_seconds
        self._checkpoints: dict[TopicPartition, PartitionCheckpoint] = {}
        self._horizons: dict[TopicPartition, Horizon] = {}
        self._ends: dict[str, tuple[int, bytes]] = {}
        self._waiting: dict[TopicPartition, _Waiting] = {}
        self._claimed_at = -claim_seconds
        self._works = False
        self._refuse_other_topics()
        self._all = [TopicPartition(topic.name, nth) for topic in topics for nth in self._partitions(topic)]

    def claim(self, *, at_once: bool = False) -> bool:
        """Claim partitions, or renew the claims where it is time to; whether all are ours."""
        now = time.monotonic()
        if at_once or now - self._claimed_at >= self._claim_seconds / _TERMS:
            self._claimed_at = now
            found = checkpoints.claim(
                self._connection, self._handler.name, list(self._topics), self._instance, self._claim_seconds
            )
            claimed = {TopicPartition(place.topic, place.partition): place for place in found}
            if claimed.keys() != self._checkpoints.keys():
                self._assign(claimed)
        return len(self._checkpoints) == len(self._all)

    def turn(self, wait_ms: int) -> None:
        """Take in what has come, at most one batch of each partition; wait so long if nothing has."""
        if not self._checkpoints:
            time.sleep(wait_ms / 1000)
            return
        with without_garbage_collection():
            for partition, records in sorted(self._kafka.poll(wait_ms).items()):
                self._take_in(partition, records)
        for waiting in self._waiting.values():
            if waiting.undecided is not None and time.monotonic() - waiting.since > _PATIENCE:
                raise waiting.undecided

    def _take_in(self, partition: TopicPartition, records: Sequence[ConsumerRecord]) -> None:
        waiting = self._waiting.pop(partition, None)
        if waiting is not None:
            records = [*waiting.records, *records]
        topic, before = self._topics[partition.topic], self._checkpoints[partition]
        batch = read_batch(topic, before, records, self._horizons.get(partition, UNKNOWN), ends=self._ends)
        while len(self._ends) > _MOST_ENDS:
            del self._ends[next(iter(self._ends))]
        if batch.taken:
            write(self._connection, self._handler, batch)
            self._checkpoints[partition] = batch.after
            self._say_refused(batch.before, batch.after)
            if not self._works:
                self._works = True
                CONSUMERS.forget(self._connection, self._handler.name)
        if left := list(records[batch.taken :]):
            goes_on = waiting is not None and not batch.taken
            since = waiting.since if waiting is not None and goes_on else time.monotonic()
            self._waiting[partition] = _Waiting(left, since, batch.undecided)

    def _say_refused(self, before: PartitionCheckpoint, after: PartitionCheckpoint) -> None:
        if after.refused != before.refused:
            logger.warning(
                "consumer %s: refused %d records of partition %d of %s, the last at offset %s: %s",
                self._handler.name,
                after.refused - before.refused,
                after.partition,
                after.topic,
                after.refused_offset,
                after.refused_reason,
            )

    def ends(self) -> dict[TopicPartition, int]:
        """Where the committed records of each partition end now."""
        return self._kafka.end_offsets(self._all)

    def is_at(self, ends: Mapping[TopicPartition, int]) -> bool:
        """Whether everything before these ends has been read here. Raises KeyError if one is not ours, and
        ConsumerHalted where an event misses the one that it follows.

        States that no heartbeat covers yet are left: they are read again.
        """
        reached = all((self._kafka.position(partition) or 0) >= end for partition, end in ends.items())
        for waiting in self._waiting.values():
            if reached and waiting.undecided is not None:
                raise waiting.undecided
        return reached

    def _partitions(self, topic: Topic) -> range:
        found = self._kafka.partitions_for_topic(topic.name)
        if not found:
            raise UnknownTopicOrPartitionError(
                f"there is no topic {topic.name} (yet), or this user may not read it"
            )
        known = checkpoints.ensure(self._connection, self._handler.name, topic.name, len(found))
        if known != len(found):
            message = f"it has {len(found)} partitions, and had {known}"
            raise ConsumerHalted("partitions_changed", topic.name, known, message)
        self._topics[topic.name] = replace(topic, partitions=known)
        return range(known)

    def _refuse_other_topics(self) -> None:
        """Its tables were made of topics with another prefix: reading on here would double their effects."""
        for other in checkpoints.others(self._connection, self._handler.name, list(self._topics)):
            for topic in self._topics.values():
                if other.endswith(topic.base):
                    message = f"{self._handler.name} has been reading {other}"
                    raise ConsumerHalted("topics_changed", topic.name, 0, message)

    def _assign(self, claimed: dict[TopicPartition, PartitionCheckpoint]) -> None:
        known = check_checkpoints(self._kafka, claimed)
        topics = {partition: self._topics[partition.topic] for partition in known}
        self._horizons, self._waiting = horizons_of(self._kafka, topics), {}
        known = {partition: self._with_log(partition, place) for partition, place in known.items()}
        self._kafka.assign(known)
        for partition, place in known.items():
            self._kafka.seek(partition, place.next_offset)
        self._checkpoints = known

    def _with_log(self, partition: TopicPartition, checkpoint: PartitionCheckpoint) -> PartitionCheckpoint:
        """One that has read nothing takes the log of the last heartbeats, not of whatever comes first."""
        last_two = self._horizons[partition].lower, self._horizons[partition].higher
        logs = {heartbeat.log_id for heartbeat in last_two if heartbeat is not None}
        if checkpoint.log_id is None and len(logs) == 1:
            return msgspec.structs.replace(checkpoint, log_id=logs.pop())
        return checkpoint
