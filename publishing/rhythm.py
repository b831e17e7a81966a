"""When a stream gets heartbeats: each second while something is published, seldom while nothing is.

rhythm = Rhythm(idle_seconds=30)
if rhythm.is_due(monotonic(), log_time): ...
rhythm.went_out(monotonic(), log_time, events=3)
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

AFTER_EVENTS: Final = 2
"""Heartbeats that follow the last event at the quick pace. Readers believe what the lower of a partition's
last two heartbeats covers: with two of them nothing waits for one of the seldom ones."""


class Rhythm:
    """Of one stream, from its relay's start. Ask it once in each of the relay's beats."""

    def __init__(self, idle_seconds: float) -> None:
        self._idle_seconds = idle_seconds
        self._owed = AFTER_EVENTS
        self._last_at = float("-inf")
        self._day: date | None = None

    def is_due(self, now: float, log_time: datetime) -> bool:
        """Whether one should go out now; the first one of a day is never late, as archives cut there."""
        return self._owed > 0 or now - self._last_at >= self._idle_seconds or log_time.date() != self._day

    def went_out(self, now: float, log_time: datetime | None, events: int) -> None:
        """Events were published, and where `log_time` is given also a heartbeat that says so."""
        if events:
            self._owed = AFTER_EVENTS
        if log_time is not None:
            self._owed = max(0, self._owed - 1)
            self._last_at, self._day = now, log_time.date()
