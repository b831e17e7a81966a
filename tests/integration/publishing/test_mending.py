"""What an operator can do to a stream by hand, and what it refuses: nothing is doubled or left out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import closing

import pytest
from kafka import KafkaAdminClient
from kafka.errors import UnknownTopicOrPartitionError
from msgspec.structs import replace

from eventlog.postgres.log import PostgresEventLog
from projections.models import entitlements, invoices
from prorata.roles import RELAY
from publishing.clients import Broker, to
from publishing.errors import RelayHalted
from publishing.mending import refresh, take_up
from publishing.relay import run_relay
from publishing.streams import StateStream
from publishing.topics import Topic, Topics, ensure_topics
from tests.support.publishing.histories import append_all, history_of
from tests.support.publishing.promises import FOLDS, assert_events_published_once
from tests.support.publishing.readers import read_records, read_states
from tests.support.publishing.relays import MakeRelay
from tests.support.roles import kafka_as

Refresh = Callable[[str], int]


def fill(log: PostgresEventLog, seed: int = 1) -> None:
    append_all(log, {f"acme/a-{seed}-{nth}": history_of(f"a-{nth}", seed) for nth in range(6)}, seed)


def recreate(bootstrap: Broker, topic: Topic, topics: Topics) -> None:
    """Delete the topic, and make it anew as soon as the broker has forgotten it."""
    with closing(KafkaAdminClient(**to(bootstrap))) as admin:
        admin.delete_topics([topic.name])
        while topic.name in admin.list_topics():
            pass
    while True:
        try:
            ensure_topics(bootstrap, topics.prefix)
        except UnknownTopicOrPartitionError:
            continue
        return


@pytest.fixture
def publish(
    log: PostgresEventLog, kafka_bootstrap: Broker, migrated_url: str, topics: Topics
) -> Callable[[], None]:
    """Publish what is in the log."""

    def publish() -> None:
        run_relay(log, kafka_as(kafka_bootstrap, RELAY), migrated_url, prefix=topics.prefix, once=True)

    return publish


@pytest.fixture
def refreshed(log: PostgresEventLog, kafka_bootstrap: Broker, migrated_url: str, topics: Topics) -> Refresh:
    """How many states of a topic were sent anew."""

    def refreshed(topic: str) -> int:
        return refresh(log, kafka_bootstrap, migrated_url, topic, topics.prefix)

    return refreshed


def test_a_topic_that_was_made_anew_halts_and_is_published_from_the_beginning_when_told_so(
    log: PostgresEventLog,
    topics: Topics,
    kafka_bootstrap: Broker,
    migrated_url: str,
    events_relay: MakeRelay,
) -> None:
    fill(log)
    events_relay().run_once()
    before = [record.value for record in read_records(kafka_bootstrap, topics.events) if record.key[0]]
    recreate(kafka_bootstrap, topics.events, topics)
    with pytest.raises(RelayHalted) as halted:
        events_relay().run_once()
    assert halted.value.code == "topic_recreated"
    assert "prorata relay --from 0" in str(halted.value)
    take_up(log, kafka_bootstrap, migrated_url, 0, topics.prefix)
    events_relay().run_once()
    after = [record.value for record in read_records(kafka_bootstrap, topics.events) if record.key[0]]
    assert sorted(after) == sorted(before)


def test_a_position_that_is_not_the_topics_end_is_refused(
    log: PostgresEventLog, topics: Topics, kafka_bootstrap: Broker, migrated_url: str, events_relay: MakeRelay
) -> None:
    fill(log)
    events_relay().run_once()
    end = log.last_position()
    for wrong in (0, end - 1):
        with pytest.raises(RelayHalted) as halted:
            take_up(log, kafka_bootstrap, migrated_url, wrong, topics.prefix)
        assert halted.value.code == "position_wrong"
    take_up(log, kafka_bootstrap, migrated_url, end, topics.prefix)
    fill(log, seed=2)
    events_relay().run_once()
    assert_events_published_once(kafka_bootstrap, topics, log)


def test_a_refresh_of_a_topic_that_is_right_sends_nothing(
    log: PostgresEventLog, publish: Callable[[], None], refreshed: Refresh, topics: Topics
) -> None:
    fill(log)
    publish()
    assert {topic.base: refreshed(topic.base) for topic in topics.public[1:]} == dict.fromkeys(FOLDS, 0)


def test_a_corrected_fold_reaches_accounts_in_which_nothing_happens(
    log: PostgresEventLog,
    publish: Callable[[], None],
    refreshed: Refresh,
    topics: Topics,
    kafka_bootstrap: Broker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill(log)
    publish()
    fold = invoices.FOLD
    corrected = dataclasses.replace(
        fold,
        version=fold.version + 1,
        read=lambda at, version: tuple(replace(d, currency="CHF") for d in fold.read(at, version)),
    )
    states = read_states(kafka_bootstrap, topics.invoices)
    with monkeypatch.context() as patched:
        patched.setattr(invoices, "FOLD", corrected)
        assert refreshed(topics.invoices.base) == len(states)
        assert refreshed(topics.invoices.base) == 0
    now = read_states(kafka_bootstrap, topics.invoices)
    assert {key: state.revision for key, state in now.items()} == {
        key: state.revision for key, state in states.items()
    }
    assert all(b'"CHF"' in state.value and state.fold == corrected.version for state in now.values())
    with pytest.raises(RelayHalted) as halted:
        refreshed(topics.invoices.base)
    assert halted.value.code == "fold_outdated"


def test_only_state_topics_are_refreshed(refreshed: Refresh, topics: Topics) -> None:
    with pytest.raises(KeyError):
        refreshed(topics.events.base)


def test_states_that_were_lost_are_sent_again(
    log: PostgresEventLog,
    publish: Callable[[], None],
    refreshed: Refresh,
    topics: Topics,
    kafka_bootstrap: Broker,
    migrated_url: str,
) -> None:
    fill(log)
    publish()
    recreate(kafka_bootstrap, topics.entitlements, topics)
    with pytest.raises(RelayHalted):
        publish()
    take_up(log, kafka_bootstrap, migrated_url, log.last_position(), topics.prefix)
    publish()
    assert len(read_states(kafka_bootstrap, topics.entitlements)) == 6
    assert StateStream(log, topics).folds[topics.entitlements.base] == entitlements.FOLD.version
