"""What time it is: a port, so that nothing else here asks the machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from service.completing import OffLoop
from service.errors import ClockAhead

CHECKED_EVERY: Final = 10.0
"""Seconds for which the database's answer is good."""

_NO_JUMP: Final = 1.0


class Clock(Protocol):
    """The present instant, in UTC."""

    def now(self) -> datetime:
        """The present instant; it may jump, as clocks do."""
        ...

    def is_checked(self) -> bool:
        """Whether `now` answers at once, now and for a while: else it asks a server first, which blocks."""
        ...

    def check(self) -> datetime:
        """As `now`; a server is asked where that is needed so that `is_checked` holds."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def is_checked(self) -> bool:
        return True

    def check(self) -> datetime:
        return self.now()


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
        return self._read(CHECKED_EVERY)

    def is_checked(self) -> bool:
        read, at = self._monotonic(), self._clock.now()
        return self._checked is not None and not _is_doubtful(self._checked, read, at, CHECKED_EVERY / 2)

    def check(self) -> datetime:
        return self._read(CHECKED_EVERY / 2)

    def _read(self, good_for: float) -> datetime:
        read, at = self._monotonic(), self._clock.now()
        if self._checked is None or _is_doubtful(self._checked, read, at, good_for):
            ahead = at - self._database_time()
            if ahead > self._limit:
                self._checked = None
                raise ClockAhead(ahead.total_seconds(), self._limit.total_seconds())
            self._checked = read, at
        return at


def _is_doubtful(checked: tuple[float, datetime], read: float, at: datetime, good_for: float) -> bool:
    passed = read - checked[0]
    jumped = (at - checked[1]).total_seconds() - passed
    return passed >= good_for or jumped > _NO_JUMP


async def checked_now(clock: Clock, off_loop: OffLoop) -> datetime:
    """The present instant; where a server is to be asked first, that is done off the event loop."""
    return clock.now() if clock.is_checked() else await off_loop(clock.check, "clock")


class FixedClock:
    """A clock that stands until it is moved."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def is_checked(self) -> bool:
        return True

    def check(self) -> datetime:
        return self.now()

    def advance(self, by: timedelta) -> None:
        """Move the clock on."""
        self.at += by
