"""Fill the empty tables of a rebuild: every account from its events, up to one position of the log.

Memory holds one account and a batch of documents, however long the log is.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg

from eventlog import EventLog, shard_of
from eventlog.codec import Codec, domain_codec
from eventlog.postgres import PostgresEventLog
from projections.parking import Failure, park, write
from projections.states import documents_of, from_start, stream
from projections.tables import Connection, Projection

_BATCH: Final = 1_000
"""Documents in one COPY."""


def fill(
    connection: Connection,
    log: EventLog,
    codec: Codec[Any],
    projection: Projection,
    until: int,
    *,
    part: int = 0,
    parts: int = 1,
) -> None:
    """Write the rows of every account, or of one part of all, as they are at the position `until`.

    Accounts that cannot be folded up to there are parked, as they would be by a projector.
    """
    batch: list[Any] = []
    with _without_garbage_collection():
        for account_id in log.accounts():
            if parts > 1 and shard_of(account_id) % parts != part:
                continue
            documents, failure = _documents(log, codec, projection, account_id, until)
            if failure is not None:
                park(connection, projection.name, failure)
            batch += documents
            if len(batch) >= _BATCH:
                _copy(connection, projection, batch)
                batch = []
        _copy(connection, projection, batch)


def fill_in_processes(database_url: str, projection: Projection, until: int, processes: int) -> None:
    """The same, each process with its share of the log's shards."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        shares = [
            pool.submit(_fill_share, database_url, projection, until, part, processes)
            for part in range(processes)
        ]
        for share in shares:
            share.result()


def _fill_share(database_url: str, projection: Projection, until: int, part: int, parts: int) -> None:
    log = PostgresEventLog(database_url, connections=1)
    try:
        with psycopg.connect(database_url, autocommit=True) as connection:
            fill(connection, log, domain_codec(), projection, until, part=part, parts=parts)
    finally:
        log.close()


def _documents(
    log: EventLog, codec: Codec[Any], projection: Projection, account_id: str, until: int
) -> tuple[tuple[Any, ...], Failure | None]:
    folded = from_start(projection.fold.evolution, stream(log, codec, account_id, until=until))
    return documents_of(projection.fold, account_id, folded)


def _copy(connection: Connection, projection: Projection, documents: list[Any]) -> None:
    """All in one COPY; where PostgreSQL refuses one of them, one after the other."""
    try:
        with connection.transaction():
            projection.copy(connection, documents)
    except (psycopg.DataError, psycopg.IntegrityError):
        with connection.transaction():
            for failure in write(connection, projection, documents):
                park(connection, projection.name, failure)


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """States and documents have no cycles: looking for some in ever more of them is time lost."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
