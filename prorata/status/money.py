"""What is late with real money (R97): accounts that fell due and are not billed, revenue not recognised."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

import psycopg
from psycopg.rows import TupleRow

from prorata.status.report import Overdue

OVERDUE: Final = 900.0
"""Seconds after which an account that fell due counts as overdue: longer than a billing run takes."""

COUNTED: Final = 10_000
"""Overdue accounts that are counted, at most."""

# Each branch reads its partial index (calendar_due, calendar_pending). Accounts on a test clock are billed
# when somebody asks for it, so none is late.
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
    where clock = 'wall' and next_day < ends and not held and not written_off
"""


def overdue(connection: psycopg.Connection[TupleRow]) -> Overdue:
    """Accounts on the wall clock that are overdue, or whose payment has had no answer for as long."""
    [[accounts, seconds]] = connection.execute(_OVERDUE, {"limit": OVERDUE, "counted": COUNTED}).fetchall()
    return Overdue(min(accounts, COUNTED), round(seconds, 3))


def unrecognised_days(
    connection: psycopg.Connection[TupleRow], recognised_until: datetime | None, today: date
) -> int:
    """Days of revenue that a daily run would have recognised by now: none while the last run was yesterday's,
    whatever was booked since. `recognised_until`: when the last day of the last run was over."""
    yesterday = today - timedelta(days=1)
    if recognised_until is not None and recognised_until.date() >= yesterday:
        return 0
    [[next_day]] = connection.execute(_NEXT_DAY).fetchall()
    return 0 if next_day is None else max(0, (yesterday - next_day).days)
