"""Compare two generations of a read model's tables, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from psycopg import sql

from projections.tables import Connection, Projection, Table, qualified

# The server joins the tables by primary key and compares the rows; it sends only the differences.
_COMPARE: Final = sql.SQL(
    "select {live_columns}, {new_columns} from {live} live full join {new} new on {same_key} "
    "where ({live_compared}) is distinct from ({new_compared})"
)
_ROWS_AT_ONCE: Final = 1_000

_NOT_COMPARED: Final = ("fold",)
"""`fold` tells which code wrote the row, not what the row means."""


class RowDifference(msgspec.Struct, frozen=True):
    """A row that differs; `live` or `rebuilt` is None if that side lacks it. `rules`: the numbers of the
    rules by which the rebuilt row is right."""

    table: str
    account: str
    key: tuple[Any, ...]
    live: dict[str, Any] | None
    rebuilt: dict[str, Any] | None
    rules: tuple[str, ...]

    def __str__(self) -> str:
        where = f"{self.table} {'/'.join(map(str, self.key))} ({', '.join(self.rules)})"
        if self.live is None:
            return f"{where}: is missing in the live table"
        if self.rebuilt is None:
            return f"{where}: should not be in the live table"
        rebuilt = self.rebuilt
        changed = [
            f"{name} is {self.live[name]}, should be {rebuilt[name]}" for name in _changed(self.live, rebuilt)
        ]
        return f"{where}: {'; '.join(changed)}"


def differences(connection: Connection, live: Projection, new: Projection) -> Iterator[RowDifference]:
    """Yield every row that differs in a column other than `fold`, within the connection's transaction."""
    for table in live.tables:
        with connection.cursor("differences") as cursor:
            cursor.itersize = _ROWS_AT_ONCE
            cursor.execute(_statement(table, new.suffix))
            for row in cursor:
                yield _difference(table, row)


def _difference(table: Table, row: tuple[Any, ...]) -> RowDifference:
    width = len(table.columns)
    live, new = (
        dict(zip(table.columns, half, strict=True)) if half[0] is not None else None
        for half in (row[:width], row[width:])
    )
    held = live or new or {}
    key = tuple([held[name] for name in table.key])
    return RowDifference(table.name, held["account_id"], key, live, new, _rules(table, live, new))


def _changed(live: dict[str, Any], rebuilt: dict[str, Any]) -> list[str]:
    return [name for name, value in rebuilt.items() if live[name] != value and name not in _NOT_COMPARED]


def _rules(table: Table, live: dict[str, Any] | None, new: dict[str, Any] | None) -> tuple[str, ...]:
    """The rules of the columns that differ; the row's default if it is missing on a side or only its event
    differs."""
    whole = table.rules.get("", "")
    columns = [] if live is None or new is None else _changed(live, new)
    own = [table.rules.get(name, whole) for name in columns if name in table.own_columns]
    return tuple(dict.fromkeys(own or [whole]))


def _statement(table: Table, suffix: str) -> sql.Composed:
    compared = [name for name in table.columns if name not in _NOT_COMPARED]
    same_key = [
        sql.SQL("{0} = {1}").format(_column("live", name), _column("new", name)) for name in table.key
    ]
    return _COMPARE.format(
        live_columns=_column_list("live", table.columns),
        new_columns=_column_list("new", table.columns),
        live=qualified(table, ""),
        new=qualified(table, suffix),
        same_key=sql.SQL(" and ").join(same_key),
        live_compared=_column_list("live", compared),
        new_compared=_column_list("new", compared),
    )


def _column_list(alias: str, columns: Any) -> sql.Composed:
    return sql.SQL(", ").join([_column(alias, name) for name in columns])


def _column(alias: str, column: str) -> sql.Identifier:
    return sql.Identifier(alias, column)
