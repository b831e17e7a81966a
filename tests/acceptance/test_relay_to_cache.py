"""From a purchase to an answer: log, relay and entitlement cache at work together, each in its own loop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import psycopg

import consumers
import publishing
from consumers.checkpoints import Connection
from consumers.entitlement_cache import EntitlementCache, may_use
from consumers.runtime import Consumer
from domain.calendar import parse_moment
from domain.commands import PurchaseAddon, PurchasePlan, RemoveAddon
from eventlog.migration_source import MigrationSource
from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import EVENTLOG
from publishing.clients import Broker
from publishing.relay import run_relay
from publishing.topics import Topics, ensure_topics
from tests.support.eventlog.sessions import until
from tests.support.projections.fold_driver import ZONE, Billing
from tests.support.roles import migrated

ACCOUNT = "acme/a-1"


@contextmanager
def running(log: PostgresEventLog, database_url: str, bootstrap: Broker, topics: Topics) -> Iterator[None]:
    """The relay and the cache's consumer, until the block ends."""
    stop, failures = Event(), []

    def relay() -> None:
        try:
            run_relay(log, bootstrap, database_url, prefix=topics.prefix, stop=stop)
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failures.append(error)

    def consume() -> None:
        try:
            Consumer(EntitlementCache(), database_url, bootstrap, prefix=topics.prefix).run(stop)
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [Thread(target=relay), Thread(target=consume)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []


def test_a_purchase_can_be_used_and_a_removal_ends_with_its_cycle(
    database_url: str, kafka_bootstrap: Broker, topic_prefix: str
) -> None:
    sources = [MigrationSource(name, folder) for name, folder in consumers.MIGRATIONS]
    migrated(database_url, [EVENTLOG, publishing.MIGRATIONS, *sources])
    log = PostgresEventLog(database_url)
    topics = ensure_topics(kafka_bootstrap, topic_prefix)
    billing = Billing(log)
    with (
        psycopg.connect(database_url, autocommit=True) as connection,
        running(log, database_url, kafka_bootstrap, topics),
    ):
        until(lambda: answer(connection, "2026-04-10", topics) == ("no", False))
        billing.open(ACCOUNT, "2026-03-20")
        billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
        billing.give(ACCOUNT, PurchaseAddon("custom_domain"), "2026-04-05")
        until(lambda: answer(connection, "2026-04-10", topics) == ("yes", True))
        billing.give(ACCOUNT, RemoveAddon("custom_domain"), "2026-04-11")
        until(lambda: answer(connection, "2026-04-19T23:59", topics) == ("yes", False))
        assert answer(connection, "2026-04-20", topics) == ("no", False)
    log.close()


def answer(connection: Connection, at: str, topics: Topics) -> tuple[str, bool]:
    """Whether the domain may be used, and whether it renews."""
    now = parse_moment(at, ZONE)
    found = may_use(connection, ACCOUNT, "custom_domain", now, prefix=topics.prefix)
    return found.usable, found.renews
