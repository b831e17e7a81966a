"""The relay of a stream: order, chain and position; what it does after an error, and when it halts."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import chain, pairwise, repeat
from random import Random
from threading import Event
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from msgspec import structs

from eventlog import EventLog, Head, StoredEvent, hash_of
from eventlog.appending import utc_now
from eventlog.memory import MemoryEventLog
from eventlog.postgres.connect import connect
from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import EVENTLOG, migrate
from prorata.roles import RELAY, SERVICE
from publishing.checkpoints import StreamCheckpoint, read_position
from publishing.clients import Broker
from publishing.envelope import Record
from publishing.errors import LeaseHeld, RelayHalted
from publishing.lease import Lease
from publishing.producing import ProducerSession
from publishing.relay import Relay, RelayProgress, run_relay
from publishing.streams import EventStream, StateStream
from publishing.topics import Topics, ensure_topics, topic_ids
from scripts.servers.kafka import KafkaBroker
from tests.support.eventlog.sample_events import new_event
from tests.support.publishing.dropped_producer import threads_left
from tests.support.publishing.histories import append_all, history_of
from tests.support.publishing.promises import assert_events_published_once, assert_states_equal_folds
from tests.support.publishing.readers import read_events, read_heartbeats, read_records
from tests.support.publishing.relays import HURRIED, MakeRelay
from tests.support.roles import kafka_as, login

ACCOUNTS = [f"acme/a-{nth}" for nth in range(12)]


def fill(log: EventLog, seed: int = 1, accounts: Sequence[str] = ACCOUNTS) -> None:
    """Append these accounts' events, mixed."""
    append_all(log, {account_id: history_of(account_id, seed) for account_id in accounts}, seed)


def test_every_event_is_published_once_and_the_states_are_what_the_folds_say(
    log: PostgresEventLog, topics: Topics, kafka_bootstrap: Broker, migrated_url: str
) -> None:
    fill(log)
    run_relay(log, kafka_as(kafka_bootstrap, RELAY), migrated_url, prefix=topics.prefix, once=True)
    assert assert_events_published_once(kafka_bootstrap, topics, log) > 100
    assert_states_equal_folds(kafka_bootstrap, topics, log)
    append_all(log, {name: history_of(name, 2, corrected=True) for name in ("acme/b-1", "acme/b-2")}, 2)
    run_relay(log, kafka_as(kafka_bootstrap, RELAY), migrated_url, prefix=topics.prefix, once=True)
    assert_events_published_once(kafka_bootstrap, topics, log)
    assert_states_equal_folds(kafka_bootstrap, topics, log)


class WithoutCreditNotes(StateStream):
    """The stream as it was before there were credit notes."""

    def __init__(self, log: EventLog, topics: Topics) -> None:
        super().__init__(log, topics)
        bills = self._documents[-1]
        bills._folds, bills.topics = bills._folds[:-1], bills.topics[:-1]
        self.topics = self.topics[:-1]
        del self.folds[topics.credit_notes.base]


def test_a_topic_that_is_new_is_filled_from_the_position_of_those_before_it(
    log: PostgresEventLog, topics: Topics, kafka_bootstrap: Broker, relay_url: str, state_relay: MakeRelay
) -> None:
    histories = {account_id: history_of(account_id, 1) for account_id in ACCOUNTS}
    without = {
        account_id: history
        for account_id, history in histories.items()
        if not any(event.type == "credit_note_issued" for event in history)
    }
    assert without
    append_all(log, without, 1)
    before = WithoutCreditNotes(log, topics)
    Relay(before, log, kafka_as(kafka_bootstrap, RELAY), topics, relay_url, settings=HURRIED).run_once()
    position = read_position(kafka_bootstrap, topics, before.number)
    assert position is not None
    assert set(position.topic_ids) == {topic.name for topic in before.topics}
    append_all(log, {"acme/b-1": history_of("acme/b-1", 2, corrected=True)}, 2)
    state_relay().run_once()
    assert read_records(kafka_bootstrap, topics.credit_notes)
    assert_states_equal_folds(kafka_bootstrap, topics, log)


