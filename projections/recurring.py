"""What is open, and what recurs each month, of accounts whose ids begin alike, by the read model of invoices.

    receivables(connection, "acme/", clock="wall", limit=200)
    recurring(connection, "acme/", clock="wall", until=date(2026, 7, 1), months=12)

What recurs at the end of a month is the monthly price of every plan, add-on and block that some invoice bills
for its last day, before discounts and taxes: where an upgrade credits the days of an old price, that price
is taken off again. Invoices that were given up do not count.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final

import msgspec
import psycopg
from psycopg.rows import TupleRow, class_row

from domain.calendar import boundary
from domain.events import Clock

_OPEN: Final = """
    select account_id, number, date, currency, total, due
    from projections.invoices
    where clock = %(clock)s and account_id >= %(begins)s and account_id < %(beyond)s and due > 0
        and status = 'open'
    order by date, account_id, number limit %(limit)s
"""

_RECURRING: Final = """
    select ends.month, lines.account_id, lines.product, invoices.currency,
        sum(case when lines.kind = 'credit_line' then -1 else 1 end * lines.unit_price
            * coalesce(lines.quantity, 1)) as amount
    from unnest(%(months)s::date[], %(days)s::date[]) ends (month, day)
    join projections.invoice_lines lines on lines.from_date <= ends.day and lines.to_date > ends.day
        and lines.kind in ('plan', 'addon', 'blocks', 'credit_line')
        and lines.account_id >= %(begins)s and lines.account_id < %(beyond)s
    join projections.invoices using (account_id, number)
    where invoices.clock = %(clock)s and invoices.status <> 'uncollectible'
    group by 1, 2, 3, 4 having sum(case when lines.kind = 'credit_line' then -1 else 1 end * lines.unit_price
            * coalesce(lines.quantity, 1)) > 0
    order by 1, 2, 3
"""


class Receivable(msgspec.Struct, frozen=True):
    """An open invoice, of which `due` is to be paid."""

    account_id: str
    number: int
    date: date
    currency: str
    total: Decimal
    due: Decimal


class Recurring(msgspec.Struct, frozen=True):
    """What an account pays for a product each month, at the end of that month (its first day)."""

    month: date
    account_id: str
    product: str
    currency: str
    amount: Decimal


def receivables(
    connection: psycopg.Connection[TupleRow], begins: str, *, clock: Clock, limit: int
) -> list[Receivable]:
    """The open invoices, the oldest first."""
    bound = {**_accounts(begins), "clock": clock, "limit": limit}
    with connection.cursor(row_factory=class_row(Receivable)) as cursor:
        return cursor.execute(_OPEN, bound).fetchall()


def recurring(
    connection: psycopg.Connection[TupleRow], begins: str, *, clock: Clock, until: date, months: int
) -> list[Recurring]:
    """What recurs at the end of each of so many months, the last of which is that of the day `until`."""
    last = until.replace(day=1)
    firsts = [boundary(last, nth) for nth in range(1 - months, 1)]
    days = [date.fromordinal(boundary(first, 1).toordinal() - 1) for first in firsts]
    bound = {**_accounts(begins), "clock": clock, "months": firsts, "days": days}
    with connection.cursor(row_factory=class_row(Recurring)) as cursor:
        return cursor.execute(_RECURRING, bound).fetchall()


def _accounts(begins: str) -> dict[str, str]:
    return {"begins": begins, "beyond": begins[:-1] + chr(ord(begins[-1]) + 1)}
