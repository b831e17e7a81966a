"""The finance ledger: always balanced, earned day by day, closed months for ever as they were."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from consumers.checkpoints import Connection
from consumers.finance_ledger.checking import problems
from consumers.finance_ledger.closing import CloseRefused, balances, close, last_day, proposed
from consumers.finance_ledger.entries import Selection
from consumers.finance_ledger.recognition import recognise
from domain.commands import ChangePlan, CloseAccount, PayBalance, PurchasePlan
from eventlog import EventLog
from projections.history.as_of import At, as_of
from projections.models import invoices
from publishing.topics import Topics
from tests.support.consumers.bean_check import bean_check, export
from tests.support.projections.fold_driver import ACCOUNT, Billing
from tests.support.publishing.histories import append_all, history_of

FAR = date(2100, 1, 1)


@pytest.fixture
def trial(connection: Connection) -> Callable[..., dict[str, Decimal]]:
    """The balances at the end of a day, debits minus credits; those that are 0 left out."""

    def trial(last: date = FAR) -> dict[str, Decimal]:
        found = balances(connection, last)
        assert sum(balance.balance for balance in found) == 0
        return {b.ledger_account: b.balance for b in found if b.balance}

    return trial


def the(amount: str) -> Decimal:
    return Decimal(amount)


def test_a_purchase_is_paid_and_deferred_then_earned_over_its_days(
    with_domain: Billing,
    refresh: Callable[[], None],
    connection: Connection,
    trial: Callable[..., dict[str, Decimal]],
) -> None:
    refresh()
    total = trial()["cash"]
    assert trial() == {"cash": total, "deferred_revenue": -total}
    recognise(connection, date(2026, 4, 5))
    earned = trial()
    # 4.84 over the 15 days from 5 April; the plan's 17th of 31 days.
    assert earned["revenue:custom_domain"] == -the("0.32")
    recognise(connection, date(2026, 4, 19))
    assert trial()["revenue:custom_domain"] == -the("4.84")
    assert "deferred_revenue" not in trial()
    assert trial(date(2026, 4, 11))["revenue:custom_domain"] == -the("2.26")
    assert problems(connection) == []


def test_recognising_again_recognises_nothing(
    with_domain: Billing, refresh: Callable[[], None], connection: Connection
) -> None:
    refresh()
    assert recognise(connection, date(2026, 4, 10)) == 2
    assert recognise(connection, date(2026, 4, 10)) == 0
    assert recognise(connection, date(2026, 4, 9)) == 0


def test_an_upgrades_credit_line_takes_back_what_was_deferred(
    with_domain: Billing,
    refresh: Callable[[], None],
    connection: Connection,
    trial: Callable[..., dict[str, Decimal]],
) -> None:
    with_domain.give(ACCOUNT, ChangePlan("premium"), "2026-04-10T12:00")
    refresh()
    recognise(connection, FAR)
    earned = trial()
    assert earned["cash"] == -sum(amount for name, amount in earned.items() if name.startswith("revenue:"))
    assert set(earned) == {"cash", "revenue:standard", "revenue:premium", "revenue:custom_domain"}
    assert problems(connection) == []


def test_a_declined_renewal_earns_nothing_until_it_is_paid(
    with_domain: Billing,
    refresh: Callable[[], None],
    connection: Connection,
    trial: Callable[..., dict[str, Decimal]],
) -> None:
    with_domain.settle(ACCOUNT, "2026-04-21", pay="declined")
    refresh()
    recognise(connection, date(2026, 4, 25))
    before = trial()
    assert before["receivable"] == -before["deferred_revenue"]
    with_domain.give(ACCOUNT, PayBalance(), "2026-04-26T12:00")
    refresh()
    recognise(connection, date(2026, 4, 26))
    after = trial()
    assert "receivable" not in after
    assert after["revenue:standard"] < before["revenue:standard"]
    assert problems(connection) == []


def test_an_invoice_that_is_never_paid_is_written_off(
    with_domain: Billing,
    refresh: Callable[[], None],
    connection: Connection,
    trial: Callable[..., dict[str, Decimal]],
) -> None:
    with_domain.settle(ACCOUNT, "2026-05-21", pay="declined")
    refresh()
    recognise(connection, FAR)
    assert "receivable" not in trial()
    assert "deferred_revenue" not in trial()
    assert problems(connection) == []


def test_what_a_closed_month_did_not_know_is_booked_on_the_first_open_day(
    with_domain: Billing,
    refresh: Callable[[], None],
    connection: Connection,
    trial: Callable[..., dict[str, Decimal]],
    topics: Topics,
) -> None:
    refresh()
    closed = close(connection, date(2026, 3, 1), prefix=topics.prefix)
    march = trial(date(2026, 3, 31))
    assert {balance.ledger_account: balance.balance for balance in closed if balance.balance} == march
    with_domain.open("acme/late", "2026-03-10", clock="wall")
    with_domain.give("acme/late", PurchasePlan("standard"), "2026-03-10")
    refresh()
    recognise(connection, date(2026, 4, 30))
    assert trial(date(2026, 3, 31)) == march
    [[day, effective]] = connection.execute(
        "select day, effective from finance_ledger.transfers where account_id = 'acme/late' and kind = 'paid'"
    ).fetchall()
    assert (day, effective) == (date(2026, 4, 1), date(2026, 3, 10))
    assert problems(connection) == []


def test_a_month_is_closed_once_and_not_before_everything_of_it_was_heard(
    with_domain: Billing, refresh: Callable[[], None], connection: Connection, topics: Topics
) -> None:
    with pytest.raises(CloseRefused) as refused:
        close(connection, date(2026, 3, 1), prefix=topics.prefix)
    assert refused.value.code == "ledger_behind"
    refresh()
    today = datetime.now(UTC).date()
    next_month = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    with pytest.raises(CloseRefused) as refused:
        close(connection, next_month, prefix=topics.prefix)
    assert refused.value.code == "ledger_behind"
    close(connection, date(2026, 3, 1), prefix=topics.prefix)
    with pytest.raises(CloseRefused) as refused:
        close(connection, date(2026, 3, 1), prefix=topics.prefix)
    assert refused.value.code == "month_closed"


def invoices_of(log: EventLog) -> dict[tuple[str, int], tuple[str, Decimal]]:
    """Status and total of every invoice, from the log alone."""
    found: dict[tuple[str, int], tuple[str, Decimal]] = {}
    for account_id in log.accounts():
        for document in as_of(log, invoices.FOLD, account_id, At(log.last_position())):
            found[account_id, document.number] = document.status, document.total
    return found


def test_random_histories_leave_the_books_in_balance_with_the_log(
    log: EventLog,
    refresh: Callable[[], None],
    connection: Connection,
    trial: Callable[..., dict[str, Decimal]],
    topics: Topics,
    tmp_path: Path,
) -> None:
    histories = {
        f"acme/a-{nth}": history_of(f"acme/a-{nth}", 11, months=9, clock="wall") for nth in range(25)
    }
    append_all(log, histories, 3)
    rnd = random.Random(5)
    refresh()
    for month in (3, 5):
        recognise(connection, date(2026, month, rnd.randint(1, 28)))
        close(connection, date(2026, month, 1), prefix=topics.prefix)
    recognise(connection, date(2026, 8, 13))
    assert problems(connection) == []
    booked = connection.execute("select account_id, number, status, total from finance_ledger.invoices")
    expected = invoices_of(log)
    assert {(account, number): (status, total) for account, number, status, total in booked} == expected
    paid = sum(total for status, total in expected.values() if status == "paid")
    assert trial()["cash"] == paid
    file, lines = tmp_path / "books.beancount", export(connection, Selection())
    text = "\n".join(lines) + "\n"
    assert text.count(" balance ") >= 4
    assert bean_check(file, text) == ""
    assert bean_check(file, text.replace("  Assets:Cash:EUR  ", "  Assets:Cash:EUR  1", 1)) != ""


def test_the_checks_find_what_somebody_changed_in_the_tables(
    with_domain: Billing, refresh: Callable[[], None], connection: Connection
) -> None:
    refresh()
    recognise(connection, date(2026, 4, 30))
    for change in (
        "update finance_ledger.transfers set amount = amount + 0.01 where kind = 'paid' and invoice = 1",
        "update finance_ledger.transfers set amount = amount + 0.01 where kind = 'issued' and invoice = 1",
        "delete from finance_ledger.transfers where kind = 'recognised' and product = 'custom_domain'",
        "update finance_ledger.schedules set recognised = recognised - 1 where product = 'custom_domain'",
        "update finance_ledger.invoices set status = 'open' where number = 1",
    ):
        with connection.transaction(force_rollback=True):
            connection.execute(change)
            assert problems(connection) != [], change
    assert problems(connection) == []


def test_a_closed_account_keeps_what_it_paid_for(
    with_domain: Billing,
    refresh: Callable[[], None],
    connection: Connection,
    trial: Callable[..., dict[str, Decimal]],
) -> None:
    with_domain.give(ACCOUNT, CloseAccount(), "2026-04-08T12:00")
    refresh()
    recognise(connection, FAR)
    assert "deferred_revenue" not in trial()
    assert problems(connection) == []


# ---- days ---------------------------------------------------------------------


def test_a_payment_east_of_utc_is_booked_on_its_invoices_day(
    billing: Billing,
    refresh: Callable[[], None],
    connection: Connection,
    trial: Callable[..., dict[str, Decimal]],
) -> None:
    billing.open("acme/tokyo", "2026-03-01", clock="wall", time_zone="Asia/Tokyo")
    billing.give("acme/tokyo", PurchasePlan("standard"), "2026-03-01T12:00")
    billing.settle("acme/tokyo", "2026-06-10")
    refresh()
    days = connection.execute(
        "select invoice, min(day) filter (where kind = 'issued'), min(day) filter (where kind = 'paid')"
        " from finance_ledger.transfers where account_id = 'acme/tokyo' group by invoice order by invoice"
    ).fetchall()
    assert [number for number, _, _ in days] == [1, 2, 3, 4]
    assert all(issued == paid for _, issued, paid in days)
    for month in range(3, 7):
        assert "receivable" not in trial(last_day(date(2026, month, 1)))
    assert problems(connection) == []


def test_the_check_finds_a_payment_before_its_invoice_and_what_it_leaves_owed(
    with_domain: Billing, refresh: Callable[[], None], connection: Connection
) -> None:
    refresh()
    connection.execute(
        "update finance_ledger.transfers set day = '2026-02-28', effective = '2026-02-28'"
        " where kind = 'paid' and invoice = 1"
    )
    found = problems(connection)
    assert any(
        "acme/a-1/1 is paid or written off on 2026-02-28, before its own day 2026-03-20" in f for f in found
    )
    assert any(f.startswith("receivables in EUR are -") and f.endswith("end of 2026-02-28") for f in found)


# ---- whose money --------------------------------------------------------------


def test_an_account_on_a_test_clock_is_nobodys_money(
    with_a_test_account: Billing,
    refresh: Callable[[], None],
    connection: Connection,
    trial: Callable[..., dict[str, Decimal]],
    topics: Topics,
) -> None:
    refresh()
    recognise(connection, date(2026, 3, 31))
    assert "revenue:premium" not in trial()
    assert connection.execute(
        "select clock, count(*) filter (where kind = 'recognised') > 0 from finance_ledger.transfers"
        " group by clock order by clock"
    ).fetchall() == [("test", False), ("wall", True)]
    months = proposed(connection, date(2026, 3, 1), prefix=topics.prefix)
    assert [(of.month, of.currency, of.invoiced) for of in months] == [
        (date(2026, 3, 1), "EUR", the("20.00"))
    ]
    closed = close(connection, date(2026, 3, 1), prefix=topics.prefix)
    assert {balance.ledger_account for balance in closed} == {
        *("cash", "deferred_revenue", "receivable", "revenue:standard")
    }
    test_books = balances(connection, FAR, "test")
    assert {b.currency for b in test_books} == {"EUR"}
    assert sum(b.balance for b in test_books) == 0
    of_test = close(connection, date(2026, 3, 1), clock="test", prefix=topics.prefix)
    assert "revenue:premium" in {balance.ledger_account for balance in of_test}
    assert problems(connection) == problems(connection, "test") == []


def test_what_closing_would_close_is_said_without_changing_anything(
    with_domain: Billing, refresh: Callable[[], None], connection: Connection, topics: Topics
) -> None:
    refresh()
    before = connection.execute("select count(*), max(id) from finance_ledger.transfers").fetchall()
    months = proposed(connection, date(2026, 4, 1), prefix=topics.prefix)
    assert [(of.month.month, of.invoiced, of.paid, of.earned > 0) for of in months] == [
        (3, the("20.00"), the("20.00"), True),
        (4, the("4.84"), the("4.84"), True),
    ]
    assert connection.execute("select count(*), max(id) from finance_ledger.transfers").fetchall() == before
    recognise(connection, date(2026, 4, 30))
    assert proposed(connection, date(2026, 4, 1), prefix=topics.prefix) == months
