"""The tables of read models, and the statements that write them.

A read model names its tables and turns documents into rows; each row ends in `version`, `revision`, `fold`.
All writes are here: `upsert` writes page after page and changes in place what is there, `copy` fills the
empty tables of a rebuild, whose names have a suffix such as `_v2` until they replace the live ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC
from functools import lru_cache
from typing import Any, TypeAlias, overload

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from domain.calendar import Instant
from projections.fold import Fold

Connection: TypeAlias = psycopg.Connection[TupleRow]
Row: TypeAlias = tuple[Any, ...]
Rows: TypeAlias = tuple[Sequence[Row], ...]
"""The rows that a document becomes: a sequence of them for each of the projection's tables."""

SCHEMA = "projections"
_MADE_BY = "version", "revision", "fold"


@dataclass(frozen=True)
class Table:
    """A table of a read model: its own columns, in the order of its rows. They hold texts, numbers, booleans,
    dates and instants.

    `whole_accounts`: a document replaces all rows of its account in it. `rules`: column → rule number; "" is
    the row's default. `types` and `indexes` are for tables that no migration makes: the type of each own
    column, and each index's definition after `using`.
    """

    name: str
    own_columns: tuple[str, ...]
    key: tuple[str, ...]
    whole_accounts: bool = False
    rules: Mapping[str, str] = field(default_factory=dict, hash=False)
    types: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()

    @classmethod
    def made_of(
        cls,
        name: str,
        columns: Mapping[str, str],
        *,
        key: tuple[str, ...],
        whole_accounts: bool = False,
        rules: Mapping[str, str],
        indexes: tuple[str, ...] = (),
    ) -> Table:
        """A table that its first rebuild makes: its columns with their types, such as `numeric not null`."""
        return cls(name, tuple(columns), key, whole_accounts, rules, tuple(columns.values()), indexes)

    @property
    def columns(self) -> tuple[str, ...]:
        """The own columns, then `version`, `revision` and `fold`."""
        return self.own_columns + _MADE_BY


@dataclass(frozen=True)
class Projection:
    """A read model: its fold, its tables, and `rows`, which turns a document into their rows.

    `suffix` is empty for the live tables. `name`, which includes it, also names its checkpoints and parked
    accounts.
    """

    fold: Fold[Any, Any]
    tables: tuple[Table, ...]
    rows: Callable[[Any], Rows]
    suffix: str = ""

    @property
    def name(self) -> str:
        return self.fold.name + self.suffix

    def generation(self, number: int) -> Projection:
        """The same read model on the tables of this generation instead of the live ones."""
        return replace(self, suffix=f"_v{number}")

    def upsert(self, connection: Connection, documents: Sequence[Any]) -> None:
        """Write the rows of documents with different keys, within the caller's transaction. A row that is
        there is changed in place."""
        if not documents:
            return
        made_by = [(document.account, document.revision, document.fold) for document in documents]
        for table, rows in zip(self.tables, self._rows_by_table(documents), strict=True):
            if rows:
                statement = _merge(table, self.suffix, _types(connection, table, self.suffix))
                connection.execute(statement, [*map(_array, zip(*rows, strict=True))])
            if table.whole_accounts:
                remove = _remove(table, self.suffix)
                connection.execute(remove, [*map(_array, zip(*made_by, strict=True))])

    def copy(self, connection: Connection, documents: Sequence[Any]) -> None:
        """Write the rows of documents into tables without a row of these accounts; faster than `upsert`."""
        for table, rows in zip(self.tables, self._rows_by_table(documents), strict=True):
            if rows:
                _copy_rows(connection, table, self.suffix, rows)

    def _rows_by_table(self, documents: Iterable[Any]) -> list[list[Row]]:
        by_table: list[list[Row]] = [[] for _ in self.tables]
        for document in documents:
            for rows, more in zip(by_table, self.rows(document), strict=True):
                rows += more
        return by_table


def qualified(table: Table, suffix: str) -> sql.Identifier:
    """The table's name with schema and suffix."""
    return sql.Identifier(SCHEMA, table.name + suffix)


def names(columns: Iterable[str]) -> sql.Composed:
    """The column names, comma-separated."""
    return sql.SQL(", ").join(map(sql.Identifier, columns))


