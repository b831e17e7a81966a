"""The figures that `prorata status` and the metrics show."""

from __future__ import annotations

from datetime import datetime

import msgspec

from prorata.processes.table import Process
from publishing.halts import Halt


class ReaderLag(msgspec.Struct, frozen=True):
    """How far a reader of the log is. `position`: its last event's; `seconds`: the age of the first event
    that it lacks, 0 if it lacks none. None: it never began, or it is unknown. Of a consumer, `skipped`:
    records of types that its code does not know; `refused`: records that are not the relay's, with the reason
    for one of them; `ahead`: seconds by which the last heartbeat is in the future."""

    name: str
    position: int | None
    seconds: float | None
    skipped: int = 0
    refused: int = 0
    refused_reason: str | None = None
    ahead: float = 0.0


class ParkedKeys(msgspec.Struct, frozen=True):
    """The number of accounts or keys that are parked in the reader of this name."""

    name: str
    keys: int


class Overdue(msgspec.Struct, frozen=True):
    """Accounts on the wall clock that have been due, or waiting for a payment's answer, for longer than a
    billing run takes: their number (not all may be counted), and for how many seconds the first has been."""

    accounts: int
    seconds: float


class LeftoverTables(msgspec.Struct, frozen=True):
    """Tables that a rebuild or a replay left. `unfinished`: they never became the live ones; others were live
    and are kept. `running`: it works on them now. `remedy`: the commands that remove them."""

    name: str
    unfinished: bool
    running: bool
    remedy: str


class Status(msgspec.Struct, frozen=True):
    """The state of the system at the instant `at`.

    `sequence`: what is wrong with the sequence of positions. `fence`: the transaction that holds back settled
    reads now, and its age in seconds. `broker` False: it did not answer in time (`broker_problem` says why),
    so the relays' positions are unknown. `expected`: processes that should run. `unrecognised_days`: the
    number of days whose revenue should be recognised by now. `unknown`: the figures that a locked table
    hides.
    """

    at: datetime
    log_position: int
    sequence: str | None
    fence: str | None
    fence_seconds: float | None
    broker: bool
    broker_problem: str | None
    expected: tuple[str, ...]
    processes: tuple[Process, ...]
    projections: tuple[ReaderLag, ...]
    relays: tuple[ReaderLag, ...]
    consumers: tuple[ReaderLag, ...]
    overdue: Overdue
    unrecognised_days: int
    parked: tuple[ParkedKeys, ...]
    halts: tuple[Halt, ...]
    leftovers: tuple[LeftoverTables, ...]
    unknown: tuple[str, ...] = ()

    @property
    def troubles(self) -> tuple[str, ...]:
        """A sentence for each thing that a person has to look at."""
        from prorata.status.troubles import troubles

        return tuple(troubles(self))
