"""The runtime of consumers: every effect once and in order, whatever fails, dies or was deleted."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from threading import Event, Thread
from uuid import uuid4

import psycopg
import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from msgspec import structs

from consumers import dead_letters, runtime
from consumers.batches import Batch
from consumers.checkpoints import Connection
from consumers.effects import release, write
from consumers.errors import ConsumerHalted, PartitionMoved, PartitionsHeld
from consumers.handler import Handler, Message
from consumers.runtime import Consumer
from domain.commands import PurchaseAddon, PurchasePlan
from eventlog import Head, NewEvent
from eventlog.postgres.log import PostgresEventLog
from prorata.roles import CONSUMER
from publishing.clients import Broker, to
from publishing.envelope import PublishedEvent, event_record
from publishing.headers import EventHeaders
from publishing.topics import Topics
from tests.support.consumers.consumer_process import CLAIM_SECONDS, consume_and_die
from tests.support.consumers.tally import Tally, tallied
from tests.support.eventlog.sessions import until
from tests.support.projections.fold_driver import Billing
from tests.support.publishing.histories import append_all, history_of
from tests.support.roles import kafka_as

ACCOUNTS = [f"acme/a-{nth}" for nth in range(10)]
MakeConsumer = Callable[..., Consumer]


@pytest.fixture
def consumer(consumer_url: str, kafka_bootstrap: Broker, topics: Topics) -> MakeConsumer:
    """Makes consumers of the tests' topics."""

    def make(handler: Handler, **settings: float) -> Consumer:
        broker = kafka_as(kafka_bootstrap, CONSUMER)
        return Consumer(handler, consumer_url, broker, prefix=topics.prefix, **settings)  # type: ignore[arg-type]

    return make


def fill(log: PostgresEventLog, accounts: Sequence[str] = ACCOUNTS, seed: int = 1) -> None:
    """Append the accounts' events, mixed."""
    append_all(log, {account_id: history_of(account_id, seed) for account_id in accounts}, seed)


def everything(log: PostgresEventLog) -> dict[str, list[int]]:
    """The versions of every account."""
    return {account_id: [e.version for e in log.read_account(account_id)] for account_id in log.accounts()}


def test_every_event_is_handled_once_and_in_order(
    log: PostgresEventLog, publish: Callable[[], None], consumer: MakeConsumer, connection: Connection
) -> None:
    fill(log)
    publish()
    consumer(Tally()).run_once()
    assert tallied(connection) == everything(log)
    consumer(Tally()).run_once()
    fill(log, ["acme/b-1"])
    publish()
    consumer(Tally(), batch=7).run_once()
    assert tallied(connection) == everything(log)


@pytest.mark.parametrize("nth", [1, 4])
def test_a_consumer_killed_between_its_effects_and_their_commit_loses_and_doubles_nothing(
    nth: int,
    log: PostgresEventLog,
    publish: Callable[[], None],
    consumer: MakeConsumer,
    consumer_url: str,
    kafka_bootstrap: Broker,
    topics: Topics,
    connection: Connection,
) -> None:
    fill(log)
    publish()
    for _ in range(2):
        assert consume_and_die(consumer_url, kafka_bootstrap, topics.prefix, nth) == -signal.SIGKILL
    consumer(Tally(), claim_seconds=CLAIM_SECONDS).run_once()
    assert tallied(connection) == everything(log)


def test_a_lost_connection_to_the_database_costs_time_alone(
    log: PostgresEventLog,
    publish: Callable[[], None],
    consumer: MakeConsumer,
    connection: Connection,
    consumer_url: str,
) -> None:
    fill(log)
    publish()
    done, stop, attempts = everything(log), Event(), count(1)

    def lose_the_connection(_: Sequence[Message]) -> None:
        if next(attempts) in (1, 3):
            connection.execute(
                "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
                " where state = 'idle in transaction' and datname = current_database()"
            )

    thread = Thread(target=consumer(Tally(written=lose_the_connection)).run, args=[stop])
    thread.start()
    with closing(psycopg.connect(consumer_url, autocommit=True)) as watcher:
        until(lambda: tallied(watcher) == done)
    stop.set()
    thread.join()
    consumer(Tally()).run_once()
    assert tallied(connection) == done


