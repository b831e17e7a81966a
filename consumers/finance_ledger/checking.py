"""What must always hold of the books, asked of the database: a sentence for each thing that does not."""

from __future__ import annotations

from typing import Final

from consumers.checkpoints import Connection
from consumers.finance_ledger.accounts import CASH, DEFERRED, RECEIVABLE, REVENUE
from publishing.contract import Clock

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
    where clock = %(clock)s and (coalesce(owed, 0), coalesce(paid, 0)) is distinct from (
        case i.status when 'open' then i.total else 0 end, case i.status when 'paid' then i.total else 0 end
    )
"""

_DEFERRED: Final = """
    with booked as (
        select currency,
            sum(case %(deferred)s when credit then amount when debit then -amount else 0 end) as amount
        from finance_ledger.transfers where clock = %(clock)s group by currency
    ),
    left_over as (
        select currency, sum(case when written_off then 0 else amount - recognised end) as amount
        from finance_ledger.schedules where clock = %(clock)s group by currency
    )
    select currency, coalesce(booked.amount, 0), coalesce(left_over.amount, 0)
    from booked full join left_over using (currency)
    where coalesce(booked.amount, 0) <> coalesce(left_over.amount, 0)
"""

_REVENUE: Final = """
    with booked as (
        select currency, product, sum(case when credit = %(revenue)s || ':' || product then amount
            else -amount end) as amount
        from finance_ledger.transfers where clock = %(clock)s and kind = 'recognised'
        group by currency, product
    ),
    earned as (
        select currency, product, sum(recognised) as amount from finance_ledger.schedules
        where clock = %(clock)s group by currency, product
    )
    select currency, product, coalesce(booked.amount, 0), coalesce(earned.amount, 0)
    from booked full join earned using (currency, product)
    where coalesce(booked.amount, 0) <> coalesce(earned.amount, 0)
"""

_TOO_EARLY: Final = """
    with days as (
        select account_id, invoice, min(day) filter (where kind = 'issued') as issued,
            min(day) filter (where kind <> 'issued') as settled,
            min(effective) filter (where kind <> 'issued') as effective
        from finance_ledger.transfers
        where clock = %(clock)s and account_id is not null group by account_id, invoice
    )
    select days.account_id, days.invoice, least(settled, effective), greatest(issued, date)
    from days join finance_ledger.invoices i on i.account_id = days.account_id and i.number = days.invoice
    where settled < issued or effective < date
    order by 1, 2
"""

_OWED_AT_MONTH_ENDS: Final = """
    with moved as (
        select currency, date_trunc('month', day)::date as month,
            sum(case when debit = %(receivable)s then amount else -amount end) as amount
        from finance_ledger.transfers
        where clock = %(clock)s and %(receivable)s in (debit, credit) group by 1, 2
    ),
    owed as (
        select currency, month, sum(amount) over (partition by currency order by month) as amount from moved
    )
    select currency, (month + interval '1 month')::date - 1, amount from owed where amount < 0 order by 1, 2
"""


def problems(connection: Connection, clock: Clock = "wall") -> list[str]:
    """Each invoice is owed until it is paid or written off, and is not paid before its day; at no month's end
    is less than nothing owed; what is deferred is what is left to earn; revenue is what was recognised.
    Debits equal credits by construction."""
    names = {"receivable": RECEIVABLE, "cash": CASH, "deferred": DEFERRED, "revenue": REVENUE}
    bound = names | {"clock": clock}
    found = [
        f"invoice {account}/{number} is {status} over {total}: owed {owed}, paid {paid}"
        for account, number, status, total, owed, paid in connection.execute(_RECEIVABLE, bound)
    ]
    found += [
        f"invoice {account}/{number} is paid or written off on {settled}, before its own day {day}"
        for account, number, settled, day in connection.execute(_TOO_EARLY, bound)
    ]
    found += [
        f"receivables in {currency} are {amount} at the end of {day}"
        for currency, day, amount in connection.execute(_OWED_AT_MONTH_ENDS, bound)
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
