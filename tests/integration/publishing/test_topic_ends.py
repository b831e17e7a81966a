"""A topic that does not end where the relay's position says, or a position that is none: nothing is published
over what is missing, and `--mend` sends exactly that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import pytest
from kafka import KafkaProducer
from msgspec.structs import replace

from eventlog.postgres.log import PostgresEventLog
from prorata.roles import RELAY
from publishing.checkpoints import StreamCheckpoint, last_events, read_position
from publishing.clients import CLIENT, Broker, to
from publishing.errors import RelayHalted
from publishing.mending import Mended, mend, take_up
from publishing.producing import ProducerSession
from publishing.relay import run_relay
from publishing.topics import Topic, Topics
from tests.support.publishing.attacker import FAR, Attacker, attacking, strays
from tests.support.publishing.histories import append_all, history_of
from tests.support.publishing.promises import assert_events_published_once, assert_states_equal_folds
from tests.support.publishing.relays import MakeRelay
from tests.support.roles import kafka_as

Mend = Callable[[], Mended]


def fill(log: PostgresEventLog, seed: int = 1) -> None:
    append_all(log, {f"acme/a-{seed}-{nth}": history_of(f"a-{nth}", seed) for nth in range(6)}, seed)


@pytest.fixture
def publish(
    log: PostgresEventLog, kafka_bootstrap: Broker, migrated_url: str, topics: Topics
) -> Callable[[], None]:
    """Publish what is in the log."""

    def publish() -> None:
        run_relay(log, kafka_as(kafka_bootstrap, RELAY), migrated_url, prefix=topics.prefix, once=True)

    return publish


@pytest.fixture
def mended(log: PostgresEventLog, kafka_bootstrap: Broker, migrated_url: str, topics: Topics) -> Mend:
    """What was sent again."""
    return lambda: mend(log, kafka_bootstrap, migrated_url, topics.prefix)


@contextmanager
def open_transaction(bootstrap: Broker, topic: Topic) -> Iterator[None]:
    """Somebody's transaction in every partition: until the block ends, readers of committed records are
    shown nothing that comes behind it."""
    producer = KafkaProducer(**to(bootstrap), transactional_id=topic.name, acks="all", **CLIENT)
    try:
        producer.init_transactions()
        producer.begin_transaction()
        for partition in range(topic.partitions):
            _ = producer.send(topic.name, b"", b"stray", partition=partition)
        producer.flush()
        yield
        producer.abort_transaction()
    finally:
        producer.close(timeout=5)


@pytest.fixture
def attacker(kafka_bootstrap: Broker) -> Iterator[Attacker]:
    """Somebody who may write to the topics."""
    with attacking(kafka_bootstrap) as attacker:
        yield attacker


def say_position(attacker: Attacker, topics: Topics, stream: int, position: StreamCheckpoint) -> None:
    value = msgspec.json.encode(position)
    attacker.send_raw(topics.positions.name, stream, b"events", value, [])


@pytest.mark.parametrize("stream", [0, 1])
@pytest.mark.parametrize("garbage", [b"", b"{", b'{"position":1}', None])
def test_garbage_in_the_position_topic_is_a_halt_that_mending_clears(
    stream: int,
    garbage: bytes | None,
    log: PostgresEventLog,
    topics: Topics,
    kafka_bootstrap: Broker,
    publish: Callable[[], None],
    mended: Mend,
    attacker: Attacker,
) -> None:
    fill(log)
    publish()
    attacker.send_raw(topics.positions.name, stream, b"events", garbage, [])
    with pytest.raises(RelayHalted) as halted:
        publish()
    assert halted.value.code == "position_unreadable"
    assert "prorata relay --mend" in str(halted.value)
    assert mended() == Mended(0, 0, log.last_position())
    fill(log, seed=2)
    publish()
    assert_events_published_once(kafka_bootstrap, topics, log)
    assert_states_equal_folds(kafka_bootstrap, topics, log)


def test_what_a_broker_lost_is_not_published_over_and_mending_sends_it(
    log: PostgresEventLog,
    topics: Topics,
    kafka_bootstrap: Broker,
    publish: Callable[[], None],
    mended: Mend,
    attacker: Attacker,
) -> None:
    """As after a crash that took the end of the events topic, and left the position."""
    fill(log)
    publish()
    known = read_position(kafka_bootstrap, topics, 0)
    assert known is not None
    fill(log, seed=2)
    event = log.at_position(log.last_position())
    assert event is not None
    last = list(known.last)
    for stored in log.read_settled(known.position, 10_000):
        last[topics.events.partition_of(stored.account_id)] = stored.position
    lost = replace(known, position=event.position, hash=event.hash.hex(), last=tuple(last))
    say_position(attacker, topics, 0, lost)
    with pytest.raises(RelayHalted) as halted:
        publish()
    assert halted.value.code == "topic_shortened"
    assert "prorata relay --mend" in str(halted.value)
    done = mended()
    assert done.events == event.position - known.position
    publish()
    assert_events_published_once(kafka_bootstrap, topics, log)
    assert_states_equal_folds(kafka_bootstrap, topics, log)


def test_a_position_that_lost_its_own_end_doubles_nothing(
    log: PostgresEventLog,
    topics: Topics,
    kafka_bootstrap: Broker,
    publish: Callable[[], None],
    mended: Mend,
    attacker: Attacker,
) -> None:
    fill(log)
    publish()
    older = read_position(kafka_bootstrap, topics, 0)
    assert older is not None
    fill(log, seed=2)
    publish()
    say_position(attacker, topics, 0, replace(older, ends={}))
    with pytest.raises(RelayHalted) as halted:
        publish()
    assert halted.value.code == "topic_shortened"
    assert mended().events == 0
    fill(log, seed=3)
    publish()
    assert_events_published_once(kafka_bootstrap, topics, log)


def test_what_is_committed_but_not_shown_yet_is_not_sent_again(
    log: PostgresEventLog,
    topics: Topics,
    kafka_bootstrap: Broker,
    migrated_url: str,
    publish: Callable[[], None],
    mended: Mend,
) -> None:
    """As after a crash that took the marker of a committed transaction: readers stop before its events."""
    fill(log)
    publish()
    with open_transaction(kafka_bootstrap, topics.events):
        fill(log, seed=2)
        publish()
        shown = last_events(kafka_bootstrap, topics.events, lambda _: True)
        assert max(shown) < log.last_position()
        assert mended() == Mended(0, 0, log.last_position())
        take_up(log, kafka_bootstrap, migrated_url, log.last_position(), topics.prefix)
        publish()
    fill(log, seed=3)
    publish()
    assert_events_published_once(kafka_bootstrap, topics, log)


def test_what_is_neither_shown_nor_held_is_sent_and_nothing_else(
    log: PostgresEventLog,
    topics: Topics,
    kafka_bootstrap: Broker,
    publish: Callable[[], None],
    mended: Mend,
    attacker: Attacker,
) -> None:
    fill(log)
    publish()
    with open_transaction(kafka_bootstrap, topics.events):
        fill(log, seed=2)
        publish()
        known = read_position(kafka_bootstrap, topics, 0)
        assert known is not None
        append_all(log, {"acme/a-3-0": history_of("a-0", 3)}, 3)
        event = log.at_position(log.last_position())
        assert event is not None
        last = list(known.last)
        last[topics.events.partition_of(event.account_id)] = event.position
        lost = replace(known, position=event.position, hash=event.hash.hex(), last=tuple(last))
        say_position(attacker, topics, 0, lost)
        with pytest.raises(RelayHalted) as halted:
            publish()
        assert halted.value.code == "topic_shortened"
        assert mended().events == event.position - known.position
    publish()
    assert_events_published_once(kafka_bootstrap, topics, log)


def test_a_forged_position_beyond_the_log_is_mended(
    log: PostgresEventLog,
    topics: Topics,
    kafka_bootstrap: Broker,
    publish: Callable[[], None],
    mended: Mend,
    attacker: Attacker,
) -> None:
    fill(log)
    publish()
    known = read_position(kafka_bootstrap, topics, 0)
    assert known is not None
    say_position(attacker, topics, 0, replace(known, position=FAR))
    with pytest.raises(RelayHalted, match="--mend"):
        publish()
    mended()
    publish()
    assert_events_published_once(kafka_bootstrap, topics, log)


def test_strays_behind_the_last_event_do_not_hide_it(
    log: PostgresEventLog,
    topics: Topics,
    publish: Callable[[], None],
    attacker: Attacker,
) -> None:
    fill(log)
    publish()
    for key, value, headers in strays(topics.events, "acme/a-1-1", log.log_id).values():
        attacker.send_raw(topics.events.name, 0, key, value, headers)
    publish()


def test_a_running_relay_notices_before_it_commits_that_a_topic_has_become_shorter(
    log: PostgresEventLog, topics: Topics, kafka_bootstrap: Broker, events_relay: MakeRelay
) -> None:
    """As where the broker lost what it had acknowledged while the relay waited for events."""

    fill(log)
    events_relay().run_once()
    before = read_position(kafka_bootstrap, topics, 0)

    class Expecting(ProducerSession):
        def expect(self, ends: object) -> None:
            super().expect({topics.events.name: [FAR] * topics.partitions})

    fill(log, seed=2)
    with pytest.raises(RelayHalted) as halted:
        events_relay(Expecting).run_once()
    assert halted.value.code == "topic_shortened"
    assert read_position(kafka_bootstrap, topics, 0) == before
