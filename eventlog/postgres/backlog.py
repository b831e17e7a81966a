"""How far a reader of some shards is behind the log.

    [backlog] = backlogs_of(connection, [Reader(range(0, 8), 4711)])

It reads the index on shards, and counts at most COUNTED events of each shard. Events that are not settled yet
count too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

import psycopg
from psycopg.rows import TupleRow, args_row

COUNTED: Final = 10_000
"""The most events counted in each shard; the reader may lack more."""


class Reader(NamedTuple):
    """A reader of these shards that has every event up to the position, inclusive."""

    shards: range
    position: int


class Backlog(NamedTuple):
    """The number of events that a reader lacks, and when the first was recorded; None if it lacks none."""

    events: int
    since: datetime | None


_BACKLOGS: Final = """
    select coalesce(sum(lacking.events), 0)::bigint, min(lacking.since)
    from unnest(%(first)s::bigint[], %(last)s::bigint[], %(position)s::bigint[])
        with ordinality reader (first, last, position, nth)
    left join lateral (
        select count(*) as events, min(recorded_at) as since
        from generate_series(reader.first, reader.last) wanted
        cross join lateral (
            select recorded_at from public.events
            where (shard, position) > (wanted, reader.position) and (shard, position) <= (wanted, %(beyond)s)
            order by shard, position limit %(counted)s
        ) next
    ) lacking on true
    group by reader.nth order by reader.nth
"""


def backlogs_of(
    connection: psycopg.Connection[TupleRow], readers: Sequence[Reader], *, counted: int = COUNTED
) -> list[Backlog]:
    """The readers' backlogs, in their order. `counted`: the most events counted in each shard; 1 suffices to
    learn `since`."""
    bound = {
        "first": [reader.shards[0] for reader in readers],
        "last": [reader.shards[-1] for reader in readers],
        "position": [reader.position for reader in readers],
        "beyond": 2**63 - 1,
        "counted": counted,
    }
    with connection.cursor(row_factory=args_row(Backlog)) as cursor:
        return cursor.execute(_BACKLOGS, bound).fetchall()