# Rows go to the server as an array for each column. Updated in place they cost it no more than deleted and
# copied in again, write half as much to its log, and leave nothing behind that a vacuum must find.
@lru_cache
def _merge(table: Table, suffix: str, types: tuple[str, ...]) -> bytes:
    """A statement that writes the rows of the arrays, one for each column of those types."""
    arrays = sql.SQL(", ").join([sql.SQL("%s::{}[]").format(sql.SQL(kind)) for kind in types])
    same = [sql.SQL("held.{0} = made.{0}").format(sql.Identifier(name)) for name in table.key]
    others = [name for name in table.columns if name not in table.key]
    changes = [sql.SQL("{0} = made.{0}").format(sql.Identifier(name)) for name in others]
    values = [sql.SQL("made.{}").format(sql.Identifier(name)) for name in table.columns]
    statement = sql.SQL(
        "merge into {table} held using unnest({arrays}) made ({columns}) on {same}"
        " when matched then update set {changes}"
        " when not matched then insert ({columns}) values ({values})"
    ).format(
        table=qualified(table, suffix),
        arrays=arrays,
        columns=names(table.columns),
        same=sql.SQL(" and ").join(same),
        changes=sql.SQL(", ").join(changes),
        values=sql.SQL(", ").join(values),
    )
    return statement.as_bytes()


@lru_cache
def _remove(table: Table, suffix: str) -> bytes:
    """A statement that deletes the rows of the accounts of the first array that are not of the revision and
    the fold that stand in the two others."""
    return (
        sql.SQL(
            "delete from {} held"
            " using unnest(%s::text[], %s::bigint[], %s::integer[]) made (account_id, revision, fold)"
            " where held.account_id = made.account_id"
            " and (held.revision, held.fold) <> (made.revision, made.fold)"
        )
        .format(qualified(table, suffix))
        .as_bytes()
    )


_TYPES = """
    select attname, format_type(atttypid, atttypmod) from pg_attribute
    where attrelid = %(table)s::regclass and attnum > 0 and not attisdropped
"""
_types_of: dict[Table, tuple[str, ...]] = {}
"""What `_types` has found. No migration changes the type of a column."""


def _types(connection: Connection, table: Table, suffix: str) -> tuple[str, ...]:
    """The types of the table's columns, in the order of its rows."""
    found = _types_of.get(table)
    if found is None:
        bound = {"table": qualified(table, suffix).as_string(connection)}
        types: dict[str, str] = dict(connection.execute(_TYPES, bound).fetchall())
        found = _types_of[table] = tuple([types[name] for name in table.columns])
    return found


def _array(values: Sequence[Any]) -> str | list[Any]:
    """The values as an array literal, faster than the driver: JSON's syntax, unless there are escapes."""
    written = msgspec.json.encode(values).decode()
    return list(values) if "\\" in written else f"{{{written[1:-1]}}}"


def _copy_rows(connection: Connection, table: Table, suffix: str, rows: Sequence[Row]) -> None:
    """Copy the rows in as CSV made by the JSON encoder, in a third of the driver's time, where that is
    possible."""
    lines = msgspec.json.Encoder().encode_lines(rows)[1:-2].replace(b"]\n[", b"\n")
    plain = b"\\" not in lines  # a JSON escape would mean something else in CSV
    with connection.cursor() as cursor, cursor.copy(_copy(table, suffix, csv=plain)) as stream:
        if plain:
            stream.write(lines)
        else:
            for row in rows:
                stream.write_row(row)


@lru_cache
def _copy(table: Table, suffix: str, *, csv: bool) -> bytes:
    options = sql.SQL(" (format csv, null 'null')" if csv else "")
    into = qualified(table, suffix), names(table.columns)
    return sql.SQL("copy {} ({}) from stdin{}").format(*into, options).as_bytes()


@overload
def utc(at: Instant) -> Instant: ...
@overload
def utc(at: None) -> None: ...
def utc(at: Instant | None) -> Instant | None:
    """The instant in UTC, as documents have it, whatever the session's time zone."""
    return None if at is None else at.astimezone(UTC)
