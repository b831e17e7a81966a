"""Ask the database and the broker for the state of the system.

status = status_of(settings)
[trouble for trouble in status.troubles]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, TypeVar

import msgspec
import psycopg
from psycopg.rows import TupleRow

from consumers.checkpoints import hearing
from consumers.halts import CONSUMERS
from consumers.leftovers import BEFORE, NEXT
from eventlog.errors import NotMigrated
from eventlog.postgres.backlog import Reader, backlogs_of
from eventlog.postgres.connect import connect
from eventlog.postgres.fence import fence_holder
from eventlog.postgres.migrate import missing
from eventlog.postgres.positions import sequence_behind
from eventlog.postgres.reading import last_position
from eventlog.shards import SHARDS
from projections.live.lag import lags
from prorata.migrations import migrations
from prorata.processes.expected import RECOGNITION, expected_names
from prorata.processes.table import Process, processes
from prorata.settings import Settings
from prorata.status import money
from prorata.status.broker import AskedBroker, Positions
from prorata.status.leftovers import is_generation, leftovers
from prorata.status.report import Overdue, ParkedKeys, ReaderLag, Status
from publishing.halts import RELAYS

PATIENCE: Final = 0.6
"""Seconds to wait for the broker, so that a status takes less than one second."""

Connection = psycopg.Connection[TupleRow]
T = TypeVar("T")

_NO_LOCK: Final = {"lock_timeout": "100ms"}

_PARKED: Final = """
    select projection, count(*) from projections.parked group by projection
    union all
    select consumer, count(distinct (topic, key)) from consumers.dead_letters group by consumer
"""


def status_of(settings: Settings, *, patience: float = PATIENCE) -> Status:
    """The state of the system. It changes nothing, waits for no lock, and at most `patience` seconds for the
    broker.

    Raises NotMigrated, and psycopg.OperationalError if the database does not answer.
    """
    broker = AskedBroker(settings, patience)
    with connect(settings.database_url, "prorata status", reads_only=True, settings=_NO_LOCK) as connection:
        _check_migrations(connection)
        found = _of_database(connection, settings)
        positions, problem = broker.answer()
        return msgspec.structs.replace(
            found,
            broker=problem is None,
            broker_problem=problem,
            relays=_relays(connection, positions or {}, found.at),
        )


def _of_database(connection: Connection, settings: Settings) -> Status:
    """Everything except what only the broker knows."""
    [[now]] = connection.execute("select clock_timestamp()").fetchall()
    fence, known, locked = fence_holder(connection), processes(connection), list[str]()
    behind = sequence_behind(connection)
    return Status(
        at=now,
        log_position=last_position(connection),
        sequence=None if behind is None else str(behind),
        fence=None if fence is None else str(fence),
        fence_seconds=None if fence is None else round(fence.held_for(now), 3),
        broker=False,
        broker_problem=None,
        expected=expected_names(settings.expected_names, [process.name for process in known]),
        processes=_shown(known),
        projections=_projections(connection),
        relays=(),
        consumers=_consumers(connection, now),
        overdue=_unlocked("overdue accounts", lambda: money.overdue(connection), Overdue(0, 0.0), locked),
        unrecognised_days=_unlocked(
            "days whose revenue is not recognised",
            lambda: money.unrecognised_days(connection, _recognised(known), now.date()),
            0,
            locked,
        ),
        parked=_parked(connection),
        halts=(*RELAYS.all(connection), *CONSUMERS.all(connection)),
        leftovers=leftovers(connection),
        unknown=tuple(locked),
    )


def _unlocked(what: str, ask: Callable[[], T], otherwise: T, locked: list[str]) -> T:
    """The answer; if the table is locked, add its name to `locked` and return `otherwise`."""
    try:
        return ask()
    except psycopg.errors.LockNotAvailable:
        locked.append(what)
        return otherwise


def _check_migrations(connection: Connection) -> None:
    lacking = [missed for source in migrations() for missed in missing(connection, source)]
    if lacking:
        raise NotMigrated(tuple(lacking))


def _shown(known: Sequence[Process]) -> tuple[Process, ...]:
    """The processes without those that another running one of the same name has replaced."""
    alive = {process.name for process in known if process.alive}
    shown = [process for process in known if process.alive or process.name not in alive]
    return tuple(process for process in shown if process.name != RECOGNITION)


def _recognised(known: Sequence[Process]) -> datetime | None:
    return max((p.done_until for p in known if p.name == RECOGNITION and p.done_until), default=None)


def _projections(connection: Connection) -> tuple[ReaderLag, ...]:
    """The lag of the live projections; a rebuild's generation is not live yet."""
    found = [lag for lag in lags(connection, counted=1) if not is_generation(lag.projection)]
    return tuple(ReaderLag(lag.projection, lag.position, lag.seconds) for lag in found)


def _relays(connection: Connection, positions: Positions, now: datetime) -> tuple[ReaderLag, ...]:
    readers = [Reader(range(SHARDS), position or 0) for position in positions.values()]
    behind = backlogs_of(connection, readers, counted=1)
    return tuple(
        ReaderLag(name, position, 0.0 if lacking.since is None else _age(lacking.since, now))
        for (name, position), lacking in zip(positions.items(), behind, strict=True)
    )


def _parked(connection: Connection) -> tuple[ParkedKeys, ...]:
    found = connection.execute(_PARKED).fetchall()
    return tuple(ParkedKeys(name, keys) for name, keys in sorted(found) if not _is_replays(name))


def _consumers(connection: Connection, now: datetime) -> tuple[ReaderLag, ...]:
    """The lag of each consumer: the age of the oldest among its partitions' last heartbeats."""
    return tuple(
        ReaderLag(
            heard.consumer,
            heard.position,
            None if heard.heartbeat_at is None else _age(heard.heartbeat_at, now),
            heard.skipped,
            heard.refused,
            heard.refused_reason,
            0.0 if heard.newest_at is None else _age(now, heard.newest_at),
        )
        for heard in hearing(connection)
        if not _is_replays(heard.consumer)
    )


def _is_replays(consumer: str) -> bool:
    return consumer.endswith((NEXT, BEFORE))


def _age(instant: datetime, now: datetime) -> float:
    return round(max(0.0, (now - instant).total_seconds()), 3)
