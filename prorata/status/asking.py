"""Asks the database and the broker how everything stands.

status = status_of(settings)
[trouble for trouble in status.troubles]
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

import psycopg
from psycopg.rows import TupleRow

from consumers.checkpoints import hearing
from consumers.halts import CONSUMERS
from consumers.leftovers import BEFORE, NEXT
from consumers.leftovers import leftovers as of_replays
from eventlog.errors import NotMigrated
from eventlog.postgres.backlog import Reader, backlogs_of
from eventlog.postgres.connect import connect
from eventlog.postgres.fence import fence_holder
from eventlog.postgres.migrate import missing
from eventlog.postgres.reading import last_position
from eventlog.shards import SHARDS
from projections.live.lag import lags
from prorata.migrations import migrations
from prorata.processes.expected import RECOGNITION, expected_names
from prorata.processes.table import Process, processes
from prorata.settings import Settings
from prorata.status import money
from prorata.status.broker import AskedBroker, Positions
from prorata.status.report import Leftover, ParkedKeys, ReaderLag, Status
from publishing.halts import RELAYS

PATIENCE: Final = 0.6
"""Seconds that the broker has for its answer, so that a status takes less than one."""

Connection = psycopg.Connection[TupleRow]

_PARKED: Final = """
    select projection, count(*) from projections.parked group by projection
    union all
    select consumer, count(distinct (topic, key)) from consumers.dead_letters group by consumer
"""

# A rebuild holds its advisory lock for as long as it runs: 64 bits, which pg_locks shows in halves.
_REBUILDS: Final = """
    select projection, generation, exists (
        select from pg_locks locks
        where locks.locktype = 'advisory' and locks.granted and locks.objsubid = 1
            and locks.database = (select oid from pg_database where datname = current_database())
            and (locks.classid::bigint << 32) | locks.objid::bigint
                = hashtextextended('projections/rebuild/' || projection, 0)
    )
    from projections.rebuilds order by projection
"""

_GENERATIONS: Final = """
    select tablename from pg_tables
    where schemaname = 'projections' and tablename ~ '_v[0-9]+$' order by tablename
"""

_OF_GENERATION: Final = re.compile(r"(.+)_v([0-9]+)")


def status_of(settings: Settings, *, patience: float = PATIENCE) -> Status:
    """Nothing is changed, and no lock is waited for; for the broker at most so many seconds.

    Raises NotMigrated, and psycopg.OperationalError where the database does not answer.
    """
    broker = AskedBroker(settings, patience)
    with connect(settings.database_url, "prorata status") as connection:
        _check_migrations(connection)
        now = datetime.now(UTC)
        fence = fence_holder(connection)
        known = processes(connection)
        left = [*_of_rebuilds(connection), *_of_replays(connection)]
        positions, problem = broker.answer()
        return Status(
            at=now,
            log_position=last_position(connection),
            fence=None if fence is None else str(fence),
            fence_seconds=None if fence is None else round(fence.held_for(now), 3),
            broker=problem is None,
            broker_problem=problem,
            expected=expected_names(settings.expected_names, [process.name for process in known]),
            processes=_shown(known),
            projections=_projections(connection),
            relays=_relays(connection, positions or {}, now),
            consumers=_consumers(connection, now),
            overdue=money.overdue(connection),
            unrecognised_days=money.unrecognised_days(connection, _recognised(known), now.date()),
            parked=_parked(connection),
            halts=(*RELAYS.all(connection), *CONSUMERS.all(connection)),
            leftovers=tuple(left),
        )


def _check_migrations(connection: Connection) -> None:
    lacking = [missed for source in migrations() for missed in missing(connection, source)]
    if lacking:
        raise NotMigrated(tuple(lacking))


def _shown(known: Sequence[Process]) -> tuple[Process, ...]:
    """All but those of whose name another one runs, which has taken their place."""
    alive = {process.name for process in known if process.alive}
    shown = [process for process in known if process.alive or process.name not in alive]
    return tuple(process for process in shown if process.name != RECOGNITION)


def _recognised(known: Sequence[Process]) -> datetime | None:
    return max((p.done_until for p in known if p.name == RECOGNITION and p.done_until), default=None)


def _projections(connection: Connection) -> tuple[ReaderLag, ...]:
    """Of the live ones: the generation of a rebuild is none yet."""
    found = [lag for lag in lags(connection, counted=1) if not _OF_GENERATION.fullmatch(lag.projection)]
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
    """A consumer's lag is the age of the oldest of its partitions' last heartbeats."""
    return tuple(
        ReaderLag(
            heard.consumer,
            heard.position,
            None if heard.heartbeat_at is None else _age(heard.heartbeat_at, now),
            heard.skipped,
        )
        for heard in hearing(connection)
        if not _is_replays(heard.consumer)
    )


def _is_replays(consumer: str) -> bool:
    return consumer.endswith((NEXT, BEFORE))


def _of_replays(connection: Connection) -> Iterator[Leftover]:
    for left in of_replays(connection):
        discard = f"`prorata replay {left.consumer} --discard` drops it"
        remedy = (
            f"`prorata replay {left.consumer}` goes on with it, {discard}" if left.unfinished else discard
        )
        yield Leftover(left.name, left.unfinished, left.running, remedy)


def _of_rebuilds(connection: Connection) -> Iterator[Leftover]:
    begun = {(projection, number): running for projection, number, running in connection.execute(_REBUILDS)}
    for (projection, number), running in begun.items():
        rebuild = f"prorata rebuild {projection}"
        remedy = f"`{rebuild}` goes on with it, `{rebuild} --discard` drops it"
        yield Leftover(f"{projection}_v{number}", unfinished=True, running=running, remedy=remedy)
    for (table,) in connection.execute(_GENERATIONS):
        projection, number = _projection_of(table)
        if (projection, number) not in begun:
            remedy = f"`prorata rebuild {projection} --discard` drops it"
            yield Leftover(table, unfinished=False, running=False, remedy=remedy)


def _projection_of(table: str) -> tuple[str, int]:
    """Whose table it is, and of which generation."""
    from projections.registry import ALL

    found = _OF_GENERATION.fullmatch(table)
    assert found is not None
    name, number = found[1], int(found[2])
    owners = [projection.name for projection in ALL if name in [made.name for made in projection.tables]]
    return owners[0] if owners else name, number


def _age(instant: datetime, now: datetime) -> float:
    return round(max(0.0, (now - instant).total_seconds()), 3)
