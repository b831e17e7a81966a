"""Closing a month: what is booked later has a later day, so its balances never change again.

proposed(connection, date(2026, 3, 1))          # what that would close; nothing is changed
balances = close(connection, date(2026, 3, 1))

The books of each clock are closed apart from the other's (R97).
"""
# ruff: noqa: N818  (errors are named for what happened)

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final, Literal

import msgspec
from psycopg.rows import class_row

from consumers.checkpoints import Connection
from consumers.errors import ConsumerError
from consumers.finance_ledger.accounts import CASH, CHARGE_BACKS, DEFERRED, RECEIVABLE
from consumers.finance_ledger.books import first_open_day, hold
from consumers.finance_ledger.handler import NAME
from consumers.finance_ledger.recognition import recognise
from consumers.handler import at_home
from domain.errors import CHECK_FAILED
from publishing.contract import Clock
from publishing.topics import Topics

RefusalCode = Literal["ledger_behind", "keys_parked", "month_closed"]

_REMEDIES: Final[dict[RefusalCode, str]] = {
    "ledger_behind": "let `prorata consume finance_ledger` and the relay run, and close the month after it",
    "keys_parked": "see `prorata dlq list`, and release them first",
    "month_closed": "nothing is to be done",
}

_OVER_EVERYWHERE: Final = time(12, tzinfo=UTC)
"""A date has ended everywhere on earth at noon, UTC, of the next one."""

_HEARD: Final = """
    select coalesce(bool_and(heartbeat_at is not null and heartbeat_at >= %(over)s), false), min(heartbeat_at)
    from consumers.partitions where consumer = %(consumer)s and topic = %(topic)s
"""

_PARKED: Final = """
    select count(distinct key) from consumers.dead_letters where consumer = %(consumer)s
"""

_CLOSE: Final = """
    insert into finance_ledger.closings (clock, last_day) values (%(clock)s, %(last)s)
"""

_BALANCES: Final = """
    with sides as (
        select currency, debit as ledger_account, amount as debits, 0 as credits from finance_ledger.transfers
        where clock = %(clock)s and day <= %(last)s
        union all
        select currency, credit, 0, amount from finance_ledger.transfers
        where clock = %(clock)s and day <= %(last)s
    )
    select currency, ledger_account, sum(debits) as debits, sum(credits) as credits,
        sum(debits) - sum(credits) as balance
    from sides group by currency, ledger_account order by currency, ledger_account
"""

_KEEP: Final = """
    insert into finance_ledger.closing_balances (clock, last_day, currency, ledger_account, debits, credits,
        balance)
    values (%(clock)s, %(last)s, %(currency)s, %(ledger_account)s, %(debits)s, %(credits)s, %(balance)s)
"""

_MONTHS: Final = """
    select date_trunc('month', day)::date as month, currency,
        coalesce(sum(case when debit = %(receivable)s then amount else -amount end)
            filter (where kind = 'issued'), 0) as invoiced,
        coalesce(sum(case when debit = %(cash)s then amount else -amount end)
            filter (where kind in ('paid', 'overpaid', 'recovered')), 0) as paid,
        coalesce(sum(case when credit in (%(receivable)s, %(charge_backs)s) then amount else -amount end)
            filter (where kind = 'written_off'), 0) as written_off,
        coalesce(sum(case when debit = %(deferred)s then amount else -amount end)
            filter (where kind = 'recognised'), 0) as earned,
        coalesce(sum(case when credit in (%(receivable)s, %(charge_backs)s) then amount else -amount end)
            filter (where kind = 'credited'), 0) as credited,
        coalesce(sum(case when credit = %(cash)s then amount else -amount end)
            filter (where kind in ('refunded', 'charged_back', 'paid_out')), 0) as given_back
    from transfers
    where clock = %(clock)s and day >= %(first_open)s and day <= %(last)s
    group by 1, 2 order by 1, 2
"""


class BookBalance(msgspec.Struct, frozen=True):
    """A ledger account's debits and credits from the beginning; `balance` is debits minus credits."""

    currency: str
    ledger_account: str
    debits: Decimal
    credits: Decimal
    balance: Decimal


