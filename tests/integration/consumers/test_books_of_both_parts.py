"""The books in the tables: those of random stories of both parts of the rules, whatever the batches are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random

import psycopg
import pytest

import consumers
from consumers.checkpoints import Connection
from consumers.finance_ledger.checking import problems
from consumers.finance_ledger.closing import balances, close, proposed
from consumers.finance_ledger.entries import Selection, by_month
from consumers.finance_ledger.handler import NAME, FinanceLedger
from consumers.finance_ledger.postings import post
from consumers.finance_ledger.recognition import recognise
from consumers.handler import at_home
from eventlog.migration_source import MigrationSource
from eventlog.postgres.migrate import migrate
from publishing.contract import event_of
from publishing.envelope import PublishedEvent
from tests.support.consumers.bean_check import bean_check, export
from tests.support.consumers.memory_shelf import MemoryShelf, published
from tests.support.consumers.random_money import money_story
from tests.support.consumers.told_books import ACCOUNT, events_of, step

FAR = date(2100, 1, 1)
HEARD = """
    insert into consumers.partitions (consumer, topic, partition, next_offset, heartbeat_at)
    values ('finance_ledger', 'billing.events.v1', 0, 1, '2200-01-01')
"""


@pytest.fixture
def tables(database_url: str) -> Iterator[Connection]:
    """A database with the ledger's tables, whose partitions were heard of after all that happens here."""
    migrate(database_url, [MigrationSource(name, folder) for name, folder in consumers.MIGRATIONS])
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(HEARD)
        yield connection


def take_in(connection: Connection, messages: Sequence[PublishedEvent]) -> None:
    """Let the ledger handle one batch."""
    with connection.transaction():
        at_home(connection, NAME)
        FinanceLedger().handle(connection, messages)


def in_memory(messages: Sequence[PublishedEvent]) -> MemoryShelf:
    """The same books without a database."""
    shelf, events = MemoryShelf(), [event_of(message) for message in messages]
    for message, event, following in zip(messages, events, [*events[1:], None], strict=True):
        post(shelf, message, event, following)
    return shelf


@pytest.mark.parametrize("seed", range(4))
def test_random_stories_leave_books_that_add_up_whatever_the_batches_are(
    tables: Connection, tmp_path: Path, seed: int
) -> None:
    random, expected = Random(seed), dict[tuple[str, str], Decimal]()
    months = [date(year, month, 1) for year in (2024, 2025, 2026, 2027) for month in (3, 9)]
    for nth in range(12):
        account_id = f"acme/a-{nth}"
        messages = list(published(account_id, money_story(100 + 20 * seed + nth)))
        shelf = in_memory(messages)
        while messages:
            size = random.choice([1, 1, 2, 3, 10, 200])
            take_in(tables, messages[:size])
            messages = messages[size:]
            if random.random() < 0.1:
                recognise(tables, random.choice(months), "test")
        assert problems(tables, "test") == []
        currencies = {transfer.currency for transfer in shelf.transfers}
        for name, amount in shelf.balances.items():
            for currency in currencies:
                expected[currency, name] = expected.get((currency, name), Decimal(0)) + amount
        if nth == 5:
            close(tables, date(2025, 12, 1), clock="test")
    found = {(b.currency, b.ledger_account): b.balance for b in balances(tables, FAR, "test")}
    for (currency, name), amount in expected.items():
        if not name.startswith(("revenue", "deferred")):
            assert found.get((currency, name), 0) == amount
    recognise(tables, FAR, "test")
    assert problems(tables, "test") == []
    held_back = "select exists (select from finance_ledger.schedules where held_from is not null)"
    earned = [
        b for b in balances(tables, FAR, "test") if b.ledger_account == "deferred_revenue" and b.balance
    ]
    assert not earned or tables.execute(held_back).fetchone() == (True,)
    for selection in (Selection("test"), Selection("test", account_id="acme/a-3"), Selection("test", "acme")):
        text = "\n".join(export(tables, selection)) + "\n"
        assert bean_check(tmp_path / "books.beancount", text) == ""


def test_an_accounts_own_books_add_up_to_the_whole(tables: Connection) -> None:
    accounts = [f"acme/a-{nth}" for nth in range(6)]
    for nth, account_id in enumerate(accounts):
        take_in(tables, list(published(account_id, money_story(50 + nth))))
    recognise(tables, FAR, "test")

    def total(selection: Selection) -> dict[tuple[str, str], Decimal]:
        sums = dict[tuple[str, str], Decimal]()
        for of in by_month(tables, selection):
            key = of.currency, of.ledger_account
            sums[key] = sums.get(key, Decimal(0)) + of.debits - of.credits
        return sums

    whole = total(Selection("test"))
    parts = [total(Selection("test", account_id=account_id)) for account_id in accounts]
    assert {key: sum(part.get(key, Decimal(0)) for part in parts) for key in whole} == whole


# ---- what an accountant would ask about ------------------------------------------


PLAN = step("2026-03-20", "purchase_plan", product="standard")
TAXES = {"seller": "FR", "rates": [{"country": "FR", "from": "2014-01-01", "rate": "20"}]}
FRENCH = step("2026-03-20", "set_tax_profile", country="FR", kind="consumer")


