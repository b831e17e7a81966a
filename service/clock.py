"""What time it is: a port, so that nothing else here asks the machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from service.errors import ClockAhead

CHECKED_EVERY: Final = 10.0
"""Seconds for which the database's answer is good."""

_NO_JUMP: Final = 1.0


class Clock(Protocol):
    """The present instant, in UTC."""

    def now(self) -> datetime:
        """The present instant; it may jump, as clocks do."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class CheckedClock:
    """The machine's clock, as long as it is not ahead of the database's by more than `limit`.

    Billing by a clock that is ahead charges before the time, which cannot be taken back; one that is behind
    is late. The database is asked every CHECKED_EVERY seconds, and at once after the clock has jumped.
    """

    def __init__(
        self,
        clock: Clock,
        database_time: Callable[[], datetime],
        *,
        limit: timedelta,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._database_time = database_time
        self._limit = limit
        self._monotonic = monotonic
        self._checked: tuple[float, datetime] | None = None

    def now(self) -> datetime:
        """Now. Raises ClockAhead, and LogUnavailable where the database cannot be asked."""
        read, at = self._monotonic(), self._clock.now()
        if self._checked is None or self._is_doubtful(self._checked, read, at):
            ahead = at - self._database_time()
            if ahead > self._limit:
                self._checked = None
                raise ClockAhead(ahead.total_seconds(), self._limit.total_seconds())
            self._checked = read, at
        return at

    def _is_doubtful(self, checked: tuple[float, datetime], read: float, at: datetime) -> bool:
        passed = read - checked[0]
        jumped = (at - checked[1]).total_seconds() - passed
        return passed >= CHECKED_EVERY or jumped > _NO_JUMP


class FixedClock:
    """A clock that stands until it is moved."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        """Move the clock on."""
        self.at += by