class MonthToClose(msgspec.Struct, frozen=True):
    """What is booked in one currency on the days of a month that is not closed yet. `credited`: by credit
    notes; `given_back`: refunds that were made, charge-backs and account credit that was paid out."""

    month: date
    currency: str
    invoiced: Decimal
    paid: Decimal
    written_off: Decimal
    earned: Decimal
    credited: Decimal
    given_back: Decimal


class CloseRefused(ConsumerError):
    """The month cannot be closed (yet)."""

    code = "close_refused"
    exit_code = CHECK_FAILED

    def __init__(self, code: RefusalCode, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.remedy = _REMEDIES[code]

    @property
    def what(self) -> str:
        return self.message


def balances(connection: Connection, last: date, clock: Clock = "wall") -> list[BookBalance]:
    """The trial balance of that clock's books at the end of that day."""
    with connection.cursor(row_factory=class_row(BookBalance)) as cursor:
        return cursor.execute(_BALANCES, {"last": last, "clock": clock}).fetchall()


def proposed(
    connection: Connection, month: date, *, clock: Clock = "wall", prefix: str = ""
) -> list[MonthToClose]:
    """What `close` would close now: the open months up to this one that something is booked in, with what
    they would have earned. Nothing is changed. Raises CloseRefused like `close`."""
    last = last_day(month)
    _check(connection, last, prefix)
    with connection.transaction(force_rollback=True):
        at_home(connection, NAME)
        first_open = _open_until(first_open_day(connection, clock), last)
        recognise(connection, last, clock)
        bound = {"clock": clock, "first_open": first_open, "last": last}
        names = {
            "cash": CASH,
            "receivable": RECEIVABLE,
            "charge_backs": CHARGE_BACKS,
            "deferred": DEFERRED,
        }
        with connection.cursor(row_factory=class_row(MonthToClose)) as cursor:
            return cursor.execute(_MONTHS, bound | names).fetchall()


def close(
    connection: Connection, month: date, *, clock: Clock = "wall", prefix: str = ""
) -> list[BookBalance]:
    """Recognise what the month earned, close every day up to its end, and return the balances there.

    `month`: its first day. Raises CloseRefused: `ledger_behind` until every partition has been heard of after
    the month was over in every time zone, `keys_parked`, `month_closed`.
    """
    last = last_day(month)
    _check(connection, last, prefix)
    recognise(connection, last, clock)
    with connection.transaction():
        at_home(connection, NAME)
        _open_until(hold(connection, clock), last)
        recognise(connection, last, clock)  # what was booked since
        bound = {"clock": clock, "last": last}
        connection.execute(_CLOSE, bound)
        found = balances(connection, last, clock)
        for balance in found:
            connection.execute(_KEEP, bound | msgspec.structs.asdict(balance))
    return found


def _open_until(first_open: date, last: date) -> date:
    """The first open day, if that day is one. Raises CloseRefused `month_closed`."""
    if first_open > last:
        closed_through = first_open - timedelta(days=1)
        raise CloseRefused("month_closed", f"the books are closed up to {closed_through} already")
    return first_open


def last_day(month: date) -> date:
    """The month's last day."""
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def _check(connection: Connection, last: date, prefix: str) -> None:
    over = datetime.combine(last + timedelta(days=1), _OVER_EVERYWHERE)
    bound = {"consumer": NAME, "topic": Topics(prefix).events.name}
    [[parked]] = connection.execute(_PARKED, bound).fetchall()
    if parked:
        raise CloseRefused("keys_parked", f"{parked} accounts are parked")
    [[is_over, heard_at]] = connection.execute(_HEARD, {**bound, "over": over}).fetchall()
    if not is_over:
        heard = "not heard of every partition yet" if heard_at is None else f"heard of all before {heard_at}"
        message = f"the ledger has {heard}, and the month is over everywhere at {over.isoformat()}"
        raise CloseRefused("ledger_behind", message)