def test_a_credit_note_that_comes_after_its_month_was_closed_is_booked_in_the_open_one(
    tables: Connection,
) -> None:
    note = step("2026-03-29", "credit_note", invoice=1, line=1, net="5.00", reason="duplicate")
    messages = list(published(ACCOUNT, events_of(FRENCH, PLAN, note, until="2026-03-30", tax=TAXES)))
    late = next(nth for nth, message in enumerate(messages) if message.type == "credit_note_issued")
    take_in(tables, messages[:late])
    march = close(tables, date(2026, 3, 1), clock="test")
    take_in(tables, messages[late:])
    recognise(tables, date(2026, 4, 30), "test")
    assert {b.ledger_account: b.balance for b in balances(tables, date(2026, 3, 31), "test")} == {
        balance.ledger_account: balance.balance for balance in march
    }
    booked = tables.execute(
        "select distinct kind, day, effective from finance_ledger.transfers"
        " where kind in ('credited', 'refund_asked') or kind = 'recognised' and starts_with(debit, 'revenue')"
        " order by kind"
    ).fetchall()
    april, note_day = date(2026, 4, 1), date(2026, 3, 29)
    assert booked == [(kind, april, note_day) for kind in ("credited", "recognised", "refund_asked")]
    ends = {b.ledger_account: b.balance for b in balances(tables, FAR, "test") if b.balance}
    assert ends == {
        "cash": Decimal("18.00"),
        "revenue:standard": Decimal("-15.00"),
        "tax_payable:FR": Decimal("-3.00"),
    }
    assert problems(tables, "test") == []


def test_what_closing_would_close_says_what_was_credited_and_given_back(tables: Connection) -> None:
    note = step("2026-03-29", "credit_note", invoice=1, line=1, net="5.00", reason="duplicate")
    lost = step("2026-03-30", "dispute_lost", invoice=1)
    take_in(tables, list(published(ACCOUNT, events_of(PLAN, note, lost, until="2026-03-31"))))
    [month] = proposed(tables, date(2026, 3, 1), clock="test")
    assert [str(amount) for amount in (month.invoiced, month.paid, month.credited, month.given_back)] == [
        *("20.00", "20.00", "5.00", "20.00")
    ]


@pytest.mark.parametrize(
    "change",
    [
        "update finance_ledger.transfers set amount = amount + 0.01 where kind = 'refunded'",
        "update finance_ledger.transfers set amount = amount + 0.01 where kind = 'charged_back'",
        "update finance_ledger.transfers set amount = amount - 0.01 where starts_with(credit, 'tax_payable')",
        "update finance_ledger.transfers set amount = amount + 1 where kind = 'credited_to_account'",
        "update finance_ledger.accounts set payments = payments + 1",
        "update finance_ledger.accounts set credit = credit + 1",
        "update finance_ledger.accounts set taxes = taxes - 0.01",
        "update finance_ledger.invoices set due = due + 1 where number = 1",
        "update finance_ledger.schedules set until = begins where invoice = 1 and next_day = begins",
        "delete from finance_ledger.transfers where kind = 'credited' and debit = 'deferred_revenue'",
    ],
)
def test_the_check_finds_what_somebody_changed_of_the_second_part(tables: Connection, change: str) -> None:
    story = events_of(
        FRENCH,
        PLAN,
        step("2026-03-22", "credit_note", invoice=1, line=1, net="2.00", reason="duplicate"),
        step("2026-03-23", "credit_note", invoice=1, line=1, net="1.00", reason="duplicate", to="account"),
        step("2026-03-24", "dispute_lost", invoice=1),
        until="2026-03-25",
        tax=TAXES,
    )
    take_in(tables, list(published(ACCOUNT, story)))
    assert problems(tables, "test") == []
    tables.execute(change)
    assert problems(tables, "test") != []


# ---- the books of before ----------------------------------------------------------


def test_books_that_were_kept_before_go_on(database_url: str) -> None:
    """0003_second_part.sql: what was booked stays, and is as the code after it would have it."""
    folders = dict(consumers.MIGRATIONS)
    books = folders["finance_ledger"]
    migrate(database_url, [MigrationSource("consumers", folders["consumers"])])
    with psycopg.connect(database_url, autocommit=True) as connection:
        for name in ("0001_books", "0002_real_books"):
            connection.execute((books / f"{name}.sql").read_bytes())
        connection.execute((Path(__file__).parent / "books_of_before.sql").read_bytes())
        for name in ("0003_second_part", "0004_refunds_made", "0005_taken_over"):
            connection.execute((books / f"{name}.sql").read_bytes())
        assert problems(connection) == []
        recognise(connection, FAR)
        assert problems(connection) == []
        deferred = {b.ledger_account: b.balance for b in balances(connection, FAR)}["deferred_revenue"]
        assert deferred == Decimal("-20.00")
        held = "select number, held_from, due from finance_ledger.invoices where held_from is not null"
        assert connection.execute(held).fetchall() == [(2, date(2026, 4, 20), Decimal("20.00"))]
