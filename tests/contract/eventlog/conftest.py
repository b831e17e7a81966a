"""The logs that the contract holds for."""

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from eventlog.memory import MemoryEventLog
from eventlog.migrate import migrate
from eventlog.postgres import PostgresEventLog
from tests.contract.eventlog.samples import NOON

AnyLog = MemoryEventLog | PostgresEventLog


class SetClock:
    """A clock that stands still until it is set."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> SetClock:
    """The log's clock."""
    return SetClock(NOON)


@pytest.fixture
def service_url(database_url: str) -> str:
    """A migrated database, as Prorata's processes may use it."""
    migrate(database_url)
    return f"{database_url}?options=-c%20role%3Dprorata_service"


def _memory(clock: SetClock, _: pytest.FixtureRequest) -> AnyLog:
    return MemoryEventLog(clock=clock)


def _postgres(clock: SetClock, request: pytest.FixtureRequest) -> AnyLog:
    return PostgresEventLog(request.getfixturevalue("service_url"), clock=clock)


@pytest.fixture(params=[_memory, _postgres], ids=["memory", "postgres"])
def log(request: pytest.FixtureRequest, clock: SetClock) -> Iterator[AnyLog]:
    """A new, empty log."""
    make: Callable[[SetClock, pytest.FixtureRequest], AnyLog] = request.param
    log = make(clock, request)
    yield log
    log.close()
