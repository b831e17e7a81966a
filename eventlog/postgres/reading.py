"""Read accounts and single events on a PostgreSQL connection, each by an index."""
# ruff: noqa: S608  (only constants are joined into the statements)

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg.rows import args_row

from eventlog.codec import KIND
from eventlog.errors import RowUnreadable
from eventlog.history import HistoryChunk
from eventlog.postgres.connect import Connection
from eventlog.records import Head, StoredEvent

COLUMNS: Final = ", ".join(StoredEvent.__struct_fields__)
"""The columns of an event, in the order of StoredEvent's fields."""

_HEAD: Final = """
    select version, hash, recorded_at from public.events
    where account_id = %(account_id)b order by version desc limit 1
"""

_ACCOUNT: Final = f"""
    select {COLUMNS} from public.events
    where account_id = %(account_id)b and version > %(after_version)b order by version limit %(limit)b
"""

_UP_TO: Final = f"""
    select wanted.account_id, found.*
    from unnest(%(account_ids)b::text[], %(versions)b::bigint[]) wanted (account_id, version)
    cross join lateral (
        select min(version), max(version), array_agg(position), array_agg(recorded_at),
            string_agg({KIND}, ','), array_agg(state), (array_agg(hash))[count(*)]
        from (
            select version, position, recorded_at, type, schema_version, state, hash from public.events
            where account_id = wanted.account_id and version <= wanted.version order by version
        ) in_order
        having count(*) > 0
    ) found
"""

# Sorted apart: in the order of the primary key the planner could choose to read the account's whole stream.
_COMMAND: Final = f"""
    with found as materialized (
        select {COLUMNS} from public.events
        where account_id = %(account_id)b and command_id = %(command_id)b
    )
    select * from found order by version
"""

# A range of the index of commands, in which the command's id is compared: the ids of accounts are bytes.
_COMMANDS_NAMED: Final = f"""
    select {COLUMNS} from public.events
    where account_id >= %(begins)b and account_id < %(beyond)b and command_id = %(command_id)b
    order by account_id, version limit %(limit)b
"""

_EVENT: Final = f"""
    select {COLUMNS} from public.events where account_id = %(account_id)b and version = %(version)b
"""

# One step in the primary key's index for each account.
_FIRST_EVENTS: Final = f"""
    select {COLUMNS} from public.events where account_id = any(%(account_ids)b) and version = 1
"""

_AT_POSITION: Final = f"""
    select {COLUMNS} from public.events where position = %(position)b
"""

_LAST_POSITION: Final = """
    select position from public.events order by position desc limit 1
"""

# One step in the primary key's index for each account, however long its history. Selecting version 1 would
# miss an account that has lost it, which a check must find.
_ACCOUNTS: Final = """
    with recursive accounts (account_id) as (
        (select account_id from public.events where account_id > %(after)b order by account_id limit 1)
        union all
        select (
            select later.account_id from public.events later
            where later.account_id > accounts.account_id order by later.account_id limit 1
        )
        from accounts where account_id is not null
    )
    select account_id from accounts where account_id is not null limit %(limit)b
"""


def head_of(connection: Connection, account_id: str) -> Head:
    rows = fetch(connection, _HEAD, account_id=account_id)
    return Head(*rows[0]) if rows else Head.NONE


def read_account(
    connection: Connection, account_id: str, after_version: int, limit: int | None
) -> list[StoredEvent]:
    return fetch_events(connection, _ACCOUNT, account_id=account_id, after_version=after_version, limit=limit)


def histories_up_to(connection: Connection, versions: Mapping[str, int]) -> list[HistoryChunk]:
    bound = {"account_ids": list(versions), "versions": list(versions.values())}
    with connection.cursor(binary=True, row_factory=args_row(HistoryChunk)) as cursor:
        return cursor.execute(_UP_TO, bound, prepare=True).fetchall()


def find_command(connection: Connection, account_id: str, command_id: str) -> list[StoredEvent]:
    return fetch_events(connection, _COMMAND, account_id=account_id, command_id=command_id)


def commands_named(connection: Connection, begins: str, command_id: str, limit: int) -> list[StoredEvent]:
    beyond = begins[:-1] + chr(ord(begins[-1]) + 1)
    return fetch_events(
        connection, _COMMANDS_NAMED, begins=begins, beyond=beyond, command_id=command_id, limit=limit
    )


def event(connection: Connection, account_id: str, version: int) -> StoredEvent | None:
    rows = fetch_events(connection, _EVENT, account_id=account_id, version=version)
    return rows[0] if rows else None


def first_events(connection: Connection, account_ids: Sequence[str]) -> list[StoredEvent]:
    return fetch_events(connection, _FIRST_EVENTS, account_ids=list(account_ids))


def at_position(connection: Connection, position: int) -> StoredEvent | None:
    rows = fetch_events(connection, _AT_POSITION, position=position)
    return rows[0] if rows else None


def last_position(connection: Connection) -> int:
    rows = fetch(connection, _LAST_POSITION)
    return int(rows[0][0]) if rows else 0


def accounts(connection: Connection, after: str, limit: int) -> list[str]:
    return [account_id for (account_id,) in fetch(connection, _ACCOUNTS, after=after, limit=limit)]


@contextmanager
def readable() -> Iterator[None]:
    """Raise RowUnreadable if the driver cannot decode a row that is read in the block."""
    try:
        yield
    except psycopg.DataError as error:
        raise RowUnreadable(str(error)) from error


def fetch(connection: Connection, statement: str, **bound: object) -> list[tuple[Any, ...]]:
    """Execute a prepared statement in binary format and return all rows."""
    return connection.execute(statement, bound, prepare=True, binary=True).fetchall()


def fetch_events(connection: Connection, statement: str, **bound: object) -> list[StoredEvent]:
    """Execute a prepared statement that selects COLUMNS and return its events."""
    with connection.cursor(binary=True, row_factory=args_row(StoredEvent)) as cursor:
        return cursor.execute(statement, bound, prepare=True).fetchall()
