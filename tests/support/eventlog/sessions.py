"""Other sessions at the log's database, so that a test can hold a race open for as long as it likes."""

import time
from collections.abc import Callable
from typing import Any

import psycopg

Session = psycopg.Connection[tuple[Any, ...]]

_INSERT = """
    insert into events (account_id, version, shard, event_id, type, schema_version, recorded_at, effective_at,
        state, previous_hash, hash)
    values (%s, %s, 0, gen_random_uuid(), 'held', 1, now(), now(), '', decode(repeat('00', 32), 'hex'),
        decode(repeat('01', 32), 'hex'))
    returning position
"""


def insert(session: Session, account_id: str, version: int = 1) -> int:
    """Insert an event by hand; in a transaction it is unseen until that commits. Returns its position."""
    [[position]] = session.execute(_INSERT, [account_id, version]).fetchall()
    assert isinstance(position, int)
    return position


def until(condition: Callable[[], bool]) -> None:
    """Repeat the query until it holds, for at most a minute; it needs no sleep, as the server sets the
    pace."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"


def waiting(session: Session) -> int:
    """The number of sessions of this database that wait for another's transaction."""
    [[count]] = session.execute(
        "select count(*) from pg_stat_activity"
        " where datname = current_database() and wait_event_type = 'Lock'"
    ).fetchall()
    assert isinstance(count, int)
    return count


def end_others(session: Session) -> int:
    """Terminate every other session of this database, as a restart would; return their number."""
    ended = session.execute(
        "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    ).fetchall()
    return len(ended)


def deadlocks(session: Session) -> int:
    """The number of deadlocks in this database. Sessions report theirs as they end, so this ends them."""
    end_others(session)
    [[count]] = session.execute(
        "select deadlocks from pg_stat_database where datname = current_database()"
    ).fetchall()
    assert isinstance(count, int)
    return count
