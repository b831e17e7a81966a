"""A migrated database with a log, and accounts on it."""

from collections.abc import Iterator

import psycopg
import pytest

from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import EVENTLOG
from projections import MIGRATIONS
from projections.live.projector import Projector
from projections.tables import Connection
from prorata.roles import PROJECTOR, SERVICE
from tests.support.projections.fold_driver import Billing
from tests.support.roles import login, migrated


@pytest.fixture
def owner_url(database_url: str) -> str:
    """The migrated database, for who may change its tables."""
    return migrated(database_url, [EVENTLOG, MIGRATIONS])


@pytest.fixture
def service_url(owner_url: str) -> str:
    """The same database for the service."""
    return login(owner_url, SERVICE)


@pytest.fixture
def projector_url(owner_url: str) -> str:
    """The same database for projectors."""
    return login(owner_url, PROJECTOR)


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
def projector(projector_url: str, log: PostgresEventLog) -> Iterator[Projector]:
    """Keeps all read models up to date, when asked to."""
    with Projector(projector_url, log) as projector:
        yield projector


@pytest.fixture
def connection(owner_url: str) -> Iterator[Connection]:
    """A session beside the others."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        yield connection
