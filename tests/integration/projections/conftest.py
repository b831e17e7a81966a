"""A migrated database with a log, and accounts on it."""

from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest

from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import EVENTLOG, migrate
from projections import MIGRATIONS
from projections.live.projector import Projector
from projections.tables import Connection
from tests.support.projections.fold_driver import Billing

_MADE_BY_ANOTHER_TEST = psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation


@pytest.fixture
def owner_url(database_url: str) -> str:
    """The migrated database, for who may change its tables."""
    migrate(database_url, [EVENTLOG, MIGRATIONS])
    return database_url


@pytest.fixture
def service_url(owner_url: str) -> str:
    """The same database for Prorata's processes, by a role that logs in and has their rights."""
    with psycopg.connect(owner_url, autocommit=True) as connection, suppress(*_MADE_BY_ANOTHER_TEST):
        connection.execute("create role a_service login in role prorata_service")
    server = owner_url.partition("@")[2]
    return f"postgresql://a_service@{server}"


@pytest.fixture
def log(service_url: str) -> Iterator[PostgresEventLog]:
    """The log in it, empty."""
    log = PostgresEventLog(service_url)
    yield log
    log.close()


@pytest.fixture
def billing(log: PostgresEventLog) -> Billing:
    """Gives commands to accounts on the log."""
    return Billing(log)


@pytest.fixture
def projector(service_url: str, log: PostgresEventLog) -> Iterator[Projector]:
    """Keeps all read models up to date, when asked to."""
    with Projector(service_url, log) as projector:
        yield projector


@pytest.fixture
def connection(owner_url: str) -> Iterator[Connection]:
    """A session beside the others."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        yield connection
