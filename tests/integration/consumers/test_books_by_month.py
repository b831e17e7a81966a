"""The books by month are sums of the journal's transfers, of accounts whose ids begin alike."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from consumers.checkpoints import Connection
from consumers.finance_ledger.closing import balances
from consumers.finance_ledger.monthly import earned, months
from consumers.finance_ledger.recognition import recognise
from tests.support.projections.fold_driver import ACCOUNT, Billing

BEGINS = f"{ACCOUNT.partition('/')[0]}/"


def test_each_month_says_what_was_invoiced_and_paid(
    with_domain: Billing, refresh: Callable[[], None], connection: Connection
) -> None:
    with_domain.settle(ACCOUNT, "2026-05-21")
    refresh()
    found = months(connection, BEGINS, clock="wall")
    sums = {b.ledger_account: b.balance for b in balances(connection, date(2100, 1, 1))}
    assert len({one.month for one in found}) == len(found) > 1
    assert sum(one.paid for one in found) == sums["cash"]
    assert all((one.invoiced, one.accounts) == (one.paid, 1) for one in found)
    assert months(connection, "nobody/", clock="wall") == []
    assert months(connection, BEGINS, clock="test") == []


def test_what_is_earned_of_each_months_invoices_is_what_the_books_earned(
    with_domain: Billing, refresh: Callable[[], None], connection: Connection
) -> None:
    refresh()
    recognise(connection, date(2026, 4, 10))
    found = earned(connection, BEGINS, clock="wall")
    sums = {b.ledger_account: -b.balance for b in balances(connection, date(2100, 1, 1))}
    revenue = {name: amount for name, amount in sums.items() if name.startswith("revenue:")}
    by_product: dict[str, Decimal] = {}
    for one in found:
        key = f"revenue:{one.product}"
        by_product[key] = by_product.get(key, Decimal(0)) + one.recognised
    assert by_product == revenue
    assert sum(one.deferred for one in found) == sums["deferred_revenue"]
