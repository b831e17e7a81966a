"""Halts that are remembered: the process that halted is gone when somebody asks.

keep(connection, "prorata-relay-events", halted)
for halt in halts(connection):
    halt.stream, halt.code, halt.message
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from psycopg.rows import class_row

from publishing.errors import RelayHalted
from publishing.lease import Connection


class Halt(msgspec.Struct, frozen=True):
    """A relay's last halt. `stream`: the name of its lease, prefix and all."""

    stream: str
    code: str
    message: str
    halted_at: datetime


_KEEP: Final = """
    insert into publishing.halts (stream, code, message) values (%(stream)s, %(code)s, %(message)s)
    on conflict (stream) do update
    set code = excluded.code, message = excluded.message, halted_at = clock_timestamp()
"""

_FORGET: Final = "delete from publishing.halts where stream = %(stream)s"

_ALL: Final = "select stream, code, message, halted_at from publishing.halts order by halted_at"


def keep(connection: Connection, stream: str, halted: RelayHalted) -> None:
    """Remember it."""
    connection.execute(_KEEP, {"stream": stream, "code": halted.code, "message": str(halted)})


def forget(connection: Connection, stream: str) -> None:
    """The stream's relay works."""
    connection.execute(_FORGET, {"stream": stream})


def halts(connection: Connection) -> list[Halt]:
    """Those that nobody has mended yet, the oldest first."""
    with connection.cursor(row_factory=class_row(Halt)) as cursor:
        return cursor.execute(_ALL).fetchall()
