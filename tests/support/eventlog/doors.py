"""All implementations of a log, for the contract's tests: in memory, in PostgreSQL, with and without group
commit."""

from datetime import datetime
from typing import Protocol

import pytest

from eventlog import EventLog
from eventlog.group_commit.threads import GroupedEventLog
from eventlog.memory import MemoryEventLog
from eventlog.postgres.log import PostgresEventLog
from tests.support.eventlog.asyncio_appends import AsyncioDoor


class AnyLog(EventLog, Protocol):
    """Open a log, and close it at the end of the block."""

    def close(self) -> None: ...


class ClosedWithItsLog(GroupedEventLog):
    """Group commit for threads; it leaves closing to the log's owner."""

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
"""Parametrizes tests of appends with every log, including those that share statements."""
