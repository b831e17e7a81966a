"""Find tables that rebuilds and replays have left beside the live ones, and the commands that remove them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import psycopg
from psycopg.rows import TupleRow

from consumers.leftovers import leftovers as of_replays
from prorata.status.report import LeftoverTables

Connection = psycopg.Connection[TupleRow]

# A rebuild holds its advisory lock while it runs; pg_locks shows the lock's 64 bits in halves.
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


def leftovers(connection: Connection) -> tuple[LeftoverTables, ...]:
    """The tables that rebuilds have left, then those of replays."""
    return (*_of_rebuilds(connection), *_of_replays(connection))


def is_generation(name: str) -> bool:
    """Whether a projection's name, such as `entitlements_v2`, is that of a rebuild."""
    return _OF_GENERATION.fullmatch(name) is not None


def _of_replays(connection: Connection) -> Iterator[LeftoverTables]:
    for left in of_replays(connection):
        discard = f"`prorata replay {left.consumer} --discard` drops it"
        remedy = (
            f"`prorata replay {left.consumer}` goes on with it, {discard}" if left.unfinished else discard
        )
        yield LeftoverTables(left.name, left.unfinished, left.running, remedy)


def _of_rebuilds(connection: Connection) -> Iterator[LeftoverTables]:
    begun = {(projection, number): running for projection, number, running in connection.execute(_REBUILDS)}
    for (projection, number), running in begun.items():
        rebuild = f"prorata rebuild {projection}"
        remedy = f"`{rebuild}` goes on with it, `{rebuild} --discard` drops it"
        yield LeftoverTables(f"{projection}_v{number}", unfinished=True, running=running, remedy=remedy)
    for (table,) in connection.execute(_GENERATIONS):
        projection, number = _projection_of(table)
        if (projection, number) not in begun:
            remedy = f"`prorata rebuild {projection} --discard` drops it"
            yield LeftoverTables(table, unfinished=False, running=False, remedy=remedy)


def _projection_of(table: str) -> tuple[str, int]:
    """The projection that the table belongs to, and the generation."""
    from projections.registry import ALL

    found = _OF_GENERATION.fullmatch(table)
    assert found is not None
    name, number = found[1], int(found[2])
    owners = [projection.name for projection in ALL if name in [made.name for made in projection.tables]]
    return owners[0] if owners else name, number
