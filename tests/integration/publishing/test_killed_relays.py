"""Relays that are killed, stopped or doubled while events are appended: nothing is lost, nothing twice."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest

from eventlog.postgres.log import PostgresEventLog
from prorata.roles import RELAY
from publishing.clients import Broker
from publishing.relay import run_relay
from publishing.topics import Topics, ensure_topics
from scripts.servers.kafka import KafkaBroker
from tests.support.publishing.histories import append_next, history_of
from tests.support.publishing.promises import assert_events_published_once, assert_states_equal_folds
from tests.support.publishing.relay_process import (
    POINTS,
    Fate,
    RelayProcess,
    SupervisedRelay,
    first_to_publish,
)
from tests.support.roles import kafka_as

SEED = 20260405


@contextmanager
def appending(database_url: str, seed: int, accounts: int) -> Iterator[None]:
    """Append the events of accounts, mixed, in a thread while the block runs, and after it all the others."""
    histories = {f"acme/a-{nth}": history_of(f"acme/a-{nth}", seed) for nth in range(accounts)}
    stop, log, rnd = Event(), PostgresEventLog(database_url), random.Random(seed)

    def work() -> None:
        open_ones = sorted(histories)
        while open_ones and not stop.wait(rnd.uniform(0, 0.02)):
            account_id = rnd.choice(open_ones)
            if not append_next(log, account_id, histories[account_id], rnd.randint(1, 5)):
                open_ones.remove(account_id)

    thread = Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        for account_id, history in histories.items():
            append_next(log, account_id, history, len(history))
        log.close()


@pytest.mark.timeout(300)
def test_relays_killed_24_times_publish_every_event_once(
    migrated_url: str, log: PostgresEventLog, topics: Topics, kafka_bootstrap: Broker
) -> None:
    print("seed", SEED)
    rnd = random.Random(SEED)
    fates: list[Fate | float] = [
        Fate(where, rnd.randint(2, 6), signal.SIGKILL) for where in (*POINTS, *rnd.choices(POINTS, k=7))
    ]
    fates += [rnd.uniform(0, 0.25) for _ in range(12)]
    rnd.shuffle(fates)
    with appending(migrated_url, SEED, accounts=120):
        for fate in fates:
            own = fate if isinstance(fate, Fate) else None
            with RelayProcess(migrated_url, kafka_bootstrap, topics.prefix, own) as relay:
                if isinstance(fate, float):
                    next(relay.transactions())
                    time.sleep(fate)  # the random moment itself
                    relay.signal(signal.SIGKILL)
                assert relay.wait() == -signal.SIGKILL, fate
    run_relay(log, kafka_as(kafka_bootstrap, RELAY), migrated_url, prefix=topics.prefix, once=True)
    assert assert_events_published_once(kafka_bootstrap, topics, log) > 1_000
    assert_states_equal_folds(kafka_bootstrap, topics, log)


@pytest.mark.parametrize("where", ["half sent", "all sent"])
def test_a_relay_that_wakes_up_after_another_took_over_doubles_nothing(
    where: str, migrated_url: str, log: PostgresEventLog, topics: Topics, kafka_bootstrap: Broker
) -> None:
    with appending(migrated_url, SEED, accounts=40):
        fate = Fate(where, 5, signal.SIGSTOP)
        with RelayProcess(migrated_url, kafka_bootstrap, topics.prefix, fate) as zombie:
            assert any(progress.stream == "fate" for progress in zombie.transactions())
            run_relay(log, kafka_as(kafka_bootstrap, RELAY), migrated_url, prefix=topics.prefix, once=True)
            zombie.signal(signal.SIGCONT)
            append_next(log, "acme/last", history_of("acme/last", SEED), 1)
            zombie.published(log.last_position())
            assert zombie.end() == 0
    run_relay(log, kafka_as(kafka_bootstrap, RELAY), migrated_url, prefix=topics.prefix, once=True)
    assert_events_published_once(kafka_bootstrap, topics, log)
    assert_states_equal_folds(kafka_bootstrap, topics, log)


def test_of_two_relays_started_together_one_works_and_the_other_takes_over(
    migrated_url: str, log: PostgresEventLog, topics: Topics, kafka_bootstrap: Broker
) -> None:
    address = migrated_url, kafka_bootstrap, topics.prefix
    with RelayProcess(*address) as one, RelayProcess(*address) as other:
        with appending(migrated_url, SEED, accounts=40):
            killed = first_to_publish(one, other)
            killed.signal(signal.SIGKILL)
        left = other if killed is one else one
        left.published(log.last_position())
        assert left.end() == 0
    assert_events_published_once(kafka_bootstrap, topics, log)
    assert_states_equal_folds(kafka_bootstrap, topics, log)


def test_a_broker_that_is_killed_and_started_again_costs_time_alone(
    migrated_url: str, log: PostgresEventLog, own_kafka: KafkaBroker
) -> None:
    topics = ensure_topics(own_kafka.bootstrap)
    with SupervisedRelay(migrated_url, own_kafka.bootstrap) as relay:
        with appending(migrated_url, SEED, accounts=40):
            for _ in range(2):
                next(relay.transactions())
                own_kafka.restart(hard=True)
        relay.published(log.last_position())
        assert relay.end() == 0
    assert_events_published_once(own_kafka.bootstrap, topics, log)
    assert_states_equal_folds(own_kafka.bootstrap, topics, log)
