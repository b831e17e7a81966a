"""Each port of the service in memory and in PostgreSQL: the same tests for both."""

from collections.abc import Iterator

import pytest

from eventlog.postgres.migrate import EVENTLOG
from prorata.roles import SERVICE as SERVICE_ROLE
from service.catalogue_store import CatalogueStore, MemoryCatalogues, PostgresCatalogues
from service.schema import SERVICE
from service.snapshots import MemorySnapshots, PostgresSnapshots, Snapshots
from tests.support.roles import login, migrated


@pytest.fixture(params=["memory", "postgres"])
def where(request: pytest.FixtureRequest) -> str | None:
    """A migrated database's address, with the rights that Prorata's processes have; None: memory."""
    if request.param == "memory":
        return None
    database_url: str = request.getfixturevalue("database_url")
    return login(migrated(database_url, [EVENTLOG, SERVICE]), SERVICE_ROLE)


@pytest.fixture
def store(where: str | None) -> Iterator[CatalogueStore]:
    if where is None:
        yield MemoryCatalogues()
    else:
        kept = PostgresCatalogues(where, connections=8)
        yield kept
        kept.close()


@pytest.fixture
def snapshots(where: str | None) -> Iterator[Snapshots]:
    if where is None:
        yield MemorySnapshots()
    else:
        kept = PostgresSnapshots(where)
        yield kept
        kept.close()
