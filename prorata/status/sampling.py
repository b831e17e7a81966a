"""How far the readers of the log were behind, over the last hour, as one server asked now and then.

lags = LagHistory()
lags.take(status_of(settings))
[series.points for series in lags.series()]
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, Literal, TypeAlias

import msgspec

from prorata.status.report import Status

EVERY: Final = 15.0
"""Seconds between two looks."""

KEPT: Final = timedelta(hours=1)

ReaderKind: TypeAlias = Literal["read model", "relay", "consumer"]


class LagSeries(msgspec.Struct, frozen=True):
    """The lags of one reader, the earliest first: when, and by how many seconds; None: unknown."""

    kind: ReaderKind
    name: str
    points: tuple[tuple[datetime, float | None], ...]

    @property
    def last(self) -> float | None:
        """The lag at the last look."""
        return self.points[-1][1]

    @property
    def most(self) -> float:
        """The largest one."""
        return max((seconds for _, seconds in self.points if seconds is not None), default=0.0)


class LagHistory:
    """What was seen in the last hour; threads share it."""

    def __init__(self) -> None:
        self._seen: deque[tuple[datetime, dict[tuple[ReaderKind, str], float | None]]] = deque()
        self._lock = Lock()

    def take(self, status: Status) -> bool:
        """Note the lags of that look. True: it was the first one."""
        found: dict[tuple[ReaderKind, str], float | None] = {}
        found |= {("read model", lag.name): lag.seconds for lag in status.projections}
        found |= {("relay", lag.name): lag.seconds for lag in status.relays}
        found |= {("consumer", lag.name): lag.seconds for lag in status.consumers}
        with self._lock:
            first = not self._seen
            self._seen.append((status.at, found))
            while self._seen[0][0] < status.at - KEPT:
                self._seen.popleft()
        return first

    def series(self) -> tuple[LagSeries, ...]:
        """A series for each reader of the last look."""
        with self._lock:
            seen = list(self._seen)
        if not seen:
            return ()
        return tuple(
            [
                LagSeries(kind, name, tuple([(at, found.get((kind, name))) for at, found in seen]))
                for kind, name in seen[-1][1]
            ]
        )