def test_each_accounts_events_are_in_order_without_a_gap(
    log: PostgresEventLog, topics: Topics, kafka_bootstrap: Broker, events_relay: MakeRelay
) -> None:
    fill(log)
    events_relay().run_once()
    for messages in read_events(kafka_bootstrap, topics.events).values():
        assert [m.prev for m in messages] == [0, *[m.event.position for m in messages[:-1]]]
        for account_id in {m.account_id for m in messages}:
            own = [m.event for m in messages if m.account_id == account_id]
            assert [event.version for event in own] == list(range(1, len(own) + 1))
            assert all(later.previous_hash == earlier.hash for earlier, later in pairwise(own))


def test_the_position_record_holds_where_it_is_in_the_log_and_in_each_partition(
    log: PostgresEventLog, topics: Topics, kafka_bootstrap: Broker, events_relay: MakeRelay
) -> None:
    fill(log)
    events_relay().run_once()
    last = log.at_position(log.last_position())
    assert last is not None
    ends = {p: m[-1].event.position for p, m in read_events(kafka_bootstrap, topics.events).items()}
    expected = tuple(ends.get(partition, 0) for partition in range(topics.partitions))
    ids = topic_ids(kafka_bootstrap, (topics.events,))
    found = read_position(kafka_bootstrap, topics, 0)
    assert found is not None
    assert found.heard_at is not None
    assert found == StreamCheckpoint(
        log.log_id, last.position, last.hash.hex(), expected, ids, found.ends, found.heard_at
    )


def test_every_partition_has_a_heartbeat_even_of_an_empty_log(
    log: PostgresEventLog, topics: Topics, kafka_bootstrap: Broker, migrated_url: str
) -> None:
    run_relay(log, kafka_as(kafka_bootstrap, RELAY), migrated_url, prefix=topics.prefix, once=True)
    for topic in topics.public:
        heartbeats = read_heartbeats(kafka_bootstrap, topic)
        assert sorted(heartbeats) == list(range(topic.partitions))
        assert {(h.log_id, h.position) for h in heartbeats.values()} == {(log.log_id, 0)}


def test_no_heartbeat_calls_fresh_what_a_long_transaction_holds_back(
    log: PostgresEventLog, topics: Topics, kafka_bootstrap: Broker, migrated_url: str, events_relay: MakeRelay
) -> None:
    with psycopg.connect(migrated_url) as writer:
        writer.execute("lock table events in row exclusive mode")
        writer.execute("select nextval('events_position')")
        fill(log, accounts=ACCOUNTS[:1])
        events_relay().run_once()
        assert read_records(kafka_bootstrap, topics.events) == []
    events_relay().run_once()
    assert_events_published_once(kafka_bootstrap, topics, log)
    assert read_heartbeats(kafka_bootstrap, topics.events)[0].position == log.last_position()


def failing_session(where: str, times: int) -> type[ProducerSession]:
    """A session that raises there in the first so many transactions."""
    left = times

    def fail_if(here: str) -> None:
        nonlocal left
        if left and where == here:
            left -= 1
            raise RuntimeError(where)

    class FailingSession(ProducerSession):
        def _send(self, records: Sequence[Record], sent: list[Any]) -> None:
            half = len(records) // 2
            super()._send(records[:half], sent)
            self._producer.flush()
            fail_if("half sent")
            super()._send(records[half:], sent)

        def _commit(self) -> None:
            self._producer.flush()
            fail_if("before the commit")
            super()._commit()
            fail_if("after the commit")

    return FailingSession


