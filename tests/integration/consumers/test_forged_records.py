"""Who can write to the topics neither opens a product, nor stops a consumer, nor stays unseen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from consumers.audit_archive.archiver import Archiver
from consumers.checkpoints import refused
from consumers.effects import release
from consumers.entitlement_cache import EntitlementCache, Permission, may_use
from consumers.finance_ledger.handler import FinanceLedger
from consumers.handler import Handler
from consumers.replay import Replay
from domain.calendar import parse_moment
from eventlog.postgres.connect import Connection
from eventlog.postgres.log import PostgresEventLog
from prorata.roles import CONSUMER
from publishing.clients import Broker
from publishing.mending import refresh
from publishing.topics import Topics
from tests.support.projections.fold_driver import ACCOUNT, ZONE, Billing
from tests.support.publishing.attacker import (
    FAR,
    Attacker,
    attacking,
    forged_heartbeat,
    forged_windows,
    strays,
)
from tests.support.roles import kafka_as

BOOKS: Final = "select account_id, number, total, status from {}.invoices order by 1, 2"
WINDOWS: Final = "select account_id, product, begins_at, ends_at from {}.windows order by 1, 2, 3"


@pytest.fixture
def attacker(kafka_bootstrap: Broker) -> Iterator[Attacker]:
    """Somebody who may write to the topics."""
    with attacking(kafka_bootstrap) as attacker:
        yield attacker


@pytest.fixture
def asked(connection: Connection, topics: Topics) -> Callable[[str], Permission]:
    """Whether the account may use the product on 10 April."""

    def asked(product: str) -> Permission:
        at = parse_moment("2026-04-10", ZONE)
        return may_use(connection, ACCOUNT, product, at, prefix=topics.prefix)

    return asked


def refusals(connection: Connection, consumer: str) -> int:
    return sum(found.records for found in refused(connection) if found.consumer == consumer)


def test_a_forged_state_of_the_far_future_opens_nothing_and_the_next_genuine_one_is_taken_in(
    with_domain: Billing,
    publish: Callable[[], None],
    take_in: Callable[[Handler], None],
    asked: Callable[[str], Permission],
    attacker: Attacker,
    topics: Topics,
    log: PostgresEventLog,
    connection: Connection,
) -> None:
    publish()
    attacker.send(forged_windows(topics.access_windows, log.log_id, ACCOUNT, FAR, "surveys"))
    take_in(EntitlementCache())
    assert (asked("surveys").usable, asked("custom_domain").usable) == ("no", "yes")
    with_domain.settle(ACCOUNT, "2026-04-21")
    publish()
    publish()
    take_in(EntitlementCache())
    assert (asked("surveys").usable, refusals(connection, "entitlement_cache")) == ("no", 1)
    assert asked("custom_domain").until == parse_moment("2026-05-20", ZONE)


def test_a_forged_heartbeat_calls_nothing_fresh_and_the_next_genuine_ones_count(
    with_domain: Billing,
    publish: Callable[[], None],
    take_in: Callable[[Handler], None],
    asked: Callable[[str], Permission],
    attacker: Attacker,
    topics: Topics,
    log: PostgresEventLog,
    connection: Connection,
) -> None:
    publish()
    take_in(EntitlementCache())
    topic = topics.access_windows
    later = datetime.now(UTC) + timedelta(days=3650)
    attacker.send(forged_heartbeat(topic, log.log_id, topic.partition_of(ACCOUNT), FAR, later))
    take_in(EntitlementCache())
    assert asked("custom_domain").usable == "unknown"
    publish()
    publish()
    take_in(EntitlementCache())
    assert asked("custom_domain").usable == "yes"
    assert refusals(connection, "entitlement_cache") == 1


def test_a_refresh_replaces_a_forged_state_that_nobody_could_tell_from_a_genuine_one(
    with_domain: Billing,
    publish: Callable[[], None],
    take_in: Callable[[Handler], None],
    asked: Callable[[str], Permission],
    attacker: Attacker,
    topics: Topics,
    log: PostgresEventLog,
    kafka_bootstrap: Broker,
    consumer_url: str,
) -> None:
    publish()
    topic = topics.access_windows
    with_domain.open("acme/a-2", "2026-04-01")  # so that a position of no event of the account is published
    publish()
    attacker.send(forged_windows(topic, log.log_id, ACCOUNT, log.last_position(), "surveys"))
    publish()
    take_in(EntitlementCache())
    assert asked("surveys").usable == "yes"  # its account, revision and fold are what they may be
    assert refresh(log, kafka_bootstrap, consumer_url, topic.base, topics.prefix) == 1
    publish()
    take_in(EntitlementCache())
    assert (asked("surveys").usable, asked("custom_domain").usable) == ("no", "yes")


def test_a_refresh_and_a_release_clear_a_forged_state_that_no_handler_can_read(
    with_domain: Billing,
    publish: Callable[[], None],
    take_in: Callable[[Handler], None],
    asked: Callable[[str], Permission],
    attacker: Attacker,
    topics: Topics,
    log: PostgresEventLog,
    kafka_bootstrap: Broker,
    consumer_url: str,
    connection: Connection,
) -> None:
    publish()
    topic = topics.access_windows
    at = log.last_position()
    attacker.send(forged_windows(topic, log.log_id, ACCOUNT, at, "surveys", whole=False))
    publish()
    take_in(EntitlementCache())
    assert (asked("surveys").usable, asked("custom_domain").usable) == ("unknown", "unknown")
    refresh(log, kafka_bootstrap, consumer_url, topic.base, topics.prefix)
    publish()
    take_in(EntitlementCache())
    release(connection, EntitlementCache(), topic, ACCOUNT.encode())
    assert (asked("surveys").usable, asked("custom_domain").usable) == ("no", "yes")


@pytest.mark.parametrize("handler", [EntitlementCache, FinanceLedger])
def test_strays_of_every_kind_stop_no_consumer_and_change_nothing(
    handler: type[EntitlementCache | FinanceLedger],
    with_domain: Billing,
    publish: Callable[[], None],
    take_in: Callable[[Handler], None],
    attacker: Attacker,
    topics: Topics,
    log: PostgresEventLog,
    kafka_bootstrap: Broker,
    consumer_url: str,
    connection: Connection,
) -> None:
    topic = topics.find(handler.topics[0])
    sent = strays(topic, ACCOUNT, log.log_id)
    for key, value, headers in sent.values():
        attacker.send_raw(topic.name, topic.partition_of(ACCOUNT), key, value, headers)
    publish()
    for key, value, headers in sent.values():
        attacker.send_raw(topic.name, topic.partition_of(ACCOUNT), key, value, headers)
    with_domain.settle(ACCOUNT, "2026-04-21")
    publish()
    publish()
    take_in(handler())
    assert refusals(connection, handler.name) == 2 * len(sent)
    table = BOOKS if handler is FinanceLedger else WINDOWS
    rows = connection.execute(table.format(handler.name)).fetchall()
    assert connection.execute("select key, error from consumers.dead_letters").fetchall() == []
    assert len(rows) >= 2
    replay = Replay(handler(), consumer_url, kafka_bootstrap, prefix=topics.prefix)
    replay.run()
    assert connection.execute(table.format(f"{handler.name}_next")).fetchall() == rows
    replay.swap()


def test_strays_stop_no_archive(
    with_domain: Billing,
    publish: Callable[[], None],
    attacker: Attacker,
    topics: Topics,
    log: PostgresEventLog,
    kafka_bootstrap: Broker,
    tmp_path: Path,
) -> None:
    topic = topics.events
    publish()
    for key, value, headers in strays(topic, ACCOUNT, log.log_id).values():
        attacker.send_raw(topic.name, topic.partition_of(ACCOUNT), key, value, headers)
    with_domain.settle(ACCOUNT, "2026-04-21")
    publish()
    Archiver(tmp_path, kafka_as(kafka_bootstrap, CONSUMER), prefix=topics.prefix).run_once()
