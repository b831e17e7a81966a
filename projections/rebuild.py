"""Rebuild a read model from the log alone, into tables of its own, while the live ones are read and written.

    for difference in rebuild(database_url, log, projection_named("entitlements")):
        print(difference)                     # none on a healthy system
    drop_old(database_url, projection_named("entitlements"))

The new tables are filled account by account, then caught up, then compared with the live ones as both are at
one position. When the last difference was taken they become the live ones, in one transaction; `swap=False`
only compares. Ending early leaves everything as it was.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Self

import psycopg

from eventlog import NO_HASH, EventLog
from eventlog.codec import Codec, domain_codec
from projections import checkpoints, generations
from projections.checkpoints import Checkpoint
from projections.comparing import Difference, differences
from projections.engine import Projector
from projections.errors import HeldBack, RebuildRunning
from projections.filling import fill, fill_in_processes
from projections.tables import Connection, Projection

_RENAME_PATIENCE: Final = 60.0
"""Seconds for which the swap goes on asking for the live tables' locks, a second at a time."""

# Of the session: it ends with the connection, however the rebuild ends.
_TRY_LOCK: Final = "select pg_try_advisory_lock(hashtextextended('projections/rebuild/' || %(name)s, 0))"

_BEFORE_ALL: Final = (0, NO_HASH)


def rebuild(
    database_url: str,
    log: EventLog,
    projection: Projection,
    *,
    swap: bool = True,
    processes: int = 1,
    codec: Codec[Any] | None = None,
) -> Iterator[Difference]:
    """Yield every difference between the live and the rebuilt tables, then put these in the live ones' place.

    Where the live tables hold nothing of this log, nothing is compared. With more than one process each opens
    its own log at the same database. Raises RebuildRunning and HeldBack.
    """
    with _Rebuild(database_url, log, projection, codec or domain_codec()) as building:
        building.fill(processes)
        yield from building.differences()
        if swap:
            building.swap()


def drop_old(database_url: str, projection: Projection) -> list[str]:
    """Drop the tables that rebuilds have replaced; return their names."""
    with psycopg.connect(database_url, autocommit=True) as connection, connection.transaction():
        [live] = checkpoints.lock(connection, [projection.name])
        return generations.drop(connection, projection, range(live.generation))


class _Rebuild:
    """The next generation of a projection's tables, from its creation to its swap or end."""

    def __init__(self, database_url: str, log: EventLog, projection: Projection, codec: Codec[Any]) -> None:
        self._database_url = database_url
        self._log = log
        self._codec = codec
        self._live = projection
        self._swapped = False

    def __enter__(self) -> Self:
        self._connection: Connection = psycopg.connect(self._database_url, autocommit=True)
        try:
            self._begin()
        except BaseException:
            self._connection.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._projector.close()
            if not self._swapped:
                self._clear()
        finally:
            self._connection.close()

    def _begin(self) -> None:
        [[locked]] = self._connection.execute(_TRY_LOCK, {"name": self._live.name}).fetchall()
        if not locked:
            raise RebuildRunning(self._live.name)
        [live] = checkpoints.read(self._connection, [self._live.name])
        self._generation = live.generation + 1
        self._new = self._live.generation(self._generation)
        self._comparable = live.position > 0 and checkpoints.is_of_log(self._log, live.position, live.hash)
        self._start = (live.position, live.hash) if self._comparable else _last_settled(self._log)
        self._clear()
        with self._connection.transaction():
            generations.create(self._connection, self._new)
            checkpoints.begin(self._connection, self._new, self._generation, *self._start)
        self._projector = Projector(self._database_url, self._log, [self._new], codec=self._codec)

    def _clear(self) -> None:
        """Also what a rebuild left that was killed."""
        with self._connection.transaction():
            generations.drop(self._connection, self._live, range(self._generation, self._generation + 1))
            generations.forget(self._connection, self._new)

    def fill(self, processes: int) -> None:
        """Fold every account up to the position from which the new tables are caught up."""
        until, _ = self._start
        if processes > 1:
            fill_in_processes(self._database_url, self._new, until, processes)
        else:
            fill(self._connection, self._log, self._codec, self._new, until)

    def differences(self) -> Iterator[Difference]:
        """Compare both in one snapshot, in which they are at the same position."""
        if not self._comparable:
            return
        self._catch_up()
        with psycopg.connect(self._database_url) as snapshot:
            snapshot.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            with self._live_held():
                live, new = checkpoints.read(snapshot, [self._live.name, self._new.name])
                assert live.position == new.position
            yield from differences(snapshot, self._live, self._new)

    def swap(self) -> None:
        """Make the new tables the live ones; those before keep their generation's name."""
        deadline = time.monotonic() + _RENAME_PATIENCE
        while not self._swapped:
            self._catch_up()
            try:
                with self._live_held() as live:
                    generations.swap(self._connection, self._live, self._new, live.generation)
                self._swapped = True
            except psycopg.errors.LockNotAvailable:  # somebody reads the live tables for long
                if time.monotonic() > deadline:
                    raise

    def _catch_up(self) -> None:
        """Come near the live tables, never beyond them: those may be behind the log."""
        until = None
        if self._comparable:
            [live] = checkpoints.read(self._connection, [self._live.name])
            until = live.position
        self._projector.run_once(until)

    @contextmanager
    def _live_held(self) -> Iterator[Checkpoint]:
        """A transaction in which the live tables stand still, and the new ones are at the same position."""
        with self._connection.transaction():
            [live] = checkpoints.lock(self._connection, [self._live.name])
            if self._comparable:
                self._projector.run_once(until=live.position)
                [new] = checkpoints.read(self._connection, [self._new.name])
                if new.position != live.position:
                    raise HeldBack(self._live.name, self._log.fence_holder())
            yield live


def _last_settled(log: EventLog) -> tuple[int, bytes]:
    """The position and hash of an event below which the log is complete, near its end."""
    while last := log.last_position():
        page = log.read_settled(last - 1, 1)
        if page:
            return page[0].position, page[0].hash
    return _BEFORE_ALL
