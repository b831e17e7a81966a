"""How far a reader of some shards is behind the log.

    [backlog] = backlogs_of(connection, [Reader(range(0, 8), 4711)])

It reads the COUNTED events after each reader's position; readers at the same one share them. Events that are
not settled yet count too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

import psycopg
from psycopg.rows import TupleRow, args_row

COUNTED: Final = 100_000
"""The most events looked at after each position; a reader may lack more."""


class Reader(NamedTuple):
    """A reader of these shards that has every event up to the position, inclusive."""

    shards: range
    position: int


class Backlog(NamedTuple):
    """The number of events that a reader lacks, and when the first was recorded; None if it lacks none."""

    events: int
    since: datetime | None


# Where none of a reader's events is among those that were counted, and these were not all there are, the
# first one is looked for.
_BACKLOGS: Final = """
    with readers as (
        select * from unnest(%(first)s::bigint[], %(last)s::bigint[], %(position)s::bigint[])
            with ordinality reader (first, last, position, nth)
    ),
    counted as materialized (
        select place.position, next.shard, count(*) as events, min(next.recorded_at) as since
        from (select distinct position from readers) place
        cross join lateral (
            select shard, recorded_at from public.events
            where position > place.position order by position limit %(counted)s
        ) next
        group by place.position, next.shard
    ),
    looked_at as (select position, sum(events) >= %(counted)s as cut from counted group by position),
    lacking as (
        select nth, sum(events)::bigint as events, min(since) as since
        from readers join counted using (position) where shard between first and last group by nth
    )
    select coalesce(lacking.events, later.events, 0), coalesce(lacking.since, later.since)
    from readers
    left join lacking using (nth)
    left join looked_at on looked_at.position = readers.position
    left join lateral (
        select 1::bigint as events, recorded_at as since from public.events
        where looked_at.cut and lacking.nth is null
            and position > readers.position and shard between readers.first and readers.last
        order by position limit 1
    ) later on true
    order by nth
"""


def backlogs_of(
    connection: psycopg.Connection[TupleRow], readers: Sequence[Reader], *, counted: int = COUNTED
) -> list[Backlog]:
    """The readers' backlogs, in their order. `counted`: the most events looked at after each position; 1
    suffices to learn `since`."""
    bound = {
        "first": [reader.shards[0] for reader in readers],
        "last": [reader.shards[-1] for reader in readers],
        "position": [reader.position for reader in readers],
        "counted": counted,
    }
    with connection.cursor(row_factory=args_row(Backlog)) as cursor:
        return cursor.execute(_BACKLOGS, bound).fetchall()
