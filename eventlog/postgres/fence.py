"""Settled reads on a PostgreSQL connection: the log in order, without skipping events that commit late.

Positions are handed out before commit, so a reader that continued from the last one it saw would miss every
event that became visible behind it. Instead it runs three statements, each with its own snapshot:

    1. L: the highest position handed out.
    2. F: the transactions that now hold the writers' lock on the table. Wait until none of F is left. Whoever
       took a position up to L held that lock while doing so: it is in F, or had ended before F was read.
    3. The rows up to L: each is committed now, or never will be.
"""
# ruff: noqa: S608  (only constants are joined into the statements)

import logging
import time
from typing import Final

from eventlog.postgres.connect import Connection
from eventlog.postgres.reading import COLUMNS, fetch, fetch_events
from eventlog.records import FenceHolder, StoredEvent
from eventlog.shards import SHARDS

logger = logging.getLogger(__name__)

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.001, 0.05

# NULL before the first position; the sequence's own last_value would be 1 already.
_HANDED_OUT: Final = """
    select coalesce(pg_sequence_last_value('public.events_position'), 0)
"""

_WRITES_EVENTS: Final = """
    locks.locktype = 'relation' and locks.relation = 'public.events'::regclass
        and locks.database = (select oid from pg_database where datname = current_database())
        and locks.mode = 'RowExclusiveLock' and locks.granted
"""

_WRITERS: Final = f"""
    select locks.virtualtransaction from pg_locks locks where {_WRITES_EVENTS}
"""

# A prepared transaction has no session; pg_prepared_xacts has it under the transaction id that it has locked.
_HOLDER: Final = f"""
    select locks.virtualtransaction, locks.pid, session.usename, session.application_name, session.state,
        coalesce(session.xact_start, prepared.prepared) as began_at
    from pg_locks locks
    left join pg_stat_activity session on session.pid = locks.pid
    left join pg_locks own on locks.pid is null and own.pid is null and own.locktype = 'transactionid'
        and own.virtualtransaction = locks.virtualtransaction
    left join pg_prepared_xacts prepared on prepared.transaction = own.transactionid
    where {_WRITES_EVENTS}
    order by began_at nulls last limit 1
"""

_SETTLED: Final = "position > %(after)b and position <= %(until)b"

_OF_MANY_SHARDS: Final = f"{_SETTLED} and shard between %(first)b and %(last)b"


def read_settled(
    connection: Connection, after: int, limit: int, shards: range, patience: float
) -> list[StoredEvent]:
    """Up to `limit` events after that position; none if there are none, or if a writer outlasted `patience`
    seconds."""
    until = settled_until(connection, after, patience)
    if until == after:
        return []
    return fetch_events(
        connection,
        page_of(shards),
        after=after,
        until=until,
        limit=limit,
        first=shards[0],
        last=shards[-1],
    )


def settled_until(connection: Connection, after: int, patience: float) -> int:
    """The position up to which (inclusive) a reader at `after` may read; `after` itself if there is nothing
    new, or if a writer outlasted `patience` seconds."""
    [[until]] = fetch(connection, _HANDED_OUT)
    if until <= after or not _outlived_writers(connection, patience):
        return after
    return int(until)


def page_of(shards: range, columns: str = COLUMNS) -> str:
    """The statement that selects these columns of the shards' events above `after` and up to `until`
    (inclusive), in order, at most `limit`."""
    within = _SETTLED if len(shards) == SHARDS else _OF_MANY_SHARDS
    return f"select {columns} from public.events where {within} order by position limit %(limit)b"


def fence_holder(connection: Connection) -> FenceHolder | None:
    """The oldest open transaction that has written to the log; None if there is none."""
    rows = fetch(connection, _HOLDER)
    return FenceHolder(*rows[0]) if rows else None


def _outlived_writers(connection: Connection, patience: float) -> bool:
    """Wait until the transactions that write now have ended; those that begin later take later positions.
    False: one lasted longer than `patience` seconds."""
    deadline, pause = time.monotonic() + patience, _SHORTEST_PAUSE
    writers = _writers(connection)
    while writers:
        if time.monotonic() >= deadline:
            logger.warning("settled reads are held back by %s", fence_holder(connection))
            return False
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
        writers &= _writers(connection)
    return True


def _writers(connection: Connection) -> set[str]:
    return {transaction for (transaction,) in fetch(connection, _WRITERS)}
