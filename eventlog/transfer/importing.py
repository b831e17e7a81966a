"""Import an exported log into an empty one, in one transaction: all of it, or nothing.

    contents = import_log(database_url, file)              # or InvalidInput `invalid_export`, with the line
    contents = import_log(database_url, file, dry_run=True)    # the same checks, and nothing is changed

The chains are kept, since the log's own id is taken over, and positions too: seals of the other log hold.
"""

from __future__ import annotations

from typing import BinaryIO, Final

from psycopg import sql

from eventlog.errors import LogNotEmpty
from eventlog.postgres.connect import Connection, connect
from eventlog.postgres.migrate import as_owner
from eventlog.records import StoredEvent
from eventlog.transfer.lines import Contents, Reading

_COLUMNS: Final = StoredEvent.__struct_fields__
_TYPES: Final = (
    "int8", "text", "int8", "int2", "uuid", "text", "text", "int2", "timestamptz", "timestamptz", "text",
    "bytea", "bytea", "bytea",
)  # fmt: skip

# What others do waits for the end. Their sessions have taken the log's id to be the one that it will lose.
_LOCK: Final = "lock table public.events, public.log in access exclusive mode"
_OTHERS: Final = """
    select usename, count(*) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and usename is not null
    group by usename order by usename
"""
_ANY_EVENT: Final = "select exists (select from public.events)"
_TAKE_ID: Final = "update public.log set id = %(log_id)s, created_at = %(created_at)s"
_GO_ON: Final = "select setval('public.events_position', %(last)s)"


def import_log(database_url: str, file: BinaryIO, *, dry_run: bool = False) -> Contents:
    """Read the file from where it stands to its end, and make it the log's contents.

    Raises InvalidInput `invalid_export`; LogNotEmpty where there are events already, or sessions.
    """
    with connect(database_url, "prorata import") as connection:
        as_owner(connection)
        with connection.transaction():
            _check_empty(connection, lock=not dry_run)
            reading = Reading(file)
            if dry_run:
                for _ in reading.events():
                    pass
                return reading.holds
            _copy(connection, reading)
            contents = reading.holds
            _take_identity(connection, contents)
        return contents


def _check_empty(connection: Connection, *, lock: bool) -> None:
    others = connection.execute(_OTHERS).fetchall()
    if others:
        told = ", ".join(f"{count} of {name}" for name, count in others)
        raise LogNotEmpty(f"other sessions are connected to this database ({told})")
    if lock:
        connection.execute(_LOCK)
    [[any_event]] = connection.execute(_ANY_EVENT).fetchall()
    if any_event:
        raise LogNotEmpty("the log has events already")


def _copy(connection: Connection, reading: Reading) -> None:
    statement = sql.SQL("copy public.events ({}) from stdin (format binary)").format(
        sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(_TYPES)
        for event in reading.events():
            copy.write_row([getattr(event, column) for column in _COLUMNS])


def _take_identity(connection: Connection, contents: Contents) -> None:
    """The log becomes the one that was exported; its guard is off for this one change, as no other session
    can see it."""
    connection.execute("alter table public.log disable trigger append_only")
    connection.execute(_TAKE_ID, {"log_id": contents.log_id, "created_at": contents.created_at})
    connection.execute("alter table public.log enable always trigger append_only")
    if contents.last_position:
        connection.execute(_GO_ON, {"last": contents.last_position})