def test_an_instance_that_stands_still_in_the_middle_of_a_batch_loses_its_partitions(
    log: PostgresEventLog,
    publish: Callable[[], None],
    consumer: MakeConsumer,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runtime, "_STANDS_STILL", "200ms")
    fill(log)
    publish()
    standing, go_on, stop = Event(), Event(), Event()

    def stand_still(_: Sequence[Message]) -> None:
        standing.set()
        assert go_on.wait(60)

    thread = Thread(target=consumer(Tally(written=stand_still), claim_seconds=1).run, args=[stop])
    thread.start()
    try:
        assert standing.wait(60)
        consumer(Tally(), claim_seconds=1).run_once()
        assert tallied(connection) == everything(log)
    finally:
        stop.set()
        go_on.set()
        thread.join()
    assert tallied(connection) == everything(log)


def test_an_instance_that_was_overtaken_without_knowing_writes_nothing(
    log: PostgresEventLog,
    publish: Callable[[], None],
    consumer: MakeConsumer,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill(log)
    publish()
    overtaken = Event()

    def write_late(to: Connection, handler: Handler, batch: Batch) -> None:
        if not overtaken.is_set():
            overtaken.set()
            connection.execute("update consumers.partitions set claimed_until = '-infinity'")
            consumer(Tally()).run_once()
        write(to, handler, batch)

    monkeypatch.setattr("consumers.session.write", write_late)
    with pytest.raises(PartitionMoved):
        consumer(Tally()).run_once()
    assert overtaken.is_set()
    assert tallied(connection) == everything(log)


def test_a_second_instance_stands_by_until_the_claims_run_out(
    log: PostgresEventLog, publish: Callable[[], None], consumer: MakeConsumer, connection: Connection
) -> None:
    publish()
    consumer(Tally()).run_once()
    connection.execute(
        "update consumers.partitions set claimed_by = gen_random_uuid(), claimed_until = 'infinity'"
        " where partition = 3"
    )
    with pytest.raises(PartitionsHeld):
        consumer(Tally(), claim_seconds=0.1).run_once()
    connection.execute("update consumers.partitions set claimed_until = now() where partition = 3")
    consumer(Tally(), claim_seconds=0.1).run_once()


def test_a_record_that_cannot_be_handled_parks_its_key_alone(
    log: PostgresEventLog, publish: Callable[[], None], consumer: MakeConsumer, connection: Connection
) -> None:
    fill(log)
    publish()

    def fails(message: PublishedEvent) -> None:
        if message.account_id == "acme/a-3" and message.event.version == 3:
            raise ValueError("of all things")

    consumer(Tally(fails)).run_once()
    expected = everything(log)
    assert tallied(connection) == expected | {"acme/a-3": [1, 2]}
    letters = dead_letters.parked(connection, "tally")
    assert [letter.error for letter in letters] == [
        "ValueError: of all things",
        *[None] * (len(expected["acme/a-3"]) - 3),
    ]
    third = log.event("acme/a-3", 3)
    assert third is not None
    assert (letters[0].key, letters[0].value) == (b"acme/a-3", third.state)


def test_a_parked_key_is_released_in_order_and_goes_on(
    log: PostgresEventLog,
    publish: Callable[[], None],
    consumer: MakeConsumer,
    connection: Connection,
    topics: Topics,
    billing: Billing,
) -> None:
    billing.open("acme/p-1", "2026-03-20")
    publish()

    def fails(message: PublishedEvent) -> None:
        raise ValueError("not yet")

    consumer(Tally(fails)).run_once()
    billing.give("acme/p-1", PurchasePlan("standard"), "2026-03-20")
    publish()
    consumer(Tally()).run_once()  # the cause is gone, and what came since waits behind
    assert tallied(connection) == {}
    with pytest.raises(ValueError, match="not yet"):
        release(connection, Tally(fails), topics.events, b"acme/p-1")
    assert release(connection, Tally(), topics.events, b"acme/p-1") == 3
    billing.give("acme/p-1", PurchaseAddon("custom_domain"), "2026-04-05")
    publish()
    consumer(Tally()).run_once()
    assert tallied(connection) == everything(log)
    assert dead_letters.parked(connection, "tally") == []


def test_a_missing_table_stops_the_consumer_and_parks_nothing(
    log: PostgresEventLog, publish: Callable[[], None], consumer: MakeConsumer, connection: Connection
) -> None:
    fill(log, ACCOUNTS[:1])
    publish()
    connection.execute("alter table tally rename to gone")
    with pytest.raises(psycopg.errors.UndefinedTable):
        consumer(Tally()).run_once()
    assert dead_letters.parked(connection, "tally") == []
    connection.execute("alter table gone rename to tally")
    consumer(Tally()).run_once()
    assert tallied(connection) == everything(log)


def test_records_of_types_from_a_later_version_are_skipped_and_counted(
    log: PostgresEventLog, publish: Callable[[], None], consumer: MakeConsumer, connection: Connection
) -> None:
    at = datetime(2026, 4, 5, tzinfo=UTC)
    later = NewEvent(uuid4(), None, "account_teleported", 1, at, None, b'{"type":"account_teleported"}')
    log.append("acme/a-1", Head.NONE, [later])
    fill(log, ["acme/a-2"])
    publish()
    consumer(Tally()).run_once()
    assert tallied(connection) == {"acme/a-2": everything(log)["acme/a-2"]}
    [[skipped]] = connection.execute("select sum(skipped) from consumers.partitions").fetchall()
    assert skipped == 1


def test_heartbeats_say_how_fresh_a_consumer_is(
    log: PostgresEventLog, publish: Callable[[], None], consumer: MakeConsumer, connection: Connection
) -> None:
    fill(log, ACCOUNTS[:2])
    publish()
    consumer(Tally()).run_once()
    rows = connection.execute(
        "select heartbeat_position, clock_timestamp() - heartbeat_at < interval '1 minute'"
        " from consumers.partitions"
    ).fetchall()
    assert rows == [(log.last_position(), True)] * 6


def test_records_deleted_before_they_were_read_are_a_hole_that_is_refused(
    log: PostgresEventLog,
    publish: Callable[[], None],
    consumer: MakeConsumer,
    kafka_bootstrap: Broker,
    topics: Topics,
    connection: Connection,
) -> None:
    fill(log)
    publish()
    with closing(KafkaAdminClient(**to(kafka_bootstrap))) as admin:
        admin.delete_records({TopicPartition(topics.events.name, 2): 1})
    with pytest.raises(ConsumerHalted) as halted:
        consumer(Tally()).run_once()
    assert (halted.value.code, halted.value.partition) == ("retention_hole", 2)
    assert tallied(connection) == {}


def test_an_event_that_does_not_follow_the_last_one_is_refused(
    log: PostgresEventLog,
    publish: Callable[[], None],
    consumer: MakeConsumer,
    kafka_bootstrap: Broker,
    topics: Topics,
    connection: Connection,
) -> None:
    fill(log, ACCOUNTS[:1])
    publish()
    consumer(Tally()).run_once()
    partition = topics.events.partition_of(ACCOUNTS[0])
    stored = structs.replace(log.read_account(ACCOUNTS[0])[-1], position=10_000)
    record = event_record(topics.events, EventHeaders(log.log_id), stored, partition, prev=9_999)
    with closing(KafkaProducer(**to(kafka_bootstrap))) as producer:
        sent = producer.send(record.topic, record.value, record.key, record.pairs, record.partition)
        producer.flush()
    assert sent.succeeded()
    with pytest.raises(ConsumerHalted) as halted:
        consumer(Tally()).run_once()
    assert (halted.value.code, halted.value.partition) == ("gap", partition)
    assert tallied(connection) == everything(log)
