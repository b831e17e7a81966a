"""A selection of the journal: a clock's entries, of all tenants, of one, or of one account, in a period.

    selection = Selection("wall", tenant="acme", since=date(2026, 3, 1), until=date(2026, 4, 1))
    for entry in entries(connection, selection): ...        # in a transaction; in the order of days
    opening(connection, selection)                          # the balances as `since` begins

Revenue is recognised of many invoices in one row; an account's own is made again from its invoices' lines, on
the days that it is about.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

import msgspec
from psycopg.rows import class_row

from consumers.checkpoints import Connection
from consumers.finance_ledger.accounts import DEFERRED, REVENUE
from publishing.contract import Clock

_AT_ONCE: Final = 1_000

_BOOKED: Final = """
    select clock, tenant, account_id, invoice, position, day, effective, kind, debit, credit, currency,
        amount, product, id
    from finance_ledger.transfers
    where clock = %(clock)s and (%(tenant)s::text is null or tenant = %(tenant)s)
        and (%(account_id)s::text is null or account_id = %(account_id)s)
        and day >= %(since)s and day < %(until)s
"""

# As recognition.py earns a line, day by day, as far as it has.
_EARNED_BY_ACCOUNT: Final = """
    select clock, split_part(account_id, '/', 1), account_id, nullif(invoice, 0), null::bigint,
        greatest(day, known_on), day, 'recognised',
        case when amount > 0 then %(deferred)s else %(revenue)s || ':' || product end,
        case when amount > 0 then %(revenue)s || ':' || product else %(deferred)s end,
        currency, abs(earned), product, 9223372036854775807
    from finance_ledger.schedules cross join lateral (
        select day, round(amount * (day + 1 - begins) / (ends - begins), digits)
            - round(amount * (day - begins) / (ends - begins), digits) as earned
        from (select begins + n as day from generate_series(0, next_day - begins - 1) n) days
    ) by_day
    where clock = %(clock)s and account_id = %(account_id)s and earned <> 0
        and greatest(day, known_on) >= %(since)s and greatest(day, known_on) < %(until)s
"""

_OPENING: Final = """
    select currency, ledger_account, sum(amount) as amount from (
        select currency, debit as ledger_account, amount from ({entries}) entries
        union all select currency, credit, -amount from ({entries}) entries
    ) sides group by currency, ledger_account having sum(amount) <> 0 order by currency, ledger_account
"""

_BY_MONTH: Final = """
    select date_trunc('month', day)::date as month, currency, ledger_account,
        sum(debits) as debits, sum(credits) as credits
    from (
        select day, currency, debit as ledger_account, amount as debits, 0 as credits from ({entries}) entries
        union all select day, currency, credit, 0, amount from ({entries}) entries
    ) sides group by 1, 2, 3 order by 1, 2, 3
"""

_USED: Final = """
    select ledger_account, currency, min(day) from (
        select debit as ledger_account, currency, day from ({entries}) entries
        union all select credit, currency, day from ({entries}) entries
    ) used group by ledger_account, currency order by ledger_account, currency
"""

_ACCOUNT_CLOCK: Final = """
    select clock from finance_ledger.accounts where account_id = %(account_id)s
"""


@dataclass(frozen=True)
class Selection:
    """Which entries are meant: booked on the days from `since`, included, to `until`, not included.
    `account_id` has its tenant before it, as in the log."""

    clock: Clock = "wall"
    tenant: str | None = None
    account_id: str | None = None
    since: date = date.min
    until: date = date.max

    @property
    def is_whole(self) -> bool:
        """Whether it has every tenant's entries, as the closed months' balances have."""
        return self.tenant is None and self.account_id is None


class LedgerEntry(msgspec.Struct, frozen=True):
    """An amount out of the ledger account `credit` into `debit`, booked on `day` and about `effective`.
    Without an account it was earned of many invoices together."""

    clock: Clock
    tenant: str
    account_id: str | None
    invoice: int | None
    position: int | None
    day: date
    effective: date
    kind: str
    debit: str
    credit: str
    currency: str
    amount: Decimal
    product: str | None


class OpeningBalance(msgspec.Struct, frozen=True):
    """What a ledger account held, debits minus credits, as the period begins."""

    currency: str
    ledger_account: str
    amount: Decimal


class MonthOfAccount(msgspec.Struct, frozen=True):
    """What a month moved on a ledger account; `balance`: debits minus credits, all until the month's end."""

    month: date
    currency: str
    ledger_account: str
    debits: Decimal
    credits: Decimal
    balance: Decimal


def clock_of(connection: Connection, account_id: str) -> Clock | None:
    """The clock that the account lives on; None: the books do not know it."""
    row = connection.execute(_ACCOUNT_CLOCK, {"account_id": account_id}).fetchone()
    return None if row is None else row[0]


def entries(connection: Connection, selection: Selection) -> Iterator[LedgerEntry]:
    """The entries in the order of days, in bounded memory. In a transaction."""
    fields = ", ".join(LedgerEntry.__struct_fields__)
    ordered = f"select {fields} from ({_of(selection)}) entries order by day, id"  # noqa: S608 - constants
    with connection.cursor("entries", row_factory=class_row(LedgerEntry)) as cursor:
        cursor.itersize = _AT_ONCE
        cursor.execute(ordered, _bound(selection))
        yield from cursor


def opening(connection: Connection, selection: Selection) -> list[OpeningBalance]:
    """What the selection's ledger accounts hold as its period begins; none that holds nothing."""
    before = _bound(selection) | {"since": date.min, "until": selection.since}
    with connection.cursor(row_factory=class_row(OpeningBalance)) as cursor:
        return cursor.execute(_OPENING.replace("{entries}", _of(selection)), before).fetchall()


def by_month(connection: Connection, selection: Selection) -> list[MonthOfAccount]:
    """Each month in which the selection moves something, account by account."""
    held = {(o.currency, o.ledger_account): o.amount for o in opening(connection, selection)}
    found: list[MonthOfAccount] = []
    rows = connection.execute(_BY_MONTH.replace("{entries}", _of(selection)), _bound(selection))
    for month, currency, account, debited, credited in rows:
        key = currency, account
        held[key] = held.get(key, Decimal(0)) + debited - credited
        found.append(MonthOfAccount(month, currency, account, debited, credited, held[key]))
    return found


def accounts_used(connection: Connection, selection: Selection) -> list[tuple[str, str, date]]:
    """Each ledger account and currency that the selection has entries in, and the day of the first one."""
    return connection.execute(_USED.replace("{entries}", _of(selection)), _bound(selection)).fetchall()


def _of(selection: Selection) -> str:
    return _BOOKED if selection.account_id is None else f"{_BOOKED} union all {_EARNED_BY_ACCOUNT}"


def _bound(selection: Selection) -> dict[str, Any]:
    return {
        "clock": selection.clock,
        "tenant": selection.tenant,
        "account_id": selection.account_id,
        "since": selection.since,
        "until": selection.until,
        "deferred": DEFERRED,
        "revenue": REVENUE,
    }
