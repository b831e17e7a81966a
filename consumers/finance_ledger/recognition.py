"""Revenue recognised day by day: of an amount over n days, the first k days have earned amount x k / n,
rounded to the currency's digits, so that the last day earns exactly what is left.

    recognise(connection, date(2026, 3, 31))        # every day up to and including that one

Accounts on a test clock are nobody's money (R97): theirs is recognised where it is asked for.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from consumers.checkpoints import Connection
from consumers.finance_ledger.accounts import DEFERRED, REVENUE
from consumers.finance_ledger.books import first_open_day
from consumers.finance_ledger.handler import NAME
from consumers.handler import at_home
from publishing.contract import Clock

# Closed days are booked on the first open one. A credit line's amount is negative, so the sum may be.
_RECOGNISE: Final = """
    with due as (
        select account_id, invoice, line, part, product, currency, digits, amount, begins, ends, next_day,
            known_on, least(until, held_from, %(through)s + 1) as until
        from schedules
        where clock = %(clock)s and next_day < until and (held_from is null or next_day < held_from)
            and not written_off and next_day <= %(through)s
        order by account_id, invoice, line, part
        limit %(limit)s
        for update
    ),
    earned as (
        select split_part(account_id, '/', 1) as tenant, product, currency,
            greatest(day, known_on, %(first_open_day)s) as booked, day as effective,
            round(amount * (day + 1 - begins) / (ends - begins), digits)
                - round(amount * (day - begins) / (ends - begins), digits) as amount
        from due cross join lateral (
            select next_day + n as day from generate_series(0, until - next_day - 1) n
        ) days
    ),
    moved as (
        update schedules held
        set next_day = due.until,
            recognised = round(due.amount * (due.until - due.begins) / (due.ends - due.begins), due.digits)
        from due
        where held.account_id = due.account_id and held.invoice = due.invoice and held.line = due.line
            and held.part = due.part
        returning 1
    ),
    booked as (
        insert into transfers (clock, tenant, day, effective, kind, debit, credit, currency, amount, product)
        select %(clock)s, tenant, booked, effective, 'recognised',
            case when sum(amount) > 0 then %(deferred)s else %(revenue)s || ':' || product end,
            case when sum(amount) > 0 then %(revenue)s || ':' || product else %(deferred)s end,
            currency, abs(sum(amount)), product
        from earned
        group by tenant, booked, effective, currency, product
        having sum(amount) <> 0
        order by booked, effective, tenant, currency, product
    )
    select count(*) from moved
"""

_AT_ONCE: Final = 10_000
"""Lines in a transaction."""


def recognise(connection: Connection, through: date, clock: Clock = "wall") -> int:
    """Recognise what accounts on that clock earned up to and including that day; on how many lines. May be
    run at any time, and again: a day of a line is recognised once."""
    lines = 0
    while True:
        with connection.transaction():
            at_home(connection, NAME)
            bound = {
                "clock": clock,
                "through": through,
                "first_open_day": first_open_day(connection, clock),
                "deferred": DEFERRED,
                "revenue": REVENUE,
                "limit": _AT_ONCE,
            }
            [[moved]] = connection.execute(_RECOGNISE, bound).fetchall()
        lines += int(moved)
        if moved < _AT_ONCE:
            return lines
