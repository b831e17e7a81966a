"""The whole service on PostgreSQL, as its processes run: with their rights, each with connections of its
own."""

from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import EVENTLOG
from prorata.roles import SERVICE as SERVICE_ROLE
from service.catalogue_store import PostgresCatalogues
from service.clock import FixedClock
from service.gateways.postgres import PostgresTestGateway
from service.persons import PERSONS
from service.schema import SERVICE
from service.snapshots import PostgresSnapshots
from tests.support.roles import login, migrated
from tests.support.service.world import NOW, Process, World


@pytest.fixture
def service_url(database_url: str) -> str:
    """A migrated database, with the rights that Prorata's processes have."""
    return login(migrated(database_url, [EVENTLOG, SERVICE, PERSONS]), SERVICE_ROLE)


@pytest.fixture
def process(service_url: str) -> Iterator[Process]:
    """Makes another process's service, all by one clock."""
    clock = FixedClock(NOW)
    with ExitStack() as stack:

        def make() -> World:
            log = stack.enter_context(closing(PostgresEventLog(service_url, clock=clock.now)))
            gateway = stack.enter_context(closing(PostgresTestGateway(service_url)))
            store = stack.enter_context(closing(PostgresCatalogues(service_url)))
            snapshots = stack.enter_context(closing(PostgresSnapshots(service_url)))
            return World(log, gateway, store, clock, snapshots=snapshots, real_time=True)

        yield make


@pytest.fixture
def world(process: Process) -> World:
    """One of them."""
    return process()
