"""One connection to Kafka and one to PostgreSQL, from the claims to the first error."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import UnknownTopicOrPartitionError

from consumers import checkpoints
from consumers.batches import read_batch
from consumers.checkpoints import Connection, PartitionCheckpoint
from consumers.effects import write
from consumers.errors import ConsumerHalted
from consumers.halts import CONSUMERS
from consumers.handler import Handler
from consumers.topic_identity import check_checkpoints
from eventlog.garbage_collection import without_garbage_collection
from publishing.topics import Topic

_TERMS: Final = 3
"""How often claims are renewed within their time."""


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
            for place, records in sorted(self._kafka.poll(wait_ms).items()):
                batch = read_batch(self._topics[place.topic], self._checkpoints[place], records)
                write(self._connection, self._handler, batch)
                self._checkpoints[place] = batch.after
                if not self._works:
                    self._works = True
                    CONSUMERS.forget(self._connection, self._handler.name)

    def ends(self) -> dict[TopicPartition, int]:
        """Where the committed records of each partition end now."""
        return self._kafka.end_offsets(self._all)

    def is_at(self, ends: Mapping[TopicPartition, int]) -> bool:
        """Whether everything before these ends has been taken in here. Raises KeyError if one is not ours."""
        return all((self._kafka.position(place) or 0) >= end for place, end in ends.items())

    def _partitions(self, topic: Topic) -> range:
        found = self._kafka.partitions_for_topic(topic.name)
        if not found:
            raise UnknownTopicOrPartitionError(f"there is no topic {topic.name} (yet)")
        known = checkpoints.ensure(self._connection, self._handler.name, topic.name, len(found))
        if known != len(found):
            message = f"it has {len(found)} partitions, and had {known}"
            raise ConsumerHalted("partitions_changed", topic.name, known, message)
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
        self._kafka.assign(known)
        for partition, place in known.items():
            self._kafka.seek(partition, place.next_offset)
        self._checkpoints = known
