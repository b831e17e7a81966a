"""Accounts that fell due and are not billed, and revenue that is not recognised, are found."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import psycopg
import pytest

from eventlog.postgres.migrate import migrate
from prorata.migrations import migrations
from prorata.processes.table import Connection
from prorata.status.money import overdue, unrecognised_days

DUE = """
    insert into projections.calendar
        (account_id, clock, due_at, pending_payment, recorded_at, version, revision, fold)
    values (%s, %s, now() - %s::interval, %s, now() - %s::interval, 1, 1, 1)
"""
SCHEDULE = """
    insert into finance_ledger.schedules
        (account_id, clock, invoice, line, product, currency, digits, net, amount, begins, ends, until,
        next_day, held_from)
    values (%s, 'wall', 1, 1, 'standard', 'EUR', 2, 20, 20, '2026-11-01', '2026-12-01', '2026-12-01', %s, %s)
"""
TODAY = date(2026, 11, 30)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    """A session at a database with all tables."""
    migrate(database_url, migrations())
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def test_accounts_due_for_longer_than_a_run_takes_are_overdue(connection: Connection) -> None:
    assert overdue(connection).accounts == 0
    connection.execute(DUE, ["a1", "wall", "1 minute", False, "9 days"])
    assert overdue(connection).accounts == 0
    connection.execute(DUE, ["a2", "wall", "20 minutes", False, "9 days"])
    connection.execute(DUE, ["a3", "wall", "2 hours", False, "9 days"])
    found = overdue(connection)
    assert found.accounts == 2
    assert 7200 <= found.seconds < 7300


def test_a_payment_without_an_answer_is_overdue_too(connection: Connection) -> None:
    connection.execute(DUE, ["a1", "wall", "9 days", True, "1 minute"])
    assert overdue(connection).accounts == 0
    connection.execute(DUE, ["a2", "wall", "9 days", True, "20 minutes"])
    assert overdue(connection).accounts == 1


def test_nothing_on_a_test_clock_is_overdue(connection: Connection) -> None:
    connection.execute(DUE, ["a1", "test", "200 days", False, "200 days"])
    assert overdue(connection).accounts == 0


def test_revenue_is_behind_once_a_daily_run_has_not_come(connection: Connection) -> None:
    assert unrecognised_days(connection, None, TODAY) == 0
    connection.execute(SCHEDULE, ["a1", "2026-11-29", None])
    assert unrecognised_days(connection, None, TODAY) == 0
    connection.execute(SCHEDULE, ["a2", "2026-11-27", None])
    assert unrecognised_days(connection, None, TODAY) == 2


def test_what_was_booked_since_the_last_daily_run_is_not_behind(connection: Connection) -> None:
    connection.execute(SCHEDULE, ["a1", "2026-10-01", None])
    assert unrecognised_days(connection, datetime(2026, 11, 30, tzinfo=UTC), TODAY) == 0
    assert unrecognised_days(connection, datetime(2026, 11, 28, tzinfo=UTC), TODAY) > 0


def test_revenue_that_is_held_is_not_behind(connection: Connection) -> None:
    connection.execute(SCHEDULE, ["a1", "2026-10-01", "2026-10-01"])
    assert unrecognised_days(connection, None, TODAY) == 0
