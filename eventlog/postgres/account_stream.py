"""Whole histories, account after account: what a rebuild folds.

    for chunk in histories(connection, span, untils, page=5_000):
        ...                     # the chunks of one account follow each other

A page of events in the order of the primary key comes as one row an account, its columns joined: for the
driver that is half the work of a row an event, and a tenth of a statement an account. The rows are streamed:
while chunks are used, the server makes the next ones. Memory holds a few chunks, of a page at most.
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

# The order is that of the primary key, whatever the statistics of a young table say.
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

# By the index on positions. Accounts with many events are found more often.
_ACCOUNTS_AT: Final = """
    select found.account_id from unnest(%(positions)s::bigint[]) wanted (position)
    cross join lateral (
        select account_id from public.events where position >= wanted.position order by position limit 1
    ) found
"""

_SAMPLES: Final = 32
"""Accounts looked at for each span: the more, the more even the spans."""

_AT_ONCE: Final = 8
"""Chunks that the driver takes over at once."""


def histories(
    connection: Connection, span: AccountRange, untils: Sequence[int], *, page: int, places: bool = True
) -> Generator[HistoryChunk, None, None]:
    """The events of these accounts, `page` to a statement, up to the position that `untils` names for their
    shard; without `places` only the last place of each chunk.

    The connection was made with SETTINGS. Positions up to there are settled. An account that a page's end
    cuts goes on in the next chunk. Raises RowUnreadable.
    """
    assert len(untils) == SHARDS
    statement = _PAGE.format(kind=KIND, places=_PLACES if places else _LAST_PLACE)
    with readable():
        yield from _pages(connection, statement, span, untils, page)


def _pages(
    connection: Connection, statement: str, span: AccountRange, untils: Sequence[int], page: int
) -> Iterator[HistoryChunk]:
    place: dict[str, object] = {"account_id": span.after, "version": BIGGEST}
    fixed = {"last": span.last, "untils": list(untils), "limit": page}
    with connection.cursor(binary=True, row_factory=args_row(HistoryChunk)) as cursor:
        while True:
            read = 0
            for chunk in cursor.stream(statement, place | fixed, size=_AT_ONCE):
                yield chunk
                read += len(chunk)
                place = {"account_id": chunk.account_id, "version": chunk.last_version}
            if read < page:
                return


BIGGEST: Final = 2**63 - 1
"""A version after every other: nothing of the account before a span is in it."""


def spans(connection: Connection, until: int, number: int) -> list[AccountRange]:
    """All accounts as about that many spans, which hold about as many events each."""
    # At random: at even distances one may meet the same account of each batch that a service appends.
    anywhere = Random(until)  # noqa: S311 - no secret
    wanted = [anywhere.randrange(until) for _ in range(number * _SAMPLES - 1)] if until else []
    found = connection.execute(_ACCOUNTS_AT, {"positions": wanted}).fetchall()
    accounts = sorted(account_id for (account_id,) in found)
    ends = [*dict.fromkeys(accounts[_SAMPLES - 1 :: _SAMPLES]), BEYOND_ALL]
    return [AccountRange(after, last) for after, last in zip(["", *ends[:-1]], ends, strict=True)]
