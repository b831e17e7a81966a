"""Checks of the read models against the log: rebuilds from empty, folds of the past, parked accounts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg

from eventlog import EventLog, StoredEvent
from projections.fold import Fold
from projections.history.as_of import At, as_of
from projections.live.parking import parked
from projections.live.projector import Projector
from projections.models import access_windows, entitlements, invoices
from projections.rebuild.rebuilding import rebuild
from projections.registry import PROJECTIONS

Connection = psycopg.Connection[tuple[Any, ...]]


def read_model_problems(database_url: str, log: EventLog, rows: Sequence[StoredEvent]) -> Iterator[str]:
    """Check that each read model has reached the log's end, and equals its rebuild and the fold of each
    account."""
    with Projector(database_url, log) as projector:
        projector.run_once()
    with psycopg.connect(database_url, autocommit=True) as connection:
        for entry in parked(connection):
            yield f"{entry.projection}: account {entry.account_id} is parked: {entry.error}"
        for projection in PROJECTIONS:
            if differing := [
                str(found) for found in rebuild(database_url, log, projection, swap=False, restart=True)
            ]:
                yield f"{projection.name} differs from its rebuild in {len(differing)} rows: {differing[0]}"
        last = rows[-1].position if rows else 0
        for account_id in {row.account_id for row in rows}:
            yield from _folded_otherwise(connection, log, account_id, At(last))


def _folded_otherwise(connection: Connection, log: EventLog, account_id: str, at: At) -> Iterator[str]:
    shown: list[tuple[Fold[Any, Any], tuple[Any, ...]]] = [
        (entitlements.FOLD, _one(entitlements.of_account(connection, account_id))),
        (access_windows.FOLD, _one(access_windows.of_account(connection, account_id))),
        (invoices.FOLD, tuple(invoices.of_account(connection, account_id))),
    ]
    for fold, documents in shown:
        if as_of(log, fold, account_id, at) != documents:
            yield f"{fold.name} of {account_id} is not what its events fold to"


def _one(document: Any) -> tuple[Any, ...]:
    return () if document is None else (document,)
