"""The logs that the contract holds for."""

from collections.abc import Callable, Iterator

import pytest

from prorata.roles import SERVICE as SERVICE_ROLE
from tests.support.eventlog.doors import LOGS, AnyLog, SetClock
from tests.support.eventlog.sample_events import NOON
from tests.support.roles import login, migrated


@pytest.fixture
def clock() -> SetClock:
    """The log's clock."""
    return SetClock(NOON)


@pytest.fixture
def service_url(database_url: str) -> str:
    """A migrated database, as Prorata's processes may use it."""
    return login(migrated(database_url), SERVICE_ROLE)


@pytest.fixture(params=LOGS, ids=lambda make: make.__name__[1:])
def log(request: pytest.FixtureRequest, clock: SetClock) -> Iterator[AnyLog]:
    """A new, empty log."""
    make: Callable[[SetClock, pytest.FixtureRequest], AnyLog] = request.param
    log = make(clock, request)
    yield log
    log.close()
