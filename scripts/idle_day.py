"""What a day on which nothing happens takes in each topic, and how long a new reader reads a month of it.

    python -m scripts.servers run -- python -m scripts.idle_day

A relay on an empty log sends some hundred heartbeats as fast as it can; the bytes that the broker then holds
for each are multiplied by how many a day has. In state topics a month is no more than a day, since closed
segments are compacted within that time.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any, Final

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import migrate
from prorata.migrations import migrations
from prorata.settings import Settings
from publishing.checkpoints import STREAMS
from publishing.clients import ENDING_READER, Broker, to
from publishing.holding import PRODUCTION, RelaySettings
from publishing.relay import RelayProgress, run_relay
from publishing.rhythm import Rhythm
from publishing.topics import Topic, ensure_topics

DAY: Final = 86_400
BEATS: Final = 200
"""Heartbeats of each stream that are measured, at least."""

ROUNDS: Final = 50
"""How often they are read: the pauses of a reader that begins would count too much."""


def main() -> None:
    """Print a row for each topic and rhythm: one each second, as before, and the present one."""
    settings = Settings.of()
    migrate(settings.database_url, migrations())
    topics = ensure_topics(settings.broker)
    hurried = RelaySettings(beat_seconds=0.001, idle_seconds=0.0)
    with closing(PostgresEventLog(settings.database_url)) as log:
        stop, sent = Event(), Counter[str]()

        def report(progress: RelayProgress) -> None:
            sent[progress.stream] += 1
            if len(sent) == len(STREAMS) and min(sent.values()) >= BEATS:
                stop.set()

        run_relay(log, settings.broker, settings.database_url, stop=stop, settings=hurried, report=report)
    sizes = _sizes(settings.broker)
    for named, idle in (("each second", 0.0), ("as it is", PRODUCTION.idle_seconds)):
        beats = _beats_of_a_day(idle)
        for topic in (topics.events, topics.entitlements):
            records, seconds = _read(settings.broker, topic)
            a_day = beats * topic.partitions
            days = 30 if topic.kind == "events" else 1
            megabytes, month = a_day * sizes[topic.name] / records / 1e6, days * a_day * seconds / records
            print(
                f"{named:<12} {topic.base:<24} {a_day:7d} records, {megabytes:6.1f} MB a day; "
                f"first read of an idle month {month:6.1f} s"
            )


def _beats_of_a_day(idle_seconds: float) -> int:
    rhythm, begun = Rhythm(idle_seconds), datetime(2026, 4, 5, tzinfo=UTC)
    count = 0
    for second in range(DAY):
        log_time = begun + timedelta(seconds=second)
        due = rhythm.is_due(float(second), log_time)
        rhythm.went_out(float(second), log_time if due else None, events=0)
        count += due
    return count


def _sizes(broker: Broker) -> dict[str, int]:
    """The bytes of each topic at the broker, all partitions together."""
    with closing(KafkaAdminClient(**to(broker))) as admin:
        answers: Any = admin.describe_log_dirs()
    found: dict[str, int] = {}
    for topic in (topic for answer in answers for folder in answer["log_dirs"] for topic in folder["topics"]):
        size = sum(int(one["partition_size"]) for one in topic["partitions"])
        found[topic["name"]] = found.get(topic["name"], 0) + size
    return found


def _read(broker: Broker, topic: Topic) -> tuple[int, float]:
    """The number of records in the topic, and the seconds in which a new reader has read them."""
    count = 0
    with closing(KafkaConsumer(**to(broker), **ENDING_READER)) as consumer:
        partitions = [TopicPartition(topic.name, nth) for nth in range(topic.partitions)]
        consumer.assign(partitions)
        ends, began = consumer.end_offsets(partitions), time.monotonic()
        for _ in range(ROUNDS):
            consumer.seek_to_beginning()
            while any((consumer.position(one) or 0) < ends[one] for one in partitions):
                count += sum(map(len, consumer.poll(200).values()))
    return count // ROUNDS, (time.monotonic() - began) / ROUNDS


if __name__ == "__main__":
    main()
