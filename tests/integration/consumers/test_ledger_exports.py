"""Exports of the finance ledger: what was asked for and nothing else, and every file passes its checker."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

import consumers
from consumers.checkpoints import Connection
from consumers.finance_ledger.closing import close
from consumers.finance_ledger.entries import LedgerEntry, Selection, by_month, entries
from consumers.finance_ledger.recognition import recognise
from consumers.finance_ledger.tables import csv_of
from domain.commands import PurchasePlan
from eventlog.migration_source import MigrationSource
from eventlog.postgres.migrate import migrate
from publishing.topics import Topics
from tests.support.consumers.bean_check import bean_check, export
from tests.support.projections.fold_driver import ACCOUNT, Billing

SELECTIONS = [
    Selection(),
    Selection(clock="test"),
    Selection(tenant="acme"),
    Selection(account_id="acme/a-1"),
    Selection(since=date(2026, 4, 1), until=date(2026, 5, 1)),
    Selection(since=date(2026, 3, 25)),
    Selection(tenant="acme", since=date(2026, 4, 1)),
    Selection(account_id="acme/a-1", since=date(2026, 4, 10), until=date(2026, 4, 12)),
]


@pytest.fixture
def closed_books(
    with_a_test_account: Billing, refresh: Callable[[], None], connection: Connection, topics: Topics
) -> Connection:
    """Two currencies, two clocks, March and April closed, May open."""
    with_a_test_account.open("acme/yen", "2026-03-02", clock="wall", currency="JPY", time_zone="Asia/Tokyo")
    with_a_test_account.give("acme/yen", PurchasePlan("standard"), "2026-03-02")
    for account_id in ("acme/yen", ACCOUNT, "zeta/t-1"):
        with_a_test_account.settle(account_id, "2026-05-25")
    refresh()
    for month in (3, 4):
        close(connection, date(2026, month, 1), prefix=topics.prefix)
    recognise(connection, date(2026, 5, 24))
    recognise(connection, date(2026, 5, 24), "test")
    return connection


def test_every_export_passes_bean_check_and_has_what_was_asked_for_alone(
    closed_books: Connection, tmp_path: Path
) -> None:
    for selection in SELECTIONS:
        text = "\n".join(export(closed_books, selection)) + "\n"
        assert bean_check(tmp_path / "books.beancount", text) == ""
        assert ("zeta" in text) == (selection.clock == "test")
        assert ('"operating_currency" "JPY"' in text) == (":JPY JPY" in text)
        with closed_books.transaction():
            found = list(entries(closed_books, selection))
        assert all(selection.since <= entry.day < selection.until for entry in found)
        assert text.count(" * ") == len(found) + text.count('"opening balances"')
        assert {entry.clock for entry in found} == {selection.clock}
        assert selection.tenant is None or {entry.tenant for entry in found} == {selection.tenant}
        assert (" balance " in text) == (selection.is_whole and selection.clock == "wall")


def test_the_parts_of_the_books_add_up_to_the_whole(closed_books: Connection) -> None:
    def total(selection: Selection) -> dict[tuple[date, str, str], Decimal]:
        found = by_month(closed_books, selection)
        return {(of.month, of.currency, of.ledger_account): of.debits - of.credits for of in found}

    whole = total(Selection())
    parts = [total(Selection(account_id=account)) for account in ("acme/yen", ACCOUNT)]
    assert {key: sum(part.get(key, Decimal(0)) for part in parts) for key in whole} == whole
    halves = [total(Selection(until=date(2026, 4, 7))), total(Selection(since=date(2026, 4, 7)))]
    assert {key: sum(half.get(key, Decimal(0)) for half in halves) for key in whole} == whole


def test_a_months_summary_ends_with_the_balances_that_the_month_was_closed_with(
    closed_books: Connection,
) -> None:
    kept = closed_books.execute(
        "select currency, ledger_account, balance from finance_ledger.closing_balances"
        " where last_day = '2026-04-30'"
    ).fetchall()
    ends = {
        (of.currency, of.ledger_account): of.balance
        for of in by_month(closed_books, Selection(until=date(2026, 5, 1)))
    }
    assert {(currency, account): balance for currency, account, balance in kept} == ends
    since = by_month(closed_books, Selection(since=date(2026, 4, 1), until=date(2026, 5, 1)))
    assert {(of.currency, of.ledger_account): of.balance for of in since}.items() <= ends.items()


def test_the_journal_as_csv_has_a_line_for_each_entry(closed_books: Connection) -> None:
    with closed_books.transaction():
        lines = list(csv_of(LedgerEntry, entries(closed_books, Selection(account_id="acme/yen"))))
    rows = list(csv.DictReader(lines))
    assert {(row["clock"], row["tenant"], row["currency"]) for row in rows} == {("wall", "acme", "JPY")}
    assert sum(Decimal(row["amount"]) for row in rows if row["kind"] == "issued") == sum(
        Decimal(row["amount"]) for row in rows if row["kind"] == "paid"
    )


# ---- the books of before ----------------------------------------------------------


def test_the_books_of_before_are_kept_and_read_again_from_the_topic(database_url: str) -> None:
    """0002_real_books.sql: what older code booked lacks clocks, and its payments' days were UTC's."""
    folders = dict(consumers.MIGRATIONS)
    books = folders["finance_ledger"]
    migrate(database_url, [MigrationSource("consumers", folders["consumers"])])
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute((books / "0001_books.sql").read_bytes())
        connection.execute(
            "insert into finance_ledger.invoices values ('acme/old', 1, '2026-03-01', 'EUR', 20, 'open')"
        )
        connection.execute(
            "insert into consumers.partitions (consumer, topic, partition, next_offset)"
            " values ('finance_ledger', 'billing.events.v1', 0, 70)"
        )
        connection.execute((books / "0002_real_books.sql").read_bytes())
        places = connection.execute("select consumer, next_offset from consumers.partitions").fetchall()
        assert places == [("finance_ledger_before", 70)]
        kept = connection.execute("select account_id from finance_ledger_before.invoices").fetchall()
        assert kept == [("acme/old",)]
        assert connection.execute("select from finance_ledger.invoices").fetchall() == []
