"""The tables of read models: what they have in common, and the statements that write them.

A read model names its tables and makes rows of documents; each row ends in `version`, `revision`, `fold`.
Tables are written here alone: by `upsert` page after page, by `copy` into the empty ones of a rebuild. Those
have the same names with a suffix such as `_v2`, until they take the place of the live ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
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
"""Of one document: the rows of each of the projection's tables."""

SCHEMA = "projections"
_MADE_BY = "version", "revision", "fold"


@dataclass(frozen=True)
class Table:
    """A table of a read model: its own columns, in the order of its rows.

    `whole_accounts`: an account's rows are all written anew together, and those that were not are removed.
    """

    name: str
    own_columns: tuple[str, ...]
    key: tuple[str, ...]
    whole_accounts: bool = False

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
        """Write the rows of the documents, of which no two have the same key."""
        if not documents:
            return
        for table, rows in zip(self.tables, self._rows_by_table(documents), strict=True):
            if rows:
                columns = table.columns
                objects = [dict(zip(columns, row, strict=True)) for row in rows]
                bound = {"rows": msgspec.json.encode(objects).decode()}
                connection.execute(_upsert(table, self.suffix), bound)
            if table.whole_accounts:
                accounts = {
                    "account_id": [d.account for d in documents],
                    "revision": [d.revision for d in documents],
                    "fold": self.fold.version,
                }
                connection.execute(_remove_older(table, self.suffix), accounts)

    def copy(self, connection: Connection, documents: Sequence[Any]) -> None:
        """The same into tables that have no row of these accounts, fast."""
        for table, rows in zip(self.tables, self._rows_by_table(documents), strict=True):
            with connection.cursor() as cursor, cursor.copy(_copy(table, self.suffix)) as stream:
                for row in rows:
                    stream.write_row(row)

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


# As JSON: arrays of columns take the driver twice as long to write.
@lru_cache
def _upsert(table: Table, suffix: str) -> sql.Composed:
    changes = [
        sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name))
        for name in table.columns
        if name not in table.key
    ]
    return sql.SQL(
        "insert into {table} ({columns}) "
        "select {columns} from json_populate_recordset(null::{table}, %(rows)s::json) "
        "on conflict ({key}) do update set {changes}"
    ).format(
        table=qualified(table, suffix),
        columns=names(table.columns),
        key=names(table.key),
        changes=sql.SQL(", ").join(changes),
    )


@lru_cache
def _remove_older(table: Table, suffix: str) -> sql.Composed:
    return sql.SQL(
        "delete from {} held "
        "using unnest(%(account_id)s::text[], %(revision)s::bigint[]) now (account_id, revision) "
        "where held.account_id = now.account_id and (held.revision, held.fold) <> (now.revision, %(fold)s)"
    ).format(qualified(table, suffix))


@lru_cache
def _copy(table: Table, suffix: str) -> sql.Composed:
    return sql.SQL("copy {} ({}) from stdin").format(qualified(table, suffix), names(table.columns))


@overload
def utc(at: Instant) -> Instant: ...
@overload
def utc(at: None) -> None: ...
def utc(at: Instant | None) -> Instant | None:
    """The instant as documents have it, whatever the session's time zone is."""
    return None if at is None else at.astimezone(UTC)
