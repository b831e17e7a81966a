"""Rebuild a read model from the log alone, into new tables, while the live ones are read and written.

    for difference in rebuild(database_url, log, projection_named("entitlements")):
        print(difference)                     # there are none on a healthy system
    drop_old(database_url, projection_named("entitlements"))

The new tables are filled unit by unit, indexed, caught up, and compared with the live ones while both are at
the same position. After the last difference they become the live ones, in one transaction; `swap=False` only
compares. If a rebuild ends earlier, the live tables are unchanged, and the next rebuild resumes it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal, Self

import msgspec
import psycopg

from eventlog import EventLog
from eventlog.codec import Codec, domain_codec
from eventlog.postgres.account_stream import spans
from eventlog.postgres.connect import connect
from projections.errors import HeldBack, RebuildRunning
from projections.live import checkpoints
from projections.live.checkpoints import BEFORE_ALL, Checkpoint, LogPoint
from projections.live.lanes import LANES
from projections.live.projector import Projector
from projections.rebuild import generations, units
from projections.rebuild.comparing import RowDifference, differences
from projections.rebuild.filling import filling
from projections.tables import Connection, Projection

EVENTS_IN_A_UNIT: Final = 20_000
"""About as many events as a unit has, as long as UNITS suffice."""
UNITS: Final = 256
"""The most units of a rebuild. With more an interruption loses less work; with fewer there is less to
record."""

_NAME: Final = "prorata rebuild"

_RENAME_PATIENCE: Final = 60.0
"""Seconds for which the swap retries to lock the live tables, waiting a second each time."""

LOCK_PATIENCE: Final = 10.0
"""Seconds for which a rebuild waits for the lock of another, whose death the server may not have noticed
yet."""

# The lock is the session's: it ends with the connection, however the rebuild ends.
_LOCK: Final = "select pg_advisory_lock(hashtextextended('projections/rebuild/' || %(name)s, 0))"
_LOCK_TIMEOUT: Final = "select set_config('lock_timeout', %(milliseconds)s, true)"
_NOTICE_DEATH: Final = {"client_connection_check_interval": "1s"}
"""Without it a long statement, such as making an index, runs on and holds the lock after its client died."""

Phase = Literal["fold", "index", "catch up", "compare", "swap"]


class RebuildProgress(msgspec.Struct, frozen=True):
    """How far a rebuild is: `events` of about `of_events` are folded, in `units` of `of_units`. An
    interrupted rebuild before had folded `resumed_events` of them."""

    phase: Phase
    events: int
    of_events: int
    units: int
    of_units: int
    resumed_events: int


Watch = Callable[[RebuildProgress], object]


def _unwatched(_: RebuildProgress) -> None:
    return None


def rebuild(
    database_url: str,
    log: EventLog,
    projection: Projection,
    *,
    swap: bool = True,
    processes: int = 1,
    restart: bool = False,
    watch: Watch = _unwatched,
    codec: Codec[Any] | None = None,
) -> Iterator[RowDifference]:
    """Yield every difference between the live and the rebuilt tables, then make the rebuilt ones live.

    Nothing is compared if there are no live tables, or they hold nothing of this log. `restart`: begin anew
    instead of resuming an interrupted rebuild. Several `processes` decode with the domain's codec. Raises
    RebuildRunning and HeldBack.
    """
    with _Rebuild(database_url, log, projection, codec or domain_codec(), watch, restart=restart) as building:
        building.fill(processes)
        building.index()
        yield from building.differences()
        if swap:
            building.swap()
        else:
            building.clear()


def drop_old(database_url: str, projection: Projection) -> list[str]:
    """Drop the tables that rebuilds have replaced or left unfinished; return their names."""
    with connect(database_url, _NAME, settings=_NOTICE_DEATH) as connection:
        _lock_out_others(connection, projection)
        with connection.transaction():
            live = checkpoints.read_made(connection, [projection.name])
            unfinished = 1 + (live[0].generation if live else 0)
            _abandon(connection, projection, unfinished)
            return generations.drop(connection, projection, range(unfinished + 1))


def _lock_out_others(connection: Connection, projection: Projection) -> None:
    """Hold the projection's lock until the connection ends. Raises RebuildRunning."""
    try:
        with connection.transaction():
            connection.execute(_LOCK_TIMEOUT, {"milliseconds": str(int(LOCK_PATIENCE * 1000))})
            connection.execute(_LOCK, {"name": projection.name})
    except psycopg.errors.LockNotAvailable:
        raise RebuildRunning(projection.name) from None


def _abandon(connection: Connection, live: Projection, generation: int) -> None:
    units.forget(connection, live.name)
    generations.forget(connection, live.generation(generation))


