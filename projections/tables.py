"""The tables of read models: what they have in common, and the statements that write them.

A read model names its tables and makes rows of documents; each row ends in `version`, `revision`, `fold`.
Tables are written here alone: by `upsert` page after page, by `copy` into the empty ones of a rebuild. Those
have the same names with a suffix such as `_v2`, until they take the place of the live ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final, TypeAlias, overload

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from domain.calendar import Instant
from projections.fold import Fold

Connection: TypeAlias = psycopg.Connection[TupleRow]
Row: TypeAlias = tuple[Any, ...]
Rows: TypeAlias = tuple[Sequence[Row], ...]
"""Of one document: the rows of each of the projection's tables."""

SCHEMA = "projections"
_MADE_BY = "version", "revision", "fold"


@dataclass(frozen=True)
class Table:
    """A table of a read model: its own columns, in the order of its rows. They hold texts, numbers, booleans,
    dates and instants.

    `whole_accounts`: an account's rows are all written anew together, and those that were not are removed.
    `rules` says by which rule a row is what it is: under "" the row as a whole, else a column.
    `types` and `indexes` make the table where no migration did: the type of each of its own columns, and
    for each index what stands after `using`.
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
        """With what every row ends in."""
        return self.own_columns + _MADE_BY


@dataclass(frozen=True)
class Projection:
    """A read model: its fold, its tables, and the rows that a document is in them.

    `suffix` is empty for the live tables. With it, `name` is also that of its checkpoint and parked accounts.
    """

    fold: Fold[Any, Any]
    tables: tuple[Table, ...]
    rows: Callable[[Any], Rows]
    suffix: str = ""

    @property
    def name(self) -> str:
        return self.fold.name + self.suffix

    def generation(self, number: int) -> Projection:
        """The same read model on the tables of that generation, apart from the live ones."""
        return replace(self, suffix=f"_v{number}")

    def upsert(self, connection: Connection, documents: Sequence[Any]) -> None:
        """Write the rows of the documents, of which no two have the same key. In a transaction."""
        if not documents:
            return
        accounts = list(dict.fromkeys([document.account for document in documents]))
        for table, rows in zip(self.tables, self._rows_by_table(documents), strict=True):
            if table.whole_accounts or table.key == ("account_id",):
                keys = [accounts]
            else:
                keys = [list(column) for column in zip(*rows, strict=True)][: len(table.key)]
            if keys:
                kinds = tuple([_KINDS[type(column[0])] for column in keys])
                connection.execute(_remove(table, self.suffix, kinds), [*map(_array, keys)])
            if rows:
                _copy_rows(connection, table, self.suffix, rows)

    def copy(self, connection: Connection, documents: Sequence[Any]) -> None:
        """The same into tables that have no row of these accounts, fast."""
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
    """The table's full name."""
    return sql.Identifier(SCHEMA, table.name + suffix)


def names(columns: Iterable[str]) -> sql.Composed:
    """Column names with commas between."""
    return sql.SQL(", ").join(map(sql.Identifier, columns))


_KINDS: Final[Mapping[type, str]] = {str: "text", int: "bigint", date: "date", datetime: "timestamptz"}
"""What the columns of keys are."""


# Removed and copied in again, rows take the server two thirds of an upsert's time, and this process half.
@lru_cache
def _remove(table: Table, suffix: str, kinds: tuple[str, ...]) -> sql.Composed:
    """The rows whose key begins with what stands at one place of these arrays."""
    key = table.key[: len(kinds)]
    arrays = [sql.SQL("%s::{}[]").format(sql.SQL(kind)) for kind in kinds]
    same = [sql.SQL("held.{0} = gone.{0}").format(sql.Identifier(name)) for name in key]
    return sql.SQL("delete from {} held using unnest({}) gone ({}) where {}").format(
        qualified(table, suffix), sql.SQL(", ").join(arrays), names(key), sql.SQL(" and ").join(same)
    )


def _array(values: Sequence[Any]) -> str | list[Any]:
    """As PostgreSQL reads it: its syntax is that of JSON, but for the escapes."""
    written = msgspec.json.encode(values).decode()
    return list(values) if "\\" in written else f"{{{written[1:-1]}}}"


def _copy_rows(connection: Connection, table: Table, suffix: str, rows: Sequence[Row]) -> None:
    """As CSV where the encoder of JSON makes it, in a third of the driver's time."""
    lines = msgspec.json.Encoder().encode_lines(rows)[1:-2].replace(b"]\n[", b"\n")
    plain = b"\\" not in lines  # an escape of JSON's, which means something else in CSV
    with connection.cursor() as cursor, cursor.copy(_copy(table, suffix, csv=plain)) as stream:
        if plain:
            stream.write(lines)
        else:
            for row in rows:
                stream.write_row(row)


@lru_cache
def _copy(table: Table, suffix: str, *, csv: bool) -> sql.Composed:
    options = sql.SQL(" (format csv, null 'null')" if csv else "")
    into = qualified(table, suffix), names(table.columns)
    return sql.SQL("copy {} ({}) from stdin{}").format(*into, options)


@overload
def utc(at: Instant) -> Instant: ...
@overload
def utc(at: None) -> None: ...
def utc(at: Instant | None) -> Instant | None:
    """The instant as documents have it, whatever the session's time zone is."""
    return None if at is None else at.astimezone(UTC)
