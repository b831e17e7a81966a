"""A row that Python cannot read, made by somebody who owns the table, is an error of the log that says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from eventlog import SHARDS, RowUnreadable
from eventlog.history import EVERY_ACCOUNT
from eventlog.postgres.account_stream import histories
from eventlog.postgres.log import PostgresEventLog
from tests.support.eventlog.sample_events import given_history
from tests.support.eventlog.sessions import Session
from tests.support.eventlog.tampering import unguarded


@pytest.fixture
def two_accounts(log: PostgresEventLog) -> PostgresEventLog:
    """With six events each."""
    for name in ("acme/a", "acme/b"):
        given_history(log, name, 6)
    return log


READS: dict[str, Callable[[PostgresEventLog], Any]] = {
    "its account": lambda log: log.read_account("acme/b"),
    "the event": lambda log: log.event("acme/b", 3),
    "the log": lambda log: log.read_settled(0, 1_000),
    "in order": lambda log: list(log.in_order()),
    "its position": lambda log: [log.at_position(nth) for nth in range(1, log.last_position() + 1)],
}


@pytest.mark.parametrize("instant", ["infinity", "-infinity", "294276-12-31 00:00Z"])
@pytest.mark.parametrize("read", READS)
def test_whoever_reads_it_is_told(
    read: str, instant: str, two_accounts: PostgresEventLog, session: Session
) -> None:
    READS[read](two_accounts)
    with unguarded(session) as run:
        run("update events set recorded_at = %s where account_id = 'acme/b' and version = 3", [instant])
    with pytest.raises(RowUnreadable, match="find it with `prorata verify`"):
        READS[read](two_accounts)
    assert two_accounts.read_account("acme/a")


def test_so_is_a_rebuild(two_accounts: PostgresEventLog, service_url: str, session: Session) -> None:
    with unguarded(session) as run:
        run("update events set recorded_at = 'infinity' where account_id = 'acme/b' and version = 3")
    untils = [two_accounts.last_position()] * SHARDS
    with psycopg.connect(service_url, autocommit=True) as connection, pytest.raises(RowUnreadable):
        list(histories(connection, EVERY_ACCOUNT, untils, page=10))
