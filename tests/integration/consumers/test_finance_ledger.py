"""The finance ledger: always balanced, earned day by day, closed months for ever as they were."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from consumers.checkpoints import Connection
from consumers.finance_ledger.beancount import exported
from consumers.finance_ledger.checking import problems
from consumers.finance_ledger.closing import CloseRefused, balances, close
from consumers.finance_ledger.handler import FinanceLedger
from consumers.finance_ledger.recognition import recognise
from consumers.handler import Handler
from domain.commands import ChangePlan, CloseAccount, PayBalance, PurchasePlan
from eventlog import EventLog
from projections.history.as_of import At, as_of
from projections.models import invoices
from publishing.topics import Topics
from tests.support.projections.fold_driver import ACCOUNT, Billing
from tests.support.publishing.histories import append_all, history_of

FAR = date(2100, 1, 1)


@pytest.fixture
def refresh(publish: Callable[[], None], take_in: Callable[[Handler], None]) -> Callable[[], None]:
    """Publish, and take it in."""

    def refresh() -> None:
        publish()
        take_in(FinanceLedger())

    return refresh


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
    with_domain.open("acme/late", "2026-03-10")
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
    histories = {f"acme/a-{nth}": history_of(f"acme/a-{nth}", 11, months=9) for nth in range(25)}
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
    check_with_bean_check(connection, tmp_path / "books.beancount")


def check_with_bean_check(connection: Connection, file: Path) -> None:
    text = "\n".join(exported(connection)) + "\n"
    assert text.count(" balance ") >= 4
    file.write_text(text)
    assert bean_check(file) == ""
    file.write_text(text.replace("  Assets:Cash  ", "  Assets:Cash  1", 1))
    assert bean_check(file) != ""


def bean_check(file: Path) -> str:
    """What the checker says, nothing if all is well."""
    program = Path(sys.executable).parent / "bean-check"
    return subprocess.run([program, file], capture_output=True, text=True, check=False).stderr


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
