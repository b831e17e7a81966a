"""Stream whole histories, account after account, for a rebuild to fold.

    for chunk in histories(connection, span, untils, page=5_000):
        ...                     # the chunks of one account follow each other

A page of events, in the order of the primary key, arrives as one row for each account with its events'
columns aggregated: half the driver's work of a row for each event, and a tenth of that of a statement for
each account. The server makes the next rows while chunks are used. Memory holds a few chunks, a page of
events at most.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from random import Random
from typing import Final

import psycopg
from psycopg.rows import TupleRow, args_row

from eventlog.codec import KIND
from eventlog.history import BEYOND_ALL, AccountRange, HistoryChunk
from eventlog.postgres.reading import readable
from eventlog.shards import SHARDS

Connection = psycopg.Connection[TupleRow]

# Forces the plan that reads in the order of the primary key, whatever a young table's statistics say.
SETTINGS: Final[Mapping[str, str]] = dict.fromkeys(
    ("enable_sort", "enable_seqscan", "enable_bitmapscan"), "off"
)

_PLACES: Final = "array_agg(position order by version), array_agg(recorded_at order by version)"
_LAST_PLACE: Final = "array[max(position)], array[max(recorded_at)]"

_PAGE: Final = """
    select account_id, min(version), max(version), {places},
        string_agg({kind}, ',' order by version), array_agg(state order by version)
    from (
        select account_id, version, type, schema_version, state, position, recorded_at from public.events
        where (account_id, version) > (%(account_id)s, %(version)s) and account_id <= %(last)s
            and position <= (%(untils)s::bigint[])[shard + 1]
        order by account_id, version limit %(limit)s
    ) page
    group by account_id order by account_id
"""

# Looks up positions by their index, so accounts with many events are found more often.
_ACCOUNTS_AT: Final = """
    select found.account_id from unnest(%(positions)s::bigint[]) wanted (position)
    cross join lateral (
        select account_id from public.events where position >= wanted.position order by position limit 1
    ) found
"""

_SAMPLES: Final = 32
"""Positions sampled for each span; with more of them the spans are more even."""

_ROWS_FETCHED: Final = 8
"""The number of rows, one for each chunk, that the driver fetches at once."""


def histories(
    connection: Connection, span: AccountRange, untils: Sequence[int], *, page: int, places: bool = True
) -> Generator[HistoryChunk, None, None]:
    """Yield the events of these accounts, `page` of them to a statement, up to the position (inclusive,
    settled) that `untils` has for their shard. Without `places`, a chunk has only the place of its last
    event.

    The connection was made with SETTINGS. An account that exceeds a page continues in the next chunk. Raises
    RowUnreadable.
    """
    assert len(untils) == SHARDS
    statement = _PAGE.format(kind=KIND, places=_PLACES if places else _LAST_PLACE)
    with readable():
        yield from _pages(connection, statement, span, untils, page)


def _pages(
    connection: Connection, statement: str, span: AccountRange, untils: Sequence[int], page: int
) -> Iterator[HistoryChunk]:
    place: dict[str, object] = {"account_id": span.after, "version": _LAST_VERSION}
    fixed = {"last": span.last, "untils": list(untils), "limit": page}
    with connection.cursor(binary=True, row_factory=args_row(HistoryChunk)) as cursor:
        while True:
            read = 0
            for chunk in cursor.stream(statement, place | fixed, size=_ROWS_FETCHED):
                yield chunk
                read += len(chunk)
                place = {"account_id": chunk.account_id, "version": chunk.last_version}
            if read < page:
                return


_LAST_VERSION: Final = 2**63 - 1
"""No version is higher, so a span excludes every event of the account that it begins after."""


def spans(connection: Connection, until: int, number: int) -> list[AccountRange]:
    """Divide all accounts into about `number` spans with about the same number of events."""
    # Random positions: evenly spaced ones could hit the same account in each batch that a service appends.
    anywhere = Random(until)  # noqa: S311 - no secret
    wanted = [anywhere.randrange(until) for _ in range(number * _SAMPLES - 1)] if until else []
    found = connection.execute(_ACCOUNTS_AT, {"positions": wanted}).fetchall()
    accounts = sorted(account_id for (account_id,) in found)
    ends = [*dict.fromkeys(accounts[_SAMPLES - 1 :: _SAMPLES]), BEYOND_ALL]
    return [AccountRange(after, last) for after, last in zip(["", *ends[:-1]], ends, strict=True)]
