"""Generations of a read model's tables: made beside the live ones, put in their place, dropped.

The live tables of `entitlements` are `entitlements` and `accounts`. A rebuild makes `entitlements_v2` and
`accounts_v2`; after the swap these have the live names, and those before are called `entitlements_v1` and
`accounts_v1`.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from psycopg import sql

from projections.tables import SCHEMA, Connection, Projection, qualified

# Rights are not copied: they are granted as in the first migration.
_CREATE: Final = sql.SQL(
    "create table {new} (like {live} including all); "
    "grant select, insert, update, delete on {new} to prorata_service"
)
_DROP: Final = sql.SQL("drop table {table}")
_RENAME: Final = sql.SQL("alter table {table} rename to {name}")

_WITH_SUFFIX: Final = """
    select tablename, substring(tablename from '_v([0-9]+)$')::integer from pg_tables
    where schemaname = 'projections' and tablename ~ %(pattern)s order by tablename
"""

_FORGET: Final = {
    "checkpoint": "delete from projections.checkpoints where projection = %(name)s",
    "parked": "delete from projections.parked where projection = %(name)s",
}

_TAKE_CHECKPOINT: Final = """
    update projections.checkpoints live
    set generation = new.generation, fold = new.fold, position = new.position, hash = new.hash,
        turn = live.turn + 1, moved_at = now()
    from projections.checkpoints new
    where live.projection = %(live)s and new.projection = %(new)s
"""

_TAKE_PARKED: Final = """
    update projections.parked set projection = %(live)s where projection = %(new)s
"""

_RENAME_WAIT: Final = "set local lock_timeout = '1s'"


def create(connection: Connection, new: Projection) -> None:
    """Make the empty tables of a generation, like the live ones."""
    for table in new.tables:
        statement = _CREATE.format(new=qualified(table, new.suffix), live=qualified(table, ""))
        connection.execute(statement)


def drop(connection: Connection, live: Projection, numbers: Container[int]) -> list[str]:
    """Drop the tables of these generations; return their names."""
    dropped = []
    for table in live.tables:
        pattern = {"pattern": f"^{table.name}_v[0-9]+$"}
        for name, number in connection.execute(_WITH_SUFFIX, pattern).fetchall():
            if number in numbers:
                connection.execute(_DROP.format(table=sql.Identifier(SCHEMA, name)))
                dropped.append(name)
    return dropped


def forget(connection: Connection, new: Projection) -> None:
    """Remove the checkpoint and the parked accounts of a generation."""
    for statement in _FORGET.values():
        connection.execute(statement, {"name": new.name})


def swap(connection: Connection, live: Projection, new: Projection, live_generation: int) -> None:
    """Let the generation take the live one's names, checkpoint and parked accounts.

    In a transaction that has locked the live checkpoint, so that no projector is inside the tables. Readers
    may be: raises psycopg.errors.LockNotAvailable when one keeps them for more than a second.
    """
    connection.execute(_RENAME_WAIT)
    old = live.generation(live_generation)
    for table in live.tables:
        for before, after in (("", old.suffix), (new.suffix, "")):
            name = sql.Identifier(table.name + after)
            connection.execute(_RENAME.format(table=qualified(table, before), name=name))
    both = {"live": live.name, "new": new.name}
    connection.execute(_FORGET["parked"], {"name": live.name})
    connection.execute(_TAKE_PARKED, both)
    connection.execute(_TAKE_CHECKPOINT, both)
    connection.execute(_FORGET["checkpoint"], {"name": new.name})
