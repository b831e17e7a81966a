"""Appends on a PostgreSQL connection: a single statement for any number of accounts and events."""
# ruff: noqa: S608  (only constants are joined into the statements)

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Final

import msgspec
import psycopg
from msgspec.structs import replace

from eventlog.appending import is_stored_as
from eventlog.errors import VersionConflict
from eventlog.port import Outcome
from eventlog.postgres.connect import Connection
from eventlog.postgres.positions import Positions
from eventlog.postgres.reading import head_of, read_account
from eventlog.postgres.row_encoding import COLUMNS, Packed, bigints, row_array
from eventlog.records import Append, StoredEvent

_COLUMNS: Final = ", ".join(COLUMNS)

_GIVEN: Final = f"""
    select * from unnest($1::public.sealed_event[]) with ordinality as given ({_COLUMNS}, nth)
"""

# The primary key refuses a version that is taken; this condition refuses one that would leave a gap or follow
# another history. It is a scalar subquery because the planner never turns one into a scan of the whole table.
_FOLLOWS: Final = """(given.version = 1 or given.previous_hash = (
        select before.hash from public.events before
        where before.account_id = given.account_id and before.version = given.version - 1
    ))"""

# Every writer inserts rows sorted by (account_id, version): unsorted, two writers over the same accounts
# deadlock. The insert itself hands out the positions while it holds its lock on the table: the fence relies
# on that.

_APPEND_ONE_EACH: Final = f"""
    insert into public.events ({_COLUMNS})
    select {_COLUMNS} from ({_GIVEN}) given
    where {_FOLLOWS}
    order by nth
    on conflict (account_id, version) do nothing
    returning account_id, version, position
"""

# Whether an append wins is decided by its first event, and the rest are inserted for the winners: nobody can
# hold a later version without having won the first, so they cannot conflict.
_APPEND: Final = f"""
    with given as ({_GIVEN}),
    first as (
        insert into public.events ({_COLUMNS})
        select {_COLUMNS} from given
        where nth = any($2::bigint[]) and {_FOLLOWS}
        order by nth
        on conflict (account_id, version) do nothing
        returning account_id, version as first_version, position
    ),
    rest as (
        insert into public.events ({_COLUMNS})
        select {_COLUMNS} from given join first using (account_id)
        where version > first_version
        order by nth
        returning account_id, version, position
    )
    select account_id, first_version, position from first
    union all
    select account_id, version, position from rest
"""


class Insert(msgspec.Struct, frozen=True):
    """A statement that returns (account id, version, position) of each row that it inserted."""

    name: str
    statement: str


_ONE_EACH = Insert("append_one_each", _APPEND_ONE_EACH)
_SEVERAL = Insert("append_several", _APPEND)
INSERTS: Final = (_ONE_EACH, _SEVERAL)
"""Every statement that `insert_of` may return."""


def insert_of(rows_of: Iterable[Sequence[StoredEvent]]) -> tuple[Insert, list[Packed]]:
    """The statement that inserts the rows of appends to different accounts, and its arguments."""
    in_order = sorted(rows_of, key=lambda rows: rows[0].account_id)
    rows = [row for append in in_order for row in append]
    if len(rows) == len(in_order):
        return _ONE_EACH, [row_array(rows)]
    firsts = accumulate(map(len, in_order[:-1]), initial=1)
    return _SEVERAL, [row_array(rows), bigints(list(firsts))]


def winners(
    rows_of: Mapping[int, list[StoredEvent]], returned: Iterable[tuple[str, int, int]]
) -> dict[int, list[StoredEvent]]:
    """The rows of the appends that won, with positions, from what the insert returned."""
    places = {(account_id, version): position for account_id, version, position in returned}
    return {
        nth: [replace(row, position=places[row.account_id, row.version]) for row in rows]
        for nth, rows in rows_of.items()
        if (rows[0].account_id, rows[0].version) in places
    }


def store_each(
    connection: Connection,
    positions: Positions,
    appends: Sequence[Append],
    rows_of: Mapping[int, list[StoredEvent]],
) -> dict[int, Outcome]:
    """Store the winners among appends to different accounts. Idempotent: an append that is stored already has
    won."""
    won = _insert(connection, positions, rows_of)
    return {nth: won.get(nth) or fate(connection, appends[nth]) for nth in rows_of}


def store_together(
    connection: Connection,
    positions: Positions,
    appends: Sequence[Append],
    rows_of: Mapping[int, list[StoredEvent]],
) -> list[list[StoredEvent]]:
    """Store all of the appends to different accounts, or none and raise VersionConflict. Idempotent."""
    with connection.transaction():
        won = _insert(connection, positions, rows_of)
        if len(won) < len(appends):
            raise psycopg.Rollback
    if len(won) == len(appends):
        return [won[nth] for nth in range(len(appends))]
    earlier = [None if won else _stored_earlier(connection, append) for append in appends]
    found = [rows for rows in earlier if rows]
    if len(found) == len(appends):
        return found
    loser = next(append for nth, append in enumerate(appends) if nth not in won and not earlier[nth])
    raise _conflict(connection, loser)


def fate(connection: Connection, append: Append) -> Outcome:
    """The outcome of an append that did not win: an earlier attempt stored it, or it conflicts."""
    return _stored_earlier(connection, append) or _conflict(connection, append)


def _insert(
    connection: Connection, positions: Positions, rows_of: Mapping[int, list[StoredEvent]]
) -> dict[int, list[StoredEvent]]:
    insert, arguments = insert_of(rows_of.values())
    before = positions.before_append(connection)
    cursor = psycopg.RawCursor(connection)
    returned = cursor.execute(insert.statement, arguments, prepare=True, binary=True).fetchall()
    positions.after_append(before, [position for _, _, position in returned])
    return winners(rows_of, returned)


def _stored_earlier(connection: Connection, append: Append) -> list[StoredEvent] | None:
    """The rows of an append that an earlier attempt, whose answer was lost, has stored; None if there was
    none."""
    found = read_account(connection, append.account_id, append.head.version, len(append.events))
    return found if is_stored_as(append, found) else None


def _conflict(connection: Connection, append: Append) -> VersionConflict:
    actual = head_of(connection, append.account_id).version
    return VersionConflict(append.account_id, append.head.version, actual)
