"""A log, its topics, a publisher and a consumer's database, which is the log's own here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

import consumers
import publishing
from consumers.checkpoints import Connection
from consumers.finance_ledger.handler import FinanceLedger
from consumers.handler import Handler
from consumers.runtime import Consumer
from domain.commands import PurchaseAddon, PurchasePlan
from eventlog.migration_source import MigrationSource
from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import EVENTLOG
from prorata.roles import CONSUMER, RELAY, SERVICE
from publishing.clients import Broker
from publishing.relay import run_relay
from publishing.topics import Topics, ensure_topics
from tests.support.consumers.tally import TALLY_TABLE
from tests.support.projections.fold_driver import ACCOUNT, Billing
from tests.support.roles import kafka_as, login, migrated


@pytest.fixture
def consumer_url(database_url: str) -> str:
    """A database with all the tables, and that of the consumer of these tests."""
    sources = [MigrationSource(name, folder) for name, folder in consumers.MIGRATIONS]
    migrated(database_url, [EVENTLOG, publishing.MIGRATIONS, *sources])
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(TALLY_TABLE)
        connection.execute(f"grant select, insert on tally to {CONSUMER}")
        connection.execute(f"grant usage on sequence tally_nth_seq to {CONSUMER}")
    return database_url


@pytest.fixture
def connection(consumer_url: str) -> Iterator[Connection]:
    """A session at the consumer's database."""
    with psycopg.connect(consumer_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def log(consumer_url: str) -> Iterator[PostgresEventLog]:
    """The log, empty."""
    log = PostgresEventLog(login(consumer_url, SERVICE))
    yield log
    log.close()


@pytest.fixture
def billing(log: PostgresEventLog) -> Billing:
    """Gives commands to its accounts."""
    return Billing(log)


@pytest.fixture
def topics(kafka_bootstrap: Broker, topic_prefix: str) -> Topics:
    """The topics, empty."""
    return ensure_topics(kafka_bootstrap, topic_prefix)


@pytest.fixture
def publish(
    log: PostgresEventLog, kafka_bootstrap: Broker, consumer_url: str, topics: Topics
) -> Callable[[], None]:
    """Publish what is in the log."""

    def publish() -> None:
        run_relay(
            log, kafka_as(kafka_bootstrap, RELAY), login(consumer_url, RELAY), prefix=topics.prefix, once=True
        )

    return publish


@pytest.fixture
def take_in(consumer_url: str, kafka_bootstrap: Broker, topics: Topics) -> Callable[[Handler], None]:
    """Let a handler's consumer take in what is published."""

    def take_in(handler: Handler) -> None:
        Consumer(
            handler, login(consumer_url, CONSUMER), kafka_as(kafka_bootstrap, CONSUMER), prefix=topics.prefix
        ).run_once()

    return take_in


@pytest.fixture
def with_domain(billing: Billing) -> Billing:
    """The product page's account: a plan that renews on the 20th, and a domain bought on 5 April."""
    billing.open(ACCOUNT, "2026-03-20", clock="wall")
    billing.give(ACCOUNT, PurchasePlan("standard"), "2026-03-20")
    billing.give(ACCOUNT, PurchaseAddon("custom_domain"), "2026-04-05T12:00")
    return billing


@pytest.fixture
def refresh(publish: Callable[[], None], take_in: Callable[[Handler], None]) -> Callable[[], None]:
    """Publish, and let the finance ledger take it in."""

    def refresh() -> None:
        publish()
        take_in(FinanceLedger())

    return refresh


@pytest.fixture
def with_a_test_account(with_domain: Billing) -> Billing:
    """Beside the account on the wall clock one on a test clock, of another tenant, that pays too."""
    with_domain.open("zeta/t-1", "2026-03-20", clock="test")
    with_domain.give("zeta/t-1", PurchasePlan("premium"), "2026-03-20")
    return with_domain