class _Rebuild:
    """The next generation of a projection's tables, from its creation to its swap or end."""

    def __init__(
        self,
        database_url: str,
        log: EventLog,
        projection: Projection,
        codec: Codec[Any],
        watch: Watch,
        *,
        restart: bool,
    ) -> None:
        self._database_url = database_url
        self._log = log
        self._codec = codec
        self._live = projection
        self._watch = watch
        self._restart = restart

    def __enter__(self) -> Self:
        self._connection: Connection = connect(self._database_url, _NAME, settings=_NOTICE_DEATH)
        try:
            self._begin()
        except BaseException:
            self._connection.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._projector.close()
        finally:
            self._connection.close()

    def _begin(self) -> None:
        _lock_out_others(self._connection, self._live)
        made_here = all(table.types for table in self._live.tables)
        live = (checkpoints.read_made if made_here else checkpoints.read)(self._connection, [self._live.name])
        self._first = not live
        self._generation = 1 if self._first else live[0].generation + 1
        self._new = self._live.generation(self._generation)
        self._comparable = any(c.position for c in live) and self._of_this_log(live)
        if not self._can_go_on(live):
            self._begin_anew(live)
        begun = units.find(self._connection, self._live.name)
        assert begun is not None
        self._begun, self._resumed = begun, units.done(self._connection, self._live.name)
        self._projector = Projector(self._database_url, self._log, [self._new], codec=self._codec)

    def _can_go_on(self, live: list[Checkpoint]) -> bool:
        """Whether an interrupted rebuild was by this code, from this log, and is not ahead of the live
        tables."""
        begun = units.find(self._connection, self._live.name)
        if self._restart or begun is None or begun.code != units.code_of(self._new):
            return False
        if begun.generation != self._generation:
            return False
        new = checkpoints.read_made(self._connection, [self._new.name])
        if not new or not self._of_this_log(new):
            return False
        return not self._comparable or all(n.position <= c.position for n, c in zip(new, live, strict=True))

    def _begin_anew(self, live: list[Checkpoint]) -> None:
        with self._connection.transaction():
            self._drop()
            start = [c.place for c in live] if self._comparable else [_last_settled(self._log)] * LANES
            until = max(place.position for place in start)
            number = min(max(until // EVENTS_IN_A_UNIT, 1), UNITS)
            begun = units.UnfinishedRebuild(self._generation, units.code_of(self._new), until, indexed=False)
            units.begin(self._connection, self._live.name, begun, spans(self._connection, until, number))
            generations.create(self._connection, self._new, first=self._first)
            checkpoints.begin(self._connection, self._new, self._generation, start)

    def _of_this_log(self, found: list[Checkpoint]) -> bool:
        return all(checkpoints.is_of_log(self._log, c.position, c.hash) for c in found)

    def clear(self) -> None:
        """Drop the new tables and all notes of this rebuild."""
        with self._connection.transaction():
            self._drop()

    def _drop(self) -> None:
        generations.drop(self._connection, self._live, range(self._generation, self._generation + 1))
        _abandon(self._connection, self._live, self._generation)

    def fill(self, processes: int) -> None:
        """Fold every account up to the checkpoint of the new tables."""
        left = units.done(self._connection, self._live.name).left
        self._report("fold")
        if not left:
            return
        untils = [
            checkpoint.position
            for checkpoint in checkpoints.read(self._connection, [self._new.name])
            for _ in checkpoint.shards
        ]
        some = min(processes, left)
        with filling(self._database_url, self._new, untils, self._codec, some) as finished:
            for _ in finished:
                self._report("fold")

    def index(self) -> None:
        """Make the indexes of the full tables."""
        if self._begun.indexed:
            return
        self._report("index")
        with self._connection.transaction():
            generations.index(self._connection, self._new, first=self._first)
            units.indexed(self._connection, self._live.name)

    def differences(self) -> Iterator[RowDifference]:
        """Compare the live and the new tables in one snapshot, in which both are at the same position."""
        if not self._comparable:
            return
        self._catch_up()
        self._report("compare")
        with connect(self._database_url, _NAME, autocommit=False) as snapshot:
            snapshot.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            with self._live_held():
                live, new = (checkpoints.read(snapshot, [p.name]) for p in (self._live, self._new))
                assert _places(live) == _places(new)
            yield from differences(snapshot, self._live, self._new)

    def swap(self) -> None:
        """Make the new tables the live ones; the old ones keep their generation's name."""
        deadline = time.monotonic() + _RENAME_PATIENCE
        while True:
            self._catch_up()
            self._report("swap")
            try:
                with self._live_held():
                    replaced = None if self._first else self._generation - 1
                    generations.swap(self._connection, self._live, self._new, replaced)
                    units.forget(self._connection, self._live.name)
                return
            except psycopg.errors.LockNotAvailable:  # a long query reads the live tables
                if time.monotonic() > deadline:
                    raise

    def _catch_up(self) -> None:
        """Fold up to the live tables' position and not beyond it; they may be behind the log."""
        self._report("catch up")
        live = checkpoints.read(self._connection, [self._live.name]) if self._comparable else []
        self._projector.run_once(up_to=live)

    @contextmanager
    def _live_held(self) -> Iterator[None]:
        """A transaction that locks the live checkpoints, with the new tables at the same position."""
        with self._connection.transaction():
            live = [] if self._first else checkpoints.lock(self._connection, [self._live.name])
            if self._comparable:
                self._projector.run_once(up_to=live)
                new = checkpoints.read(self._connection, [self._new.name])
                if _places(new) != _places(live):
                    raise HeldBack(self._live.name, self._log.fence_holder())
            yield

    def _report(self, phase: Phase) -> None:
        done = units.done(self._connection, self._live.name)
        self._watch(
            RebuildProgress(
                phase,
                done.events,
                max(self._begun.events, done.events),
                done.units,
                done.of_units,
                self._resumed.events,
            )
        )


def _places(found: list[Checkpoint]) -> list[LogPoint]:
    """The points of the checkpoints, which are in order of the lanes."""
    return [checkpoint.place for checkpoint in found]


def _last_settled(log: EventLog) -> LogPoint:
    """A point near the log's end up to which all events are settled."""
    while last := log.last_position():
        page = log.read_settled(last - 1, 1)
        if page:
            return LogPoint(page[0].position, page[0].hash)
    return BEFORE_ALL
