"""A log in a database of its own, and sessions beside it."""

from collections.abc import Iterator

import psycopg
import pytest

from eventlog.postgres.log import PostgresEventLog
from prorata.roles import SERVICE
from tests.support.eventlog.sessions import Session
from tests.support.roles import login, migrated


@pytest.fixture
def migrated_url(database_url: str) -> str:
    """A migrated database, with the rights of a superuser."""
    return migrated(database_url)


@pytest.fixture
def service_url(migrated_url: str) -> str:
    """The same database as Prorata's processes may use it."""
    return login(migrated_url, SERVICE)


@pytest.fixture
def log(service_url: str) -> Iterator[PostgresEventLog]:
    """The log in it, empty."""
    log = PostgresEventLog(service_url)
    yield log
    log.close()


@pytest.fixture
def session(migrated_url: str) -> Iterator[Session]:
    """A superuser's session; a transaction that it begins stays open until the test ends it."""
    with psycopg.connect(migrated_url, autocommit=True) as session:
        yield session


@pytest.fixture
def watcher(migrated_url: str) -> Iterator[Session]:
    """Another one, which looks at what the others do."""
    with psycopg.connect(migrated_url, autocommit=True) as session:
        yield session
