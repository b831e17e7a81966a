"""A replay fills empty tables beside the live ones, and takes their place while everything goes on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from threading import Event, Thread

import pytest

from consumers.checkpoints import Connection, hearing
from consumers.entitlement_cache import EntitlementCache
from consumers.errors import ReplayRefused
from consumers.finance_ledger.closing import close
from consumers.finance_ledger.handler import FinanceLedger
from consumers.handler import Handler
from consumers.leftovers import leftovers
from consumers.replay import Replay
from consumers.runtime import Consumer
from eventlog.postgres.log import PostgresEventLog
from prorata.roles import CONSUMER, OWNER
from publishing.clients import Broker
from publishing.topics import Topics
from tests.support.eventlog.sessions import until
from tests.support.publishing.histories import append_all, history_of
from tests.support.roles import kafka_as

WINDOWS = "select account_id, product, begins_at, ends_at, renews from {}.windows order by 1, 2, 3"
OFFSETS = "select sum(next_offset) from consumers.partitions where consumer = %s"


@pytest.fixture
def published(log: PostgresEventLog, publish: Callable[[], None]) -> Callable[[int], None]:
    """Publishes the events of five more accounts."""

    def published(seed: int) -> None:
        append_all(log, {f"acme/a-{seed}-{nth}": history_of(f"a-{nth}", seed) for nth in range(5)}, seed)
        publish()

    return published


@pytest.fixture
def replay(consumer_url: str, kafka_bootstrap: Broker, topics: Topics) -> Callable[[Handler], Replay]:
    """Makes replays of the tests' topics."""

    def replay(handler: Handler) -> Replay:
        return Replay(handler, consumer_url, kafka_as(kafka_bootstrap, OWNER), prefix=topics.prefix)

    return replay


def test_the_replayed_tables_take_the_live_ones_place(
    published: Callable[[int], None],
    replay: Callable[[Handler], Replay],
    take_in: Callable[[Handler], None],
    connection: Connection,
) -> None:
    published(1)
    take_in(EntitlementCache())
    right = connection.execute(WINDOWS.format("entitlement_cache")).fetchall()
    connection.execute("delete from entitlement_cache.windows where account_id = 'acme/a-1-0'")
    replaying = replay(EntitlementCache())
    replaying.run()
    replaying.swap()
    assert connection.execute(WINDOWS.format("entitlement_cache")).fetchall() == right
    assert len(connection.execute(WINDOWS.format("entitlement_cache_before")).fetchall()) < len(right)
    published(2)
    take_in(EntitlementCache())
    assert len(connection.execute(WINDOWS.format("entitlement_cache")).fetchall()) > len(right)


def test_a_replay_that_is_behind_is_refused_and_changes_nothing(
    published: Callable[[int], None],
    replay: Callable[[Handler], Replay],
    take_in: Callable[[Handler], None],
) -> None:
    published(1)
    replaying = replay(EntitlementCache())
    replaying.run()
    published(2)
    take_in(EntitlementCache())
    with pytest.raises(ReplayRefused) as refused:
        replaying.swap()
    assert refused.value.code == "replay_behind"
    replaying.run()
    replaying.swap()


def test_closed_months_are_not_replaced(
    published: Callable[[int], None],
    replay: Callable[[Handler], Replay],
    take_in: Callable[[Handler], None],
    topics: Topics,
    connection: Connection,
) -> None:
    published(1)
    take_in(FinanceLedger())
    replaying = replay(FinanceLedger())
    replaying.run()
    close(connection, date(2026, 1, 1), prefix=topics.prefix)
    with pytest.raises(ReplayRefused) as refused:
        replaying.swap()
    assert refused.value.code == "replay_lacks"
    replaying.forget()
    assert connection.execute("select to_regnamespace('finance_ledger_next')").fetchall() == [(None,)]


def test_what_replays_left_is_no_consumer_and_is_discarded(
    published: Callable[[int], None],
    replay: Callable[[Handler], Replay],
    take_in: Callable[[Handler], None],
    connection: Connection,
) -> None:
    published(1)
    take_in(EntitlementCache())
    replaying = replay(EntitlementCache())
    replaying.run()
    replaying.swap()
    replaying.run()
    found = [(left.name, left.unfinished, left.running) for left in leftovers(connection)]
    assert found == [("entitlement_cache_before", False, False), ("entitlement_cache_next", True, False)]
    assert replaying.discard() == ["entitlement_cache_before", "entitlement_cache_next"]
    assert [heard.consumer for heard in hearing(connection)] == ["entitlement_cache"]
    assert leftovers(connection) == []
    assert replaying.discard() == []


def test_a_replay_that_runs_is_not_discarded(
    published: Callable[[int], None], replay: Callable[[Handler], Replay], connection: Connection
) -> None:
    published(1)
    replaying = replay(EntitlementCache())
    replaying.run()
    connection.execute(
        "update consumers.partitions set claimed_until = clock_timestamp() + interval '1 minute' "
        "where consumer = 'entitlement_cache_next'"
    )
    with pytest.raises(ReplayRefused) as refused:
        replaying.discard()
    assert refused.value.code == "replay_running"


def test_a_running_consumer_goes_on_in_the_new_tables(
    published: Callable[[int], None],
    replay: Callable[[Handler], Replay],
    consumer_url: str,
    kafka_bootstrap: Broker,
    topics: Topics,
    connection: Connection,
) -> None:
    published(1)
    stop = Event()
    live = Consumer(
        EntitlementCache(),
        consumer_url,
        kafka_as(kafka_bootstrap, CONSUMER),
        prefix=topics.prefix,
        claim_seconds=1.0,
    )
    thread = Thread(target=live.run, args=[stop])
    thread.start()
    try:
        until(lambda: bool(connection.execute(OFFSETS, ["entitlement_cache"]).fetchall()[0][0]))
        replaying = replay(EntitlementCache())

        def swapped() -> bool:
            replaying.run()
            try:
                replaying.swap()
            except ReplayRefused:
                return False
            return True

        until(swapped)
        published(2)
        later = "select from entitlement_cache.windows where account_id like 'acme/a-2-%'"
        until(lambda: bool(connection.execute(later).fetchall()))
    finally:
        stop.set()
        thread.join()