@pytest.mark.parametrize("where", ["half sent", "before the commit", "after the commit"])
def test_after_any_error_it_starts_over_from_its_position(
    where: str, log: PostgresEventLog, topics: Topics, kafka_bootstrap: Broker, events_relay: MakeRelay
) -> None:
    fill(log)
    events_relay(failing_session(where, 3)).run_once()
    assert_events_published_once(kafka_bootstrap, topics, log)


def test_a_record_that_the_client_refuses_stops_its_transaction_as_a_whole(
    log: PostgresEventLog, topics: Topics, kafka_bootstrap: Broker, events_relay: MakeRelay
) -> None:
    class RefusedSession(ProducerSession):
        def _send(self, records: Sequence[Record], sent: list[Any]) -> None:
            refused = records[-1]._replace(key="not bytes")  # type: ignore[arg-type]
            super()._send([*records[:-1], refused], sent)

    fill(log)
    with pytest.raises(TypeError):
        events_relay(RefusedSession).run_once()
    assert read_records(kafka_bootstrap, topics.events) == []
    events_relay().run_once()
    assert_events_published_once(kafka_bootstrap, topics, log)


def test_it_halts_at_a_record_that_the_broker_will_never_take(
    log: PostgresEventLog, topics: Topics, kafka_bootstrap: Broker, events_relay: MakeRelay
) -> None:
    incompressible = b64encode(Random(1).randbytes(1_500_000))
    log.append("acme/a-1", Head.NONE, [new_event(state=incompressible)])
    with pytest.raises(RelayHalted, match="the topic and max_request_size") as halted:
        events_relay().run_once()
    assert halted.value.code == "record_too_large"
    assert read_records(kafka_bootstrap, topics.events) == []


def test_a_producer_that_is_dropped_without_its_broker_leaves_no_thread_behind(
    own_kafka: KafkaBroker,
) -> None:
    ensure_topics(own_kafka.bootstrap)
    assert own_kafka.process is not None
    assert threads_left(own_kafka.bootstrap, own_kafka.process.pid) == []


@pytest.mark.parametrize("whose", ["database", "broker"])
def test_it_publishes_nothing_while_its_clock_is_ahead(
    log: PostgresEventLog, topics: Topics, kafka_bootstrap: Broker, events_relay: MakeRelay, whose: str
) -> None:
    fill(log)
    # The database is asked first.
    by = chain([timedelta()] if whose == "broker" else [], repeat(timedelta(seconds=90)))
    ahead = replace(HURRIED, clock=lambda: utc_now() + next(by))
    with pytest.raises(RelayHalted, match=f"(89|90) seconds ahead of the {whose}'s, and 60 are") as halted:
        events_relay(settings=ahead).run_once()
    assert halted.value.code == "clock_ahead"
    assert read_records(kafka_bootstrap, topics.events) == []
    events_relay().run_once()
    assert len(read_records(kafka_bootstrap, topics.events)) >= log.last_position()


def test_it_waits_for_nobody_elses_lease_for_ever(
    migrated_url: str, events_relay: MakeRelay, topics: Topics
) -> None:
    with connect(migrated_url, "test") as connection:
        assert Lease(connection, f"{topics.prefix}prorata-relay-events", seconds=600).acquire()
        with pytest.raises(LeaseHeld, match="is published by process"):
            events_relay().run_once()


def test_it_halts_on_a_log_that_is_not_the_published_one(
    log: PostgresEventLog, topics: Topics, kafka_bootstrap: Broker, migrated_url: str, events_relay: MakeRelay
) -> None:
    fill(log)
    events_relay().run_once()
    foreign = MemoryEventLog()
    relay = Relay(
        EventStream(foreign, topics),
        foreign,
        kafka_as(kafka_bootstrap, RELAY),
        topics,
        migrated_url,
        settings=HURRIED,
    )
    with pytest.raises(RelayHalted) as halted:
        relay.run_once()
    assert (halted.value.stream, halted.value.code) == ("events", "foreign_log")
    assert "--republish-to" in str(halted.value)


