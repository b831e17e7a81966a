"""Halts that are remembered: the process that halted is gone when somebody asks.

    RELAYS.keep(connection, "prorata-relay-events", halted.code, str(halted))
    for halt in RELAYS.all(connection):
        halt.name, halt.code, halt.message

The relays' are in `publishing.halts`; what keeps halts in a table of its own has its own `Halts`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg import sql
from psycopg.rows import class_row

from eventlog.postgres.connect import Connection


class Halt(msgspec.Struct, frozen=True):
    """The last halt of what has this name, for a relay that of its lease, prefix and all."""

    name: str
    code: str
    message: str
    since: datetime


_KEEP: Final = sql.SQL(
    "insert into {table} ({key}, code, message) values (%(name)s, %(code)s, %(message)s) "
    "on conflict ({key}) do update "
    "set code = excluded.code, message = excluded.message, halted_at = clock_timestamp()"
)
_FORGET: Final = sql.SQL("delete from {table} where {key} = %(name)s")
_ALL: Final = sql.SQL(
    "select {key} as name, code, message, halted_at as since from {table} order by halted_at"
)


class Halts:
    """The halts in a table: `key` is the column of the name, the others are those of Halt."""

    def __init__(self, schema: str, key: str) -> None:
        self._names: dict[str, Any] = {"table": sql.Identifier(schema, "halts"), "key": sql.Identifier(key)}

    def keep(self, connection: Connection, name: str, code: str, message: str) -> None:
        """Remember it."""
        connection.execute(_KEEP.format(**self._names), {"name": name, "code": code, "message": message})

    def forget(self, connection: Connection, name: str) -> None:
        """It works."""
        connection.execute(_FORGET.format(**self._names), {"name": name})

    def all(self, connection: Connection) -> list[Halt]:
        """Those that nobody has mended yet, the oldest first."""
        with connection.cursor(row_factory=class_row(Halt)) as cursor:
            return cursor.execute(_ALL.format(**self._names)).fetchall()


RELAYS: Final = Halts("publishing", "stream")
