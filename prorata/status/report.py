"""What `prorata status` and the metrics say: the figures, not how they are asked for or shown."""

from __future__ import annotations

from datetime import datetime

import msgspec

from prorata.processes.table import Process
from publishing.halts import Halt


class ReaderLag(msgspec.Struct, frozen=True):
    """How far something is. `position`: of the last event that it has; `seconds`: how long ago the first
    event that it lacks was recorded, 0 where it lacks none; None: it never began, or nobody knows.
    `skipped`: records that a consumer passed over, since its code does not know their type. `refused`:
    records that were not the relay's, with the reason of one; `ahead`: by how many seconds the last heartbeat
    is of the future."""

    name: str
    position: int | None
    seconds: float | None
    skipped: int = 0
    refused: int = 0
    refused_reason: str | None = None
    ahead: float = 0.0


class ParkedKeys(msgspec.Struct, frozen=True):
    """Accounts or keys that something has stopped at."""

    name: str
    keys: int


class Overdue(msgspec.Struct, frozen=True):
    """Accounts on the wall clock that fell due, or wait for a payment's answer, for longer than a billing run
    takes: how many (at most so many are counted), and for how long the first one."""

    accounts: int
    seconds: float


class Leftover(msgspec.Struct, frozen=True):
    """Tables that a rebuild or a replay left: `unfinished` ones never took the live ones' place, others were
    replaced and kept. `running`: something works on them now. `remedy`: commands that end it."""

    name: str
    unfinished: bool
    running: bool
    remedy: str


class Status(msgspec.Struct, frozen=True):
    """How everything stands at `at`.

    `sequence`: what is wrong with the sequence of positions. `fence`: the transaction that holds back settled
    reads now, and for how many seconds already. `broker` False: it did not answer in time (`broker_problem`
    says why), so nothing is known of the relays' positions. `expected`: processes that should run.
    `unrecognised_days`: days whose revenue should be recognised by now. `unknown`: what could not be asked,
    since its table is locked.
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
    leftovers: tuple[Leftover, ...]
    unknown: tuple[str, ...] = ()

    @property
    def troubles(self) -> tuple[str, ...]:
        """What a person has to look at, in sentences."""
        from prorata.status.troubles import troubles

        return tuple(troubles(self))