@pytest.mark.parametrize(("accounts", "seed", "code"), [(3, 1, "log_behind"), (40, 2, "log_differs")])
def test_it_halts_on_a_log_restored_to_an_earlier_moment(
    accounts: int,
    seed: int,
    code: str,
    log: PostgresEventLog,
    topics: Topics,
    kafka_bootstrap: Broker,
    migrated_url: str,
    events_relay: MakeRelay,
) -> None:
    fill(log)
    events_relay().run_once()
    restored = MemoryEventLog(log_id=log.log_id)
    fill(restored, seed, [f"acme/a-{nth}" for nth in range(accounts)])
    relay = Relay(
        EventStream(restored, topics),
        restored,
        kafka_as(kafka_bootstrap, RELAY),
        topics,
        migrated_url,
        settings=HURRIED,
    )
    with pytest.raises(RelayHalted) as halted:
        relay.run_once()
    assert halted.value.code == code


def test_it_halts_while_it_runs_once_the_log_is_replaced_under_it(
    topics: Topics, kafka_bootstrap: Broker, migrated_url: str
) -> None:
    class Replaceable(MemoryEventLog):
        replaced = False

        def at_position(self, position: int) -> StoredEvent | None:
            return None if self.replaced else super().at_position(position)

    log, published = Replaceable(), []
    fill(log, accounts=ACCOUNTS[:2])

    def replace_it(progress: RelayProgress) -> None:
        published.append(progress)
        log.replaced = True

    stream = EventStream(log, topics)
    relay = Relay(stream, log, kafka_as(kafka_bootstrap, RELAY), topics, migrated_url, replace_it, HURRIED)
    with pytest.raises(RelayHalted) as halted:
        relay.run(Event())
    assert halted.value.code == "log_behind"
    assert published[0].position == log.last_position()


def test_it_halts_at_a_row_that_nobody_can_have_appended(
    log: PostgresEventLog,
    topics: Topics,
    kafka_bootstrap: Broker,
    migrated_url: str,
    events_relay: MakeRelay,
) -> None:
    fill(log, accounts=ACCOUNTS[:2])
    with psycopg.connect(migrated_url, autocommit=True) as connection:
        connection.execute("alter table events disable trigger append_only")
        connection.execute("update events set effective_at = 'infinity' where position = 3")
    with pytest.raises(RelayHalted, match="`prorata verify`") as halted:
        events_relay().run(Event())
    assert halted.value.code == "row_unreadable"
    assert read_records(kafka_bootstrap, topics.events) == []


def test_not_one_event_of_a_log_that_went_on_otherwise_is_published(
    topics: Topics, kafka_bootstrap: Broker, migrated_url: str
) -> None:
    log = MemoryEventLog()
    fill(log, accounts=ACCOUNTS[:2])
    otherwise = MemoryEventLog(log_id=log.log_id)
    fill(otherwise, seed=2, accounts=ACCOUNTS)

    class Restorable(MemoryEventLog):
        now: MemoryEventLog = log

        def read_settled(self, *arguments: Any) -> list[StoredEvent]:
            return self.now.read_settled(*arguments)

        def at_position(self, position: int) -> StoredEvent | None:
            return self.now.at_position(position)

    restorable = Restorable(log_id=log.log_id)

    def restore(_progress: RelayProgress) -> None:
        restorable.now = otherwise

    seldom = replace(HURRIED, check_seconds=600)
    stream = EventStream(restorable, topics)
    relay = Relay(stream, restorable, kafka_as(kafka_bootstrap, RELAY), topics, migrated_url, restore, seldom)
    assert otherwise.last_position() > log.last_position()
    with pytest.raises(RelayHalted) as halted:
        relay.run(Event())
    assert halted.value.code == "log_differs"
    assert_events_published_once(kafka_bootstrap, topics, log)


