"""What must always hold of the books, asked of the database: a sentence for each thing that does not."""

from __future__ import annotations

from typing import Final

from consumers.checkpoints import Connection
from consumers.finance_ledger.accounts import CASH, DEFERRED, RECEIVABLE, REVENUE

_RECEIVABLE: Final = """
    with booked as (
        select account_id, invoice,
            sum(case %(receivable)s when debit then amount when credit then -amount else 0 end) as owed,
            sum(case %(cash)s when debit then amount when credit then -amount else 0 end) as paid
        from finance_ledger.transfers where account_id is not null group by account_id, invoice
    )
    select i.account_id, i.number, i.status, i.total, coalesce(owed, 0), coalesce(paid, 0)
    from finance_ledger.invoices i
    left join booked on booked.account_id = i.account_id and booked.invoice = i.number
    where (coalesce(owed, 0), coalesce(paid, 0)) is distinct from (
        case i.status when 'open' then i.total else 0 end, case i.status when 'paid' then i.total else 0 end
    )
"""

_DEFERRED: Final = """
    with booked as (
        select currency,
            sum(case %(deferred)s when credit then amount when debit then -amount else 0 end) as amount
        from finance_ledger.transfers group by currency
    ),
    left_over as (
        select currency, sum(case when written_off then 0 else amount - recognised end) as amount
        from finance_ledger.schedules group by currency
    )
    select currency, coalesce(booked.amount, 0), coalesce(left_over.amount, 0)
    from booked full join left_over using (currency)
    where coalesce(booked.amount, 0) <> coalesce(left_over.amount, 0)
"""

_REVENUE: Final = """
    with booked as (
        select currency, product, sum(case when credit = %(revenue)s || ':' || product then amount
            else -amount end) as amount
        from finance_ledger.transfers where kind = 'recognised' group by currency, product
    ),
    earned as (
        select currency, product, sum(recognised) as amount from finance_ledger.schedules
        group by currency, product
    )
    select currency, product, coalesce(booked.amount, 0), coalesce(earned.amount, 0)
    from booked full join earned using (currency, product)
    where coalesce(booked.amount, 0) <> coalesce(earned.amount, 0)
"""


def problems(connection: Connection) -> list[str]:
    """Each invoice is owed until it is paid or written off; what is deferred is what is left to earn;
    revenue is what was recognised. Debits equal credits by construction."""
    bound = {"receivable": RECEIVABLE, "cash": CASH, "deferred": DEFERRED, "revenue": REVENUE}
    found = [
        f"invoice {account}/{number} is {status} over {total}: owed {owed}, paid {paid}"
        for account, number, status, total, owed, paid in connection.execute(_RECEIVABLE, bound)
    ]
    found += [
        f"deferred revenue in {currency} is {booked}, and {left} is left to earn"
        for currency, booked, left in connection.execute(_DEFERRED, bound)
    ]
    found += [
        f"revenue of {product} in {currency} is {booked}, and {earned} was recognised"
        for currency, product, booked, earned in connection.execute(_REVENUE, bound)
    ]
    return found
