"""The books by month, and what of each month's invoices is earned by now, for accounts whose ids begin alike.

    months(connection, "acme/", clock="wall")       # one for each month and currency
    earned(connection, "acme/", clock="wall")       # by the month of the invoices

Days are those that something was booked on, which a closed month never gets any more.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final

import msgspec
from psycopg.rows import class_row

from consumers.checkpoints import Connection
from consumers.finance_ledger.accounts import CASH, CHARGE_BACKS, RECEIVABLE
from publishing.contract import Clock

_MONTHS: Final = """
    select date_trunc('month', day)::date as month, currency,
        coalesce(sum(case when debit = %(receivable)s then amount else -amount end)
            filter (where kind = 'issued'), 0) as invoiced,
        coalesce(sum(case when debit = %(cash)s then amount else -amount end)
            filter (where kind in ('paid', 'overpaid', 'recovered')), 0) as paid,
        coalesce(sum(case when credit in (%(receivable)s, %(charge_backs)s) then amount else -amount end)
            filter (where kind = 'credited'), 0) as credited,
        coalesce(sum(case when credit = %(cash)s then amount else -amount end)
            filter (where kind in ('refunded', 'charged_back', 'paid_out')), 0) as given_back,
        coalesce(sum(case when credit in (%(receivable)s, %(charge_backs)s) then amount else -amount end)
            filter (where kind = 'written_off'), 0) as written_off,
        count(distinct account_id) as accounts
    from finance_ledger.transfers
    where clock = %(clock)s and account_id >= %(begins)s and account_id < %(beyond)s
    group by 1, 2 order by 1, 2
"""

_EARNED: Final = """
    select date_trunc('month', i.date)::date as month, s.currency, s.product,
        sum(s.amount) as invoiced, sum(s.recognised) as recognised
    from finance_ledger.schedules s
    join finance_ledger.invoices i on i.account_id = s.account_id and i.number = s.invoice
    where s.clock = %(clock)s and s.account_id >= %(begins)s and s.account_id < %(beyond)s
    group by 1, 2, 3 order by 1, 2, 3
"""


class BookedMonth(msgspec.Struct, frozen=True):
    """What was booked in one currency on the days of a month, of so many accounts. `credited`: by credit
    notes; `given_back`: refunds that were made, charge-backs and account credit that was paid out."""

    month: date
    currency: str
    invoiced: Decimal
    paid: Decimal
    credited: Decimal
    given_back: Decimal
    written_off: Decimal
    accounts: int


class EarnedOfMonth(msgspec.Struct, frozen=True):
    """Of the invoices of a month: what they bill of a product before tax, and what of that is recognised by
    now."""

    month: date
    currency: str
    product: str
    invoiced: Decimal
    recognised: Decimal

    @property
    def deferred(self) -> Decimal:
        """What is not earned yet."""
        return self.invoiced - self.recognised


def months(connection: Connection, begins: str, *, clock: Clock) -> list[BookedMonth]:
    """The months in which something was booked of these accounts, the earliest first."""
    names = {"cash": CASH, "receivable": RECEIVABLE, "charge_backs": CHARGE_BACKS}
    with connection.cursor(row_factory=class_row(BookedMonth)) as cursor:
        return cursor.execute(_MONTHS, {**_bound(begins, clock), **names}).fetchall()


def earned(connection: Connection, begins: str, *, clock: Clock) -> list[EarnedOfMonth]:
    """By month of the invoices and product, the earliest first."""
    with connection.cursor(row_factory=class_row(EarnedOfMonth)) as cursor:
        return cursor.execute(_EARNED, _bound(begins, clock)).fetchall()


def _bound(begins: str, clock: Clock) -> dict[str, str]:
    return {"begins": begins, "beyond": begins[:-1] + chr(ord(begins[-1]) + 1), "clock": clock}
