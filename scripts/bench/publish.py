"""The relay's rate, beside a plain producer's with the same values and keys."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import count
from uuid import uuid4

from kafka import KafkaProducer

from eventlog import Append, Head, NewEvent
from eventlog.postgres.log import PostgresEventLog
from prorata.settings import Settings
from publishing.clients import Broker, to
from publishing.relay import Relay, RelayProgress
from publishing.streams import EventStream
from publishing.topics import Topics, ensure_topics
from scripts.bench import scratch as places
from scripts.bench.generate import fill
from scripts.bench.measured import Measured, compared

PEER = "plain kafka-python producer"
VALUE_BYTES = 300
"""Size of the made events' values; the domain's own are larger."""

_AT_ONCE = 500


def publish(events: int, rounds: int, *, domain_events: bool = False) -> Iterator[Measured]:
    """Yield events a second, from the first commit to the last.

    The peer sends the same values and keys to the same partitions, without headers, transactions, or a log to
    read from.
    """
    settings = Settings.of()
    with (
        places.topic_prefix(settings.broker) as prefix,
        _filled_log(settings.database_url, events, domain_events=domain_events) as (url, log),
    ):
        round_of = count(1)

        def ours() -> float:
            topics = ensure_topics(settings.broker, f"{prefix}{next(round_of)}.")
            return _relayed(log, settings.broker, topics, url)

        def peer() -> float:
            return _produced(log, settings.broker, ensure_topics(settings.broker, f"{prefix}plain."))

        about = {
            "events": f"{events}, {'the domain made' if domain_events else 'made'}",
            "bytes a value": _value_bytes(log),
            "events a transaction": 1_000,
        }
        yield compared("publish", "events/s", ours=ours, peer=peer, peer_is=PEER, rounds=rounds, about=about)


@contextmanager
def _filled_log(
    database_url: str, events: int, *, domain_events: bool
) -> Iterator[tuple[str, PostgresEventLog]]:
    with places.database(database_url) as url, closing(PostgresEventLog(url)) as log:
        if domain_events:
            fill(url, events)
        else:
            for first in range(0, events, _AT_ONCE):
                log.append_many(list(_made(range(first, min(first + _AT_ONCE, events)))))
        yield url, log


def _made(numbers: range) -> Iterator[Append]:
    now = datetime.now(UTC)
    for nth in numbers:
        state = b'{"type":"made","nth":"%012d","text":"' % nth
        state += uuid4().hex.encode() * 8
        event = NewEvent(uuid4(), None, "made", 1, now, None, state[: VALUE_BYTES - 2] + b'"}')
        yield Append(f"bench/{nth:09}", Head.NONE, (event,))


def _value_bytes(log: PostgresEventLog) -> int:
    page = log.read_settled(0, 1_000)
    return round(sum(len(stored.state) for stored in page) / len(page))


def _relayed(log: PostgresEventLog, kafka: Broker, topics: Topics, url: str) -> float:
    """The relay's rate from its first commit to its last."""
    committed: list[tuple[float, int]] = []

    def report(progress: RelayProgress) -> None:
        committed.append((time.perf_counter(), progress.events))

    Relay(EventStream(log, topics), log, kafka, topics, url, report).run_once()
    return sum(events for _, events in committed[1:]) / (committed[-1][0] - committed[0][0])


def _produced(log: PostgresEventLog, kafka: Broker, topics: Topics) -> float:
    topic, page, after = topics.events, [], 0
    while found := log.read_settled(after, 10_000):
        page += [(s.account_id.encode(), s.state, topic.partition_of(s.account_id)) for s in found]
        after = found[-1].position
    with closing(
        KafkaProducer(**to(kafka), acks="all", compression_type="lz4", linger_ms=5, batch_size=256 * 1024)
    ) as producer:
        producer.partitions_for(topic.name)
        began = time.perf_counter()
        for key, value, partition in page:
            _ = producer.send(topic.name, value, key, partition=partition)
        producer.flush()
        return len(page) / (time.perf_counter() - began)
