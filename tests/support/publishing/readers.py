"""Read the topics as a read_committed reader."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from publishing.clients import ENDING_READER, Broker, to
from publishing.envelope import Heartbeat, Message, PublishedEvent, PublishedState, decode
from publishing.topics import Topic


def read_records(bootstrap: Broker, topic: Topic) -> list[ConsumerRecord]:
    """Every committed record up to the topic's end now, in the order of each partition.

    A commit is acknowledged before it can be read, so this waits for open transactions.
    """
    places = [TopicPartition(topic.name, partition) for partition in range(topic.partitions)]
    found: list[ConsumerRecord] = []
    with closing(KafkaConsumer(**to(bootstrap), **ENDING_READER)) as consumer:
        consumer.assign(places)
        for place in places:
            consumer.seek(place, 0)
        ends = _settled_ends(bootstrap, consumer, places)
        while any((consumer.position(place) or 0) < ends[place] for place in places):
            for records in consumer.poll(20).values():
                found += records
    return found


def _settled_ends(
    bootstrap: Broker, consumer: KafkaConsumer, places: list[TopicPartition]
) -> dict[TopicPartition, int]:
    """The partitions' ends, once no transaction is open in them."""
    everything = {**ENDING_READER, "isolation_level": "read_uncommitted"}
    with closing(KafkaConsumer(**to(bootstrap), **everything)) as all_of_it:
        deadline = time.monotonic() + 60
        while (ends := consumer.end_offsets(places)) != all_of_it.end_offsets(places):
            assert time.monotonic() < deadline, f"a transaction stays open: {ends}"
    return ends


def read_messages(bootstrap: Broker, topic: Topic) -> Iterator[tuple[ConsumerRecord, Message]]:
    """Every committed record, decoded."""
    for record in read_records(bootstrap, topic):
        yield record, decode(topic, record.key, record.value, record.headers)


def read_events(bootstrap: Broker, topic: Topic) -> dict[int, list[PublishedEvent]]:
    """The events of each partition, in order."""
    events: dict[int, list[PublishedEvent]] = defaultdict(list)
    for record, message in read_messages(bootstrap, topic):
        if isinstance(message, PublishedEvent):
            events[record.partition].append(message)
    return events


def read_states(bootstrap: Broker, topic: Topic) -> dict[str, PublishedState]:
    """The newest state of each key."""
    states: dict[str, PublishedState] = {}
    for record, message in read_messages(bootstrap, topic):
        if isinstance(message, PublishedState):
            key = record.key.decode()
            assert key not in states or states[key].order <= message.order
            states[key] = message
    return states


def read_heartbeats(bootstrap: Broker, topic: Topic) -> dict[int, Heartbeat]:
    """The last heartbeat of each partition."""
    return {
        record.partition: message
        for record, message in read_messages(bootstrap, topic)
        if isinstance(message, Heartbeat)
    }
