"""The table `operations.processes`: each long-running process writes its row, `prorata status` reads all.

for process in processes(connection):
    process.name, process.state
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import TupleRow, class_row

from eventlog.migration_source import MigrationSource

Connection: TypeAlias = psycopg.Connection[TupleRow]

MIGRATIONS: Final = MigrationSource("operations", Path(__file__).parent / "migrations")

BEAT: Final = 5.0
"""Seconds between two beats of a process."""

SILENT: Final = 20.0
"""Seconds without a beat after which a process counts as gone; it has missed several beats."""

STANDS_STILL: Final = 120.0
"""Seconds without a turn of its loop after which a process that beats counts as standing still."""

State: TypeAlias = Literal["runs", "stands still", "silent", "ended"]


class Process(msgspec.Struct, frozen=True):
    """A process, as it last announced itself. `idle_seconds`: seconds since its last beat; since its loop's
    last turn if it stands still, since its end if it has ended."""

    name: str
    host: str
    pid: int
    version: str
    state: State
    idle_seconds: float
    started_at: datetime
    doing: str
    done_until: datetime | None

    @property
    def alive(self) -> bool:
        """Whether the process works."""
        return self.state == "runs"


class Beat(msgspec.Struct, frozen=True):
    """A process's announcement. `idle`: seconds since its loop's last turn."""

    id: UUID
    name: str
    host: str
    pid: int
    version: str
    idle: float
    doing: str
    done_until: datetime | None = None
    ended: bool = False


# A lost beat does no harm, so this transaction, and no other, does not wait for the disk.
_BEAT: Final = """
    with relaxed as (select set_config('synchronous_commit', 'off', true))
    insert into operations.processes as process
        (id, name, host, pid, version, turned_at, doing, done_until, ended_at)
    select %(id)s, %(name)s, %(host)s, %(pid)s, %(version)s,
        clock_timestamp() - make_interval(secs => %(idle)s), %(doing)s, %(done_until)s,
        case when %(ended)s then clock_timestamp() end
    from relaxed
    on conflict (id) do update
    set beat_at = clock_timestamp(), turned_at = excluded.turned_at, doing = excluded.doing,
        done_until = coalesce(excluded.done_until, process.done_until), ended_at = excluded.ended_at
"""

# Predecessors: ended processes of this name, silent ones of this host, the one that had this process id, and
# those silent for a day elsewhere (a restarted container has another host).
_REMOVE_PREDECESSORS: Final = """
    delete from operations.processes
    where id <> %(id)s and (
        host = %(host)s and pid = %(pid)s
        or name = %(name)s and (
            ended_at is not null
            or host = %(host)s and beat_at < clock_timestamp() - make_interval(secs => %(silent)s)
            or beat_at < clock_timestamp() - interval '1 day'
        )
    )
"""

_FORGET: Final = """
    delete from operations.processes
    where name = %(name)s
        and (ended_at is not null or beat_at < clock_timestamp() - make_interval(secs => %(silent)s))
"""

_ALL: Final = """
    select name, host, pid, version, started_at, doing, done_until,
        case
            when ended_at is not null then 'ended'
            when clock_timestamp() - beat_at > make_interval(secs => %(silent)s) then 'silent'
            when beat_at - turned_at > make_interval(secs => %(stands_still)s) then 'stands still'
            else 'runs'
        end as state,
        greatest(0, extract(epoch from clock_timestamp() - case
            when ended_at is not null then ended_at
            when beat_at - turned_at > make_interval(secs => %(stands_still)s) then turned_at
            else beat_at
        end))::float as idle_seconds
    from operations.processes order by name, started_at
"""

_LIMITS: Final[dict[str, Any]] = {"silent": SILENT, "stands_still": STANDS_STILL}


def announce(connection: Connection, beat: Beat) -> None:
    """Write the process's row, and remove those of its predecessors."""
    with connection.transaction():
        write(connection, beat)
        connection.execute(_REMOVE_PREDECESSORS, {**msgspec.structs.asdict(beat), **_LIMITS})


def write(connection: Connection, beat: Beat) -> None:
    """Write the process's row, whether or not it exists."""
    connection.execute(_BEAT, msgspec.structs.asdict(beat))


def forget(connection: Connection, name: str) -> int:
    """Remove the rows of gone processes of this name; return their number."""
    return connection.execute(_FORGET, {"name": name, **_LIMITS}).rowcount


def processes(connection: Connection) -> list[Process]:
    """All known processes, ordered by name, the oldest first."""
    with connection.cursor(row_factory=class_row(Process)) as cursor:
        return cursor.execute(_ALL, _LIMITS).fetchall()
