"""The logs that the contract holds for."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Protocol

import pytest

from eventlog import EventLog
from eventlog.group_commit.threads import GroupedEventLog
from eventlog.memory import MemoryEventLog
from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import migrate
from tests.support.eventlog.asyncio_appends import AsyncioDoor
from tests.support.eventlog.sample_events import NOON


class AnyLog(EventLog, Protocol):
    """A log, and its end."""

    def close(self) -> None: ...


class ClosedWithItsLog(GroupedEventLog):
    """The door for threads, which leaves closing to whom the log belongs."""

    def __init__(self, log: MemoryEventLog | PostgresEventLog) -> None:
        super().__init__(log)
        self.close = log.close


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


def _joined_memory(clock: SetClock, _: pytest.FixtureRequest) -> AnyLog:
    return ClosedWithItsLog(MemoryEventLog(clock=clock))


def _joined_postgres(clock: SetClock, request: pytest.FixtureRequest) -> AnyLog:
    return ClosedWithItsLog(PostgresEventLog(request.getfixturevalue("service_url"), clock=clock))


def _asyncio(clock: SetClock, request: pytest.FixtureRequest) -> AnyLog:
    return AsyncioDoor(request.getfixturevalue("service_url"), clock=clock)


LOGS = [_memory, _postgres, _joined_memory]
EVERY_DOOR = pytest.mark.parametrize(
    "log", [*LOGS, _joined_postgres, _asyncio], indirect=True, ids=lambda make: make.__name__[1:]
)
"""For tests of appends: also the doors that share statements."""


@pytest.fixture(params=LOGS, ids=lambda make: make.__name__[1:])
def log(request: pytest.FixtureRequest, clock: SetClock) -> Iterator[AnyLog]:
    """A new, empty log."""
    make: Callable[[SetClock, pytest.FixtureRequest], AnyLog] = request.param
    log = make(clock, request)
    yield log
    log.close()
