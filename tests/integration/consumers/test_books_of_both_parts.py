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
from consumers.finance_ledger.closing import balances, close
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
