"""What must always hold of the books, asked of the database: a sentence for each thing that does not."""

from __future__ import annotations

from typing import Final

from consumers.checkpoints import Connection
from consumers.finance_ledger import accounts
from publishing.contract import Clock

_OWED: Final = """
    with booked as (
        select account_id, invoice, sum(
            case when debit in (%(receivable)s, %(charge_backs)s) then amount else 0 end
            - case when credit in (%(receivable)s, %(charge_backs)s) then amount else 0 end
        ) as owed
        from finance_ledger.transfers where account_id is not null group by account_id, invoice
    )
    select i.account_id, i.number, i.status, i.due, coalesce(owed, 0)
    from finance_ledger.invoices i
    left join booked on booked.account_id = i.account_id and booked.invoice = i.number
    where clock = %(clock)s and (coalesce(owed, 0) <> i.due or (i.status = 'open') <> (i.due > 0))
    order by 1, 2
"""

_DEFERRED: Final = """
    with booked as (
        select currency,
            sum(case %(deferred)s when credit then amount when debit then -amount else 0 end) as amount
        from finance_ledger.transfers where clock = %(clock)s group by currency
    ),
    left_over as (
        select currency, sum(case when written_off then 0
            else round(amount * (until - begins) / (ends - begins), digits) - recognised end) as amount
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
        where clock = %(clock)s and account_id is not null and invoice is not null
        group by account_id, invoice
    )
    select days.account_id, days.invoice, least(settled, effective), greatest(issued, date)
    from days join finance_ledger.invoices i on i.account_id = days.account_id and i.number = days.invoice
    where settled < issued or effective < date
    order by 1, 2
"""

_OWED_AT_MONTH_ENDS: Final = """
    with moved as (
        select currency, date_trunc('month', day)::date as month,
            sum(case when debit in (%(receivable)s, %(charge_backs)s) then amount else 0 end
                - case when credit in (%(receivable)s, %(charge_backs)s) then amount else 0 end) as amount
        from finance_ledger.transfers where clock = %(clock)s group by 1, 2
    ),
    owed as (
        select currency, month, sum(amount) over (partition by currency order by month) as amount from moved
    )
    select currency, (month + interval '1 month')::date - 1, amount from owed where amount < 0 order by 1, 2
"""


# Invariant 10 of the rules, of what the events of each account say by themselves.
_KEPT: Final = """
    select account_id, payments + taken_over - refunds - charge_backs - paid_out - recovered as kept,
        totals - credit_notes - written_off + credit - coalesce(due, 0) as asked
    from finance_ledger.accounts left join (
        select account_id, sum(due) as due from finance_ledger.invoices group by account_id
    ) of_invoices using (account_id)
    where clock = %(clock)s
        and payments + taken_over - refunds - charge_backs - paid_out - recovered
            <> totals - credit_notes - written_off + credit - coalesce(due, 0)
    order by account_id
"""

# The terms of that, and the taxes, as the journal has them.
_TERMS: Final = """
    with sides as (
        select account_id, kind, amount, debit, credit,
            case when debit = %(cash)s then amount when credit = %(cash)s then -amount else 0 end as cash,
            case when debit in (%(receivable)s, %(charge_backs)s) then amount else 0 end
                - case when credit in (%(receivable)s, %(charge_backs)s) then amount else 0 end as owed
        from finance_ledger.transfers where clock = %(clock)s and account_id is not null
    ),
    booked as (
        select account_id,
            sum(cash) filter (where kind in ('paid', 'overpaid', 'recovered')) as payments,
            sum(case when credit = %(refunds)s then amount else -amount end)
                filter (where kind in ('refund_asked', 'refund_failed')) as refunds,
            -sum(cash) filter (where kind = 'refunded') as refunds_made,
            -sum(cash) filter (where kind = 'charged_back') as charge_backs,
            -sum(cash) filter (where kind = 'paid_out') as paid_out,
            sum(cash) filter (where kind = 'recovered') as recovered,
            sum(owed) filter (where kind = 'issued') as totals,
            -sum(owed) filter (where kind = 'credited') as credit_notes,
            -sum(owed) filter (where kind = 'written_off') as written_off,
            sum(case %(account_credit)s when credit then amount when debit then -amount end) as credit,
            sum(amount) filter (where kind = 'taken_over' and credit = %(account_credit)s) as taken_over,
            sum(case when starts_with(credit, %(tax_payable)s) then amount
                when starts_with(debit, %(tax_payable)s) then -amount end) as taxes
        from sides group by account_id
    )
    select account_id, term, coalesce(in_books, 0), in_events
    from finance_ledger.accounts of_events left join booked using (account_id)
    cross join lateral (values
        ('payments', booked.payments, of_events.payments), ('refunds', booked.refunds, of_events.refunds),
        ('refunds that were made', booked.refunds_made, of_events.refunds_made),
        ('charge-backs', booked.charge_backs, of_events.charge_backs),
        ('paid out', booked.paid_out, of_events.paid_out),
        ('recovered', booked.recovered, of_events.recovered), ('invoices', booked.totals, of_events.totals),
        ('credit notes', booked.credit_notes, of_events.credit_notes),
        ('written off', booked.written_off, of_events.written_off),
        ('account credit', booked.credit, of_events.credit), ('taxes', booked.taxes, of_events.taxes),
        ('account credit taken over', booked.taken_over, of_events.taken_over)
    ) terms (term, in_books, in_events)
    where clock = %(clock)s and coalesce(in_books, 0) <> in_events
    order by account_id, term
"""


def problems(connection: Connection, clock: Clock = "wall") -> list[str]:
    """Each invoice is owed as far as it is due, and is not paid before its day; of each account the payments
    less what went back are the invoices less what was taken back and is due, and both are as its events say
    (invariant 10); at no month's end is less than nothing owed; what is deferred is what is left to earn;
    revenue is what was recognised. Debits equal credits by construction."""
    bound = {name.lower(): getattr(accounts, name) for name in _NAMES} | {"clock": clock}
    found: list[str] = []
    for statement, sentence in _SENTENCES:
        found += [sentence.format(*row) for row in connection.execute(statement, bound)]
    return found


_NAMES: Final = (
    "CASH",
    "RECEIVABLE",
    "CHARGE_BACKS",
    "DEFERRED",
    "TAX_PAYABLE",
    "ACCOUNT_CREDIT",
    "REFUNDS",
    "REVENUE",
)

_SENTENCES: Final = (
    (_OWED, "invoice {}/{} is {} and {} of it is due: owed {}"),
    (_TOO_EARLY, "invoice {}/{} is paid or written off on {}, before its own day {}"),
    (_KEPT, "account {} paid {} net of what went back, and by its invoices it should be {}"),
    (_TERMS, "account {}: {} are {} in the journal, and {} by its events"),
    (_OWED_AT_MONTH_ENDS, "receivables in {0} are {2} at the end of {1}"),
    (_DEFERRED, "deferred revenue in {} is {}, and {} is left to earn"),
    (_REVENUE, "revenue of {1} in {0} is {2}, and {3} was recognised"),
)
