"""Find what is late on the wall clock (R97): accounts that are due and not billed, revenue not recognised."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

import psycopg
from psycopg.rows import TupleRow

from prorata.status.report import Overdue

OVERDUE: Final = 900.0
"""Seconds after which an account that fell due counts as overdue: longer than a billing run takes."""

COUNTED: Final = 10_000
"""The most overdue accounts that are counted."""

# Each branch reads its partial index (calendar_due, calendar_pending). Accounts on a test clock are billed on
# request, so they are never late.
_OVERDUE: Final = """
    select count(*), coalesce(extract(epoch from clock_timestamp() - min(since)), 0)::float
    from (
        (
            select due_at as since from projections.calendar
            where clock = 'wall' and not pending_payment
                and due_at <= clock_timestamp() - make_interval(secs => %(limit)s)
            order by due_at limit %(counted)s
        ) union all (
            select recorded_at from projections.calendar
            where clock = 'wall' and pending_payment
                and recorded_at <= clock_timestamp() - make_interval(secs => %(limit)s)
            limit %(counted)s
        )
    ) late
"""

# The index schedules_due has exactly these rows.
_NEXT_DAY: Final = """
    select min(next_day) from finance_ledger.schedules
    where clock = 'wall' and next_day < until and (held_from is null or next_day < held_from)
        and not written_off
"""


def overdue(connection: psycopg.Connection[TupleRow]) -> Overdue:
    """Accounts on the wall clock that have been due, or waiting for a payment's answer, for longer than
    OVERDUE."""
    [[accounts, seconds]] = connection.execute(_OVERDUE, {"limit": OVERDUE, "counted": COUNTED}).fetchall()
    return Overdue(min(accounts, COUNTED), round(seconds, 3))


def unrecognised_days(
    connection: psycopg.Connection[TupleRow], recognised_until: datetime | None, today: date
) -> int:
    """The number of days of revenue that a daily run would have recognised by now; 0 if the last run covered
    yesterday, whatever was booked since. `recognised_until`: the end of the last day that a run covered."""
    yesterday = today - timedelta(days=1)
    if recognised_until is not None and recognised_until.date() >= yesterday:
        return 0
    [[next_day]] = connection.execute(_NEXT_DAY).fetchall()
    return 0 if next_day is None else max(0, (yesterday - next_day).days)
