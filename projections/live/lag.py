"""How far the read models are behind the log, lane by lane, and which worker holds each lane.

for lag in lags(connection):
    lag.projection, lag.events, lag.seconds, lag.parked
"""

from __future__ import annotations

from typing import Final

import msgspec
from psycopg import sql

from domain.calendar import Instant
from eventlog.postgres.backlog import COUNTED, Backlog, Reader, backlogs_of
from projections.live import checkpoints
from projections.live.lane_shares import SPACE
from projections.live.lanes import LANES
from projections.tables import Connection


class LaneLag(msgspec.Struct, frozen=True):
    """A projection in one lane. It lacks `events` events after `position` (at least: not all are counted),
    the first of which was recorded `seconds` seconds ago. `worker` holds the lane; None if none does."""

    lane: int
    position: int
    events: int
    seconds: float
    worker: str | None


class ProjectionLag(msgspec.Struct, frozen=True):
    """A projection, or a rebuild of one (`entitlements_v2`): `events` is the sum over the lanes, `seconds`
    that of the worst lane, `parked` the number of parked accounts. Its rows include every event up to
    `position`."""

    projection: str
    position: int
    events: int
    seconds: float
    parked: int
    lanes: tuple[LaneLag, ...]


_NOW: Final = "select now(), coalesce((select position from public.events order by position desc limit 1), 0)"

_PARKED: Final = "select projection, count(*) from projections.parked group by projection"

_WORKERS: Final = sql.SQL(
    """
    select locks.objid::integer, coalesce(nullif(session.application_name, ''), 'backend ' || locks.pid)
    from pg_locks locks left join pg_stat_activity session on session.pid = locks.pid
    where locks.locktype = 'advisory' and locks.classid = {space} and locks.objid < {lanes}
        and locks.database = (select oid from pg_database where datname = current_database())
        and locks.granted
    """
).format(space=sql.Literal(SPACE), lanes=sql.Literal(LANES))


def lags(connection: Connection, *, counted: int = COUNTED) -> list[ProjectionLag]:
    """The lag of every projection whose tables are made, by name. It changes nothing and waits for no lock.

    `counted`: the most events looked at after each checkpoint.
    """
    [[now, last]] = connection.execute(_NOW).fetchall()
    found = checkpoints.read_all(connection)
    behind = backlogs_of(connection, [Reader(c.shards, c.position) for c in found], counted=counted)
    workers: dict[int, str] = dict(connection.execute(_WORKERS).fetchall())
    parked: dict[str, int] = dict(connection.execute(_PARKED).fetchall())
    by_name: dict[str, list[LaneLag]] = {}
    for checkpoint, lacking in zip(found, behind, strict=True):
        lag = LaneLag(
            checkpoint.lane,
            checkpoint.position if lacking.events else max(checkpoint.position, last),
            lacking.events,
            _age(lacking, now),
            workers.get(checkpoint.lane),
        )
        by_name.setdefault(checkpoint.projection, []).append(lag)
    return [
        ProjectionLag(
            name,
            min(lane.position for lane in lanes),
            sum(lane.events for lane in lanes),
            max(lane.seconds for lane in lanes),
            parked.get(name, 0),
            tuple(lanes),
        )
        for name, lanes in by_name.items()
    ]


def _age(lacking: Backlog, now: Instant) -> float:
    return 0.0 if lacking.since is None else round(max(0.0, (now - lacking.since).total_seconds()), 3)
