"""Every way into a log, for the tests of the contract: in memory and in PostgreSQL, alone and in a group."""

from datetime import datetime
from typing import Protocol

import pytest

from eventlog import EventLog
from eventlog.group_commit.threads import GroupedEventLog
from eventlog.memory import MemoryEventLog
from eventlog.postgres.log import PostgresEventLog
from tests.support.eventlog.asyncio_appends import AsyncioDoor


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