def test_it_halts_rather_than_double_events_when_its_position_is_gone(
    log: PostgresEventLog, topics: Topics, kafka_bootstrap: Broker, migrated_url: str, events_relay: MakeRelay
) -> None:
    fill(log)
    events_relay().run_once()

    class Elsewhere(EventStream):
        number = 5  # type: ignore[misc]  # a partition of the position topic where nothing is

    relay = Relay(
        Elsewhere(log, topics), log, kafka_as(kafka_bootstrap, RELAY), topics, migrated_url, settings=HURRIED
    )
    with pytest.raises(RelayHalted) as halted:
        relay.run_once()
    assert halted.value.code == "position_lost"


def test_it_halts_on_other_partitions_than_it_began_with(
    log: PostgresEventLog, topics: Topics, kafka_bootstrap: Broker, migrated_url: str, events_relay: MakeRelay
) -> None:
    fill(log, accounts=ACCOUNTS[:1])
    events_relay().run_once()
    more = Topics(topics.prefix, partitions=12)
    relay = Relay(
        EventStream(log, more), log, kafka_as(kafka_bootstrap, RELAY), more, migrated_url, settings=HURRIED
    )
    with pytest.raises(RelayHalted) as halted:
        relay.run_once()
    assert halted.value.code == "partitions_changed"


def test_it_says_what_to_do_where_the_database_has_no_leases(
    database_url: str, topics: Topics, kafka_bootstrap: Broker
) -> None:
    migrate(database_url, [EVENTLOG])
    log = MemoryEventLog(log_id=uuid4())
    relay = Relay(
        EventStream(log, topics),
        log,
        kafka_as(kafka_bootstrap, RELAY),
        topics,
        database_url,
        settings=HURRIED,
    )
    with pytest.raises(RelayHalted, match="run `prorata migrate`"):
        relay.run_once()


def insert_as_service(url: str, event: StoredEvent) -> None:
    """What somebody can do who has the password of a process that appends."""
    columns = StoredEvent.__struct_fields__[1:]
    values = [getattr(event, name) for name in columns]
    insert = f"insert into events ({', '.join(columns)}) values ({', '.join(['%s'] * len(columns))})"
    with connect(login(url, SERVICE), "thief") as session:
        session.execute(insert, values)


@pytest.mark.parametrize("of_stream", ["events", "state"])
@pytest.mark.parametrize("forgery", ["fields that do not give the hash", "a hash that follows another one"])
def test_a_forged_row_halts_the_relay_and_nothing_of_it_is_published(
    log: PostgresEventLog,
    topics: Topics,
    kafka_bootstrap: Broker,
    migrated_url: str,
    events_relay: MakeRelay,
    state_relay: MakeRelay,
    forgery: str,
    of_stream: str,
) -> None:
    fill(log, accounts=ACCOUNTS[:2])
    events_relay().run_once()
    state_relay().run_once()
    filled = topics.public
    published = {topic.name: read_records(kafka_bootstrap, topic) for topic in filled}
    last = log.event(ACCOUNTS[0], log.head(ACCOUNTS[0]).version)
    assert last is not None
    forged = structs.replace(
        last, version=last.version + 1, event_id=uuid4(), previous_hash=last.hash, hash=bytes(32)
    )
    if forgery != "fields that do not give the hash":
        forged = structs.replace(forged, previous_hash=bytes(32))
        forged = structs.replace(forged, hash=hash_of(log.log_id, forged))
    insert_as_service(migrated_url, forged)
    relay = {"events": events_relay, "state": state_relay}[of_stream]()
    for _ in range(2):
        with pytest.raises(RelayHalted) as halted:
            relay.run_once()
        assert halted.value.code == "event_forged"
        assert f"account {ACCOUNTS[0]!r}, version {forged.version}" in str(halted.value)
        assert "prorata verify" in str(halted.value)
    assert {topic.name: read_records(kafka_bootstrap, topic) for topic in filled} == published
