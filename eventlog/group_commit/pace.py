"""Whether appends wait for the statement under way, to go together in the next one, or in a second one beside
it. Without I/O.

Two statements at once use the time for which one waits for the disk: worth it where so many appends wait
that their own work takes as long. Where they are few, or a statement is slow for the disk's or for other
processes' sake, two statements only cost another commit each, and wait for one another's. A statement that
takes longer than it should waits for a rival's transaction, and is waited for no longer.
"""

from __future__ import annotations

from typing import Final

FEWEST: Final = 4
"""Go together however fast a statement is."""

WORK: Final = 100e-6
"""Seconds of work on an append, at both ends."""

SERVERS_WORK: Final = 50e-6
"""Of them those of the server, which are part of its statement's time."""

NEWEST: Final = 0.1
"""What the last statement counts for in the average."""

MOST: Final = 4
"""How many times the average a statement may count as having taken: one that waited for a rival says nothing
of disk and processors."""

LONGEST_WAIT: Final = 0.05


class Pace:
    """Follows the statements of a queue: how many are under way, and how long they take on average, with the
    work on their appends and without. That is longer on a slow disk, and where others use the processors."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._waited = 0.0
        self._under_way = 0
        self._began = 0.0

    def begins(self, now: float) -> None:
        """A statement begins."""
        self._under_way += 1
        self._began = now

    def took(self, seconds: float, appends: int = 1) -> None:
        """A statement with so many appends was answered after so long."""
        if not self._seconds:
            self._seconds, self._waited = seconds, _waited(seconds, appends)
        seconds = min(seconds, MOST * self._seconds)
        self._seconds += NEWEST * (seconds - self._seconds)
        self._waited += NEWEST * (_waited(seconds, appends) - self._waited)

    def ends(self) -> None:
        """A statement has ended, in whatever way."""
        self._under_way -= 1

    @property
    def room(self) -> int:
        """How many appends go together: so many as are worked on for as long as a statement waits. Its own
        work is left out, else many appends would go together because they are many."""
        return max(FEWEST, round(self._waited / WORK))

    @property
    def patience(self) -> float:
        """Seconds for which the statement under way is waited for."""
        return min(max(4 * self._seconds, 0.001), LONGEST_WAIT)

    def holds_back(self, waiting: int, now: float) -> bool:
        """Whether those who wait go together with those of the statement under way once they come again.
        `waiting`: all without an answer."""
        return self._under_way > 0 and waiting <= self.room and now < self._began + self.patience


def _waited(seconds: float, appends: int) -> float:
    """The part of a statement's time that is not work on its appends."""
    return max(0.0, seconds - appends * SERVERS_WORK)
