"""Generations of a read model's tables: create, index, swap in and drop them.

The live tables of `entitlements` are `entitlements` and `accounts`. A rebuild makes `entitlements_v2` and
`accounts_v2`; after the swap these have the live names, and those before are called `entitlements_v1` and
`accounts_v1`.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from psycopg import sql

from eventlog.postgres.replacing import take_after, views_follow
from projections.tables import SCHEMA, Connection, Projection, Table, qualified

# Without indexes: making them on the full table takes half the time of maintaining them row by row.
_CREATE: Final = sql.SQL("create table {new} (like {live} including all excluding indexes)")
_CREATE_FIRST: Final = sql.SQL("create table {new} ({columns})")
_MADE_BY: Final = "version bigint not null", "revision bigint not null", "fold integer not null"
_ALIKE: Final = "invoices"
"""The first tables of an added read model get the owner, the rights and the options of this read model's
table."""
_ADD: Final = sql.SQL("alter table {new} add {constraint}")
_INDEX: Final = sql.SQL("create {unique}index on {new} using {method}")
_ANALYZE: Final = sql.SQL("analyze {new}")

_CONSTRAINTS: Final = """
    select pg_get_constraintdef(oid) from pg_constraint
    where conrelid = %(table)s::regclass and contype in ('p', 'u', 'x') order by contype, conname
"""
_INDEXES: Final = """
    select indisunique, pg_get_indexdef(indexrelid) from pg_index
    where indrelid = %(table)s::regclass
        and not exists (select from pg_constraint where conindid = indexrelid)
    order by indexrelid
"""
# `like` leaves these out: room for updates in place, and when the table is vacuumed.
_OPTIONS: Final = """
    select option_name, option_value from pg_class cross join pg_options_to_table(reloptions)
    where pg_class.oid = %(table)s::regclass
"""
_SET: Final = sql.SQL("alter table {new} set ({option} = {value})")
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
    where live.projection = %(live)s and new.projection = %(new)s and live.lane = new.lane
"""

_TAKE_FIRST_CHECKPOINT: Final = """
    update projections.checkpoints set projection = %(live)s, turn = turn + 1 where projection = %(new)s
"""

_TAKE_PARKED: Final = """
    update projections.parked set projection = %(live)s where projection = %(new)s
"""

_RENAME_WAIT: Final = "set local lock_timeout = '1s'"


def create(connection: Connection, new: Projection, *, first: bool) -> None:
    """Make the empty tables of a generation, without indexes: like the live ones, or for the `first`
    generation as the read model's module declares them."""
    for table in new.tables:
        if first:
            columns = [f"{name} {kind}" for name, kind in zip(table.own_columns, table.types, strict=True)]
            listed = sql.SQL(", ".join([*columns, *_MADE_BY]))
            connection.execute(_CREATE_FIRST.format(new=qualified(table, new.suffix), columns=listed))
        else:
            names = {"new": qualified(table, new.suffix), "live": qualified(table, "")}
            connection.execute(_CREATE.format(**names))
        alike = _ALIKE if first else table.name
        take_after(connection, (SCHEMA, alike), (SCHEMA, table.name + new.suffix), described=not first)
        for option, value in connection.execute(_OPTIONS, {"table": f"{SCHEMA}.{alike}"}).fetchall():
            names = {"new": qualified(table, new.suffix), "option": sql.Identifier(option)}
            connection.execute(_SET.format(value=sql.Literal(value), **names))


def index(connection: Connection, new: Projection, *, first: bool) -> None:
    """Give the full tables the indexes of the live ones, or for the `first` generation those that are
    declared.

    Raises psycopg.errors.UniqueViolation if two rows have the same key.
    """
    for table in new.tables:
        name = qualified(table, new.suffix)
        constraints, indexes = _declared(table) if first else _of_live(connection, table)
        for constraint in constraints:
            connection.execute(_ADD.format(new=name, constraint=sql.SQL(constraint)))
        for unique, method in indexes:
            made = _INDEX.format(new=name, unique=sql.SQL("unique " * unique), method=sql.SQL(method))
            connection.execute(made)
        connection.execute(_ANALYZE.format(new=name))


def _declared(table: Table) -> tuple[list[str], list[tuple[bool, str]]]:
    return [f"primary key ({', '.join(table.key)})"], [(False, index) for index in table.indexes]


def _of_live(connection: Connection, table: Table) -> tuple[list[str], list[tuple[bool, str]]]:
    bound = {"table": f"{SCHEMA}.{table.name}"}
    constraints = [definition for (definition,) in connection.execute(_CONSTRAINTS, bound)]
    indexes = [
        (unique, definition.partition(" USING ")[2])
        for unique, definition in connection.execute(_INDEXES, bound)
    ]
    return constraints, indexes


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


def swap(connection: Connection, live: Projection, new: Projection, live_generation: int | None) -> None:
    """Give the new generation the live one's names, checkpoints and parked accounts; `live_generation` None:
    there are no live tables yet.

    The caller's transaction has locked the live checkpoints, so that no projector writes. Raises
    psycopg.errors.LockNotAvailable if a reader holds the live tables for more than a second.
    """
    connection.execute(_RENAME_WAIT)
    renamed = [(new.suffix, "")]
    if live_generation is not None:
        renamed.insert(0, ("", live.generation(live_generation).suffix))
    replaced = [] if live_generation is None else [(SCHEMA, table.name) for table in live.tables]
    with views_follow(connection, replaced):
        for table in live.tables:
            for before, after in renamed:
                name = sql.Identifier(table.name + after)
                connection.execute(_RENAME.format(table=qualified(table, before), name=name))
    both = {"live": live.name, "new": new.name}
    connection.execute(_FORGET["parked"], {"name": live.name})
    connection.execute(_TAKE_PARKED, both)
    connection.execute(_TAKE_FIRST_CHECKPOINT if live_generation is None else _TAKE_CHECKPOINT, both)
    connection.execute(_FORGET["checkpoint"], {"name": new.name})
