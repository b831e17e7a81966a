"""Halts that are remembered: the process that halted is gone when somebody asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.rows import class_row

from consumers.errors import ConsumerHalted
from consumers.places import Connection


@dataclass(frozen=True)
class Halt:
    """A consumer's last halt."""

    consumer: str
    code: str
    message: str
    halted_at: datetime


_KEEP: Final = """
    insert into consumers.halts (consumer, code, message) values (%(consumer)s, %(code)s, %(message)s)
    on conflict (consumer) do update
    set code = excluded.code, message = excluded.message, halted_at = clock_timestamp()
"""

_FORGET: Final = "delete from consumers.halts where consumer = %(consumer)s"

_ALL: Final = "select consumer, code, message, halted_at from consumers.halts order by halted_at"


def keep(connection: Connection, consumer: str, halted: ConsumerHalted) -> None:
    """Remember it."""
    connection.execute(_KEEP, {"consumer": consumer, "code": halted.code, "message": str(halted)})


def forget(connection: Connection, consumer: str) -> None:
    """It takes records in."""
    connection.execute(_FORGET, {"consumer": consumer})


def halts(connection: Connection) -> list[Halt]:
    """Those that nobody has mended yet, the oldest first."""
    with connection.cursor(row_factory=class_row(Halt)) as cursor:
        return cursor.execute(_ALL).fetchall()
