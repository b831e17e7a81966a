"""Fill logs of any length fast, for `python -m scripts.bench generate` and the other benchmarks.

fill(database_url, 10_000_000, workers=2)
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from typing import Final

import psycopg

from domain.errors import InvalidInput
from eventlog import Append, Head
from eventlog.errors import LogError
from eventlog.postgres.log import PostgresEventLog
from scripts.bench.workload import Batch, batches

IN_PROCESSES: Final = 200_000
"""The number of events from which several processes are faster than one."""


def fill(database_url: str, events: int, *, seed: int = 1, tenant: str = "bench", workers: int = 1) -> None:
    """Append this number of events of the workload. Each process takes whole cohorts; they commit in any
    order."""
    if workers == 1 or events < IN_PROCESSES:
        _fill(database_url, events, seed, tenant)
    else:
        with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
            parts = [
                pool.submit(_fill, database_url, events, seed, tenant, part, workers)
                for part in range(workers)
            ]
            for part in parts:
                part.result()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("vacuum analyze public.events")


def check_empty(database_url: str) -> None:
    """Raise InvalidInput `log_not_empty` unless the log is empty: real events are never mixed with made
    ones."""
    with closing(PostgresEventLog(database_url)) as log:
        if log.last_position() > 0:
            message = "its log holds events: generate into an empty one"
            raise InvalidInput("log_not_empty", "PRORATA_DATABASE_URL", message)


def _fill(database_url: str, events: int, seed: int, tenant: str, part: int = 0, parts: int = 1) -> None:
    heads: dict[str, Head] = {}
    with closing(PostgresEventLog(database_url, connections=1)) as log:
        for batch in batches(events, seed, tenant, part=part, parts=parts):
            append_batch(log, heads, batch)


def append_batch(log: PostgresEventLog, heads: dict[str, Head], batch: Batch) -> None:
    """Append the batch after these heads, and move them on."""
    appends = [Append(account, heads.get(account, Head.NONE), new) for account, new in batch]
    for append, outcome in zip(appends, log.append_many(appends), strict=True):
        if isinstance(outcome, LogError):
            raise outcome
        heads[append.account_id] = outcome[-1].head
