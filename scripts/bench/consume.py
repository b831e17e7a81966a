"""The consumers' rate with an effect in PostgreSQL for each record, next to a plain loop that commits effect
and offset record by record."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Final

import psycopg
from kafka import KafkaConsumer, TopicPartition

from consumers.checkpoints import Connection
from consumers.handler import Message
from consumers.runtime import Consumer
from eventlog.postgres.log import PostgresEventLog
from prorata.settings import Settings
from publishing.clients import READER, Broker, to
from publishing.envelope import PublishedEvent
from publishing.relay import Relay
from publishing.streams import EventStream
from publishing.topics import Topic, ensure_topics
from scripts.bench import scratch as places
from scripts.bench.generate import fill
from scripts.bench.measured import Measured, compared

PEER: Final = "loop with a commit a record"

_TABLES: Final = """
    create table seen (
        account_id text not null, version bigint not null, type text not null, state bytea not null
    );
    create table offsets (partition integer primary key, next_offset bigint not null)
"""
_SEE: Final = "insert into seen values (%s, %s, %s, %s)"
_COPY: Final = "copy seen from stdin (format binary)"
_OFFSET: Final = """
    insert into offsets values (%s, %s)
    on conflict (partition) do update set next_offset = excluded.next_offset
"""


class Seen:
    """A handler that writes a row for each event, as the peer does."""

    topics: Final = ("billing.events.v1",)
    own_tables: Final = ()

    def __init__(self, nth: int) -> None:
        self.name = f"bench_{nth}"

    def handle(self, connection: Connection, messages: Sequence[Message]) -> None:
        rows = [
            (m.account_id, m.event.version, m.type, m.event.state)
            for m in messages
            if isinstance(m, PublishedEvent)
        ]
        with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.set_types(["text", "int8", "text", "bytea"])
            for row in rows:
                copy.write_row(row)


def consume(events: int, rounds: int, peer_events: int = 2_000) -> Iterator[Measured]:
    """Yield records a second, where each record's row and offset are committed together."""
    settings = Settings.of()
    with places.database(settings.database_url) as url, places.topic_prefix(settings.broker) as prefix:
        topics = ensure_topics(settings.broker, prefix)
        with closing(PostgresEventLog(url)) as log:
            fill(url, events)
            Relay(EventStream(log, topics), log, settings.broker, topics, url).run_once()
            published = len(log.read_settled(0, 2 * events + 1_000))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_TABLES)
        turn = iter(range(1, rounds + 1))

        def ours() -> float:
            began = time.perf_counter()
            Consumer(Seen(next(turn)), url, settings.broker, prefix=prefix).run_once()
            return published / (time.perf_counter() - began)

        def peer() -> float:
            return _looped(settings.broker, topics.events, url, peer_events)

        about = {"records": published, "records of the peer": peer_events}
        yield compared("consume", "records/s", ours=ours, peer=peer, peer_is=PEER, rounds=rounds, about=about)


def _looped(kafka: Broker, topic: Topic, url: str, records: int) -> float:
    """The rate of the obvious loop: poll, and for each record a transaction with its effect and offset."""
    partitions = [TopicPartition(topic.name, partition) for partition in range(topic.partitions)]
    reader = KafkaConsumer(**to(kafka), **READER)
    with closing(reader), psycopg.connect(url) as connection:
        reader.assign(partitions)
        reader.seek_to_beginning()
        done, began = 0, time.perf_counter()
        for record in reader:
            headers = dict(record.headers)
            if "pos" not in headers:
                continue
            event_type, version = headers["ce_type"].decode(), int(headers["version"])
            connection.execute(_SEE, (record.key.decode(), version, event_type, record.value))
            connection.execute(_OFFSET, (record.partition, record.offset + 1))
            connection.commit()
            done += 1
            if done == records:
                break
        return done / (time.perf_counter() - began)
