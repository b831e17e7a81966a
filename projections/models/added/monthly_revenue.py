"""Monthly revenue: what was invoiced in each month, product by product, and whether it is paid (R47).
Accounts on a test clock are left out unless they are asked for (R97).

    for line in monthly_revenue.of_all(connection, tenant="acme"):
        line.month, line.product, line.kind, line.currency, line.billed - line.credited

Table: `monthly_revenue`, one row for each account, month, product and kind of line.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final

import msgspec
import psycopg
from psycopg.rows import TupleRow, args_row

from domain.calendar import CivilDate
from domain.events import AccountOpened, Clock, Event, Invoice, InvoiceStatus, LineKind
from domain.invoices import invoice_changes
from projections.fold import Evolution, Fold, Placed
from projections.tables import Projection, Rows, Table

NOTHING: Final = Decimal(0)


class Revenue(msgspec.Struct, frozen=True, gc=False):
    """The revenue of one product and kind of line. `billed` sums the charges, `credited` the credit lines,
    both positive; `paid`, `open` and `uncollectible` add up to the difference."""

    product: str
    kind: LineKind
    billed: Decimal = NOTHING
    credited: Decimal = NOTHING
    paid: Decimal = NOTHING
    open: Decimal = NOTHING
    uncollectible: Decimal = NOTHING


class AccountMonth(msgspec.Struct, frozen=True, gc=False):
    """The revenues from an account's invoices dated in the month that begins on `month`, after the last event
    that changed one of them."""

    account: str
    month: CivilDate
    currency: str
    revenues: tuple[Revenue, ...]
    version: int
    revision: int
    fold: int
    clock: Clock | None = None


# ---- the fold ---------------------------------------------------------------


class _Month(msgspec.Struct, frozen=True, gc=False):
    currency: str
    revenues: Mapping[tuple[str, LineKind], Revenue]
    version: int
    revision: int


class RevenueAt(msgspec.Struct, frozen=True):
    """The account's months after its event `version`, and `open`: its invoices whose status may still
    change."""

    account_id: str
    version: int
    months: Mapping[CivilDate, _Month]
    open: Mapping[int, Invoice]
    clock: Clock | None = None


def _apply(before: RevenueAt, event: Event, placed: Placed) -> RevenueAt:
    if placed.version != before.version + 1:
        raise ValueError(f"version {placed.version} was to be folded as version {before.version + 1}")
    months, still_open = before.months, before.open
    issued, changes = invoice_changes(event)
    for number, status in changes:
        if issued is None and number not in still_open:
            continue
        invoice = still_open[number] if issued is None else issued
        changed = _changed(months.get(_month_of(invoice)), invoice, status, placed, new=issued is not None)
        months = {**months, _month_of(invoice): changed}
        still_open = {n: i for n, i in still_open.items() if n != number}
        if status == "open":
            still_open[number] = invoice
    clock = event.clock if isinstance(event, AccountOpened) else before.clock
    return RevenueAt(placed.account_id, placed.version, months, still_open, clock)


def _changed(
    month: _Month | None, invoice: Invoice, status: InvoiceStatus, placed: Placed, *, new: bool
) -> _Month:
    revenues: dict[tuple[str, LineKind], Revenue] = {} if month is None else {**month.revenues}
    for line in invoice.lines:
        key = line.product, line.kind
        revenue = revenues.get(key, Revenue(*key))
        changes: dict[str, Decimal] = {status: getattr(revenue, status) + line.amount}
        if not new:
            changes["open"] = revenue.open - line.amount
        elif line.amount < 0:
            changes["credited"] = revenue.credited - line.amount
        else:
            changes["billed"] = revenue.billed + line.amount
        revenues[key] = msgspec.structs.replace(revenue, **changes)
    return _Month(invoice.currency, revenues, placed.version, placed.position)


def _month_of(invoice: Invoice) -> CivilDate:
    return invoice.date.replace(day=1)


def _none() -> RevenueAt:
    return RevenueAt("", 0, {}, {})


def _all_of_it(at: RevenueAt) -> RevenueAt:
    return at


def _read(at: RevenueAt, fold: int) -> tuple[AccountMonth, ...]:
    return tuple(
        [
            AccountMonth(
                at.account_id,
                month,
                of.currency,
                tuple(of.revenues.values()),
                of.version,
                of.revision,
                fold,
                at.clock,
            )
            for month, of in at.months.items()
        ]
    )


def _key(document: AccountMonth) -> str:
    return document.month.isoformat()


FOLD: Final = Fold("monthly_revenue", 2, Evolution("revenue", _none, _apply, _all_of_it), _read, _key)

# ---- its table, and the rows of a document ------------------------------------

MONTHLY_REVENUE: Final = Table.made_of(
    "monthly_revenue",
    {
        "account_id": 'text collate "C" not null',
        "month": "date not null",
        "product": 'text collate "C" not null',
        "kind": "text not null",
        "currency": "text not null",
        "billed": "numeric not null",
        "credited": "numeric not null",
        "paid": "numeric not null",
        "open": "numeric not null",
        "uncollectible": "numeric not null",
        "clock": "text",
    },
    key=("account_id", "month", "product", "kind"),
    rules={"": "R47", "paid": "R38", "open": "R38", "uncollectible": "R41", "clock": "R97"},
    indexes=("btree (month)",),  # OF_ALL finds its months by it
)


def _rows(document: AccountMonth) -> Rows:
    d = document
    return (
        [
            (
                d.account,
                d.month,
                r.product,
                r.kind,
                d.currency,
                r.billed,
                r.credited,
                r.paid,
                r.open,
                r.uncollectible,
                d.clock,
                d.version,
                d.revision,
                d.fold,
            )
            for r in d.revenues
        ],
    )


PROJECTION: Final = Projection(FOLD, (MONTHLY_REVENUE,), _rows)

# ---- what finance asks -------------------------------------------------------


class RevenueOfMonth(msgspec.Struct, frozen=True):
    """A month's revenue of one product and kind in one currency, over all accounts."""

    month: CivilDate
    product: str
    kind: LineKind
    currency: str
    billed: Decimal
    credited: Decimal
    paid: Decimal
    open: Decimal
    uncollectible: Decimal


OF_ALL: Final = """
    select month, product, kind, currency,
        sum(billed), sum(credited), sum(paid), sum(open), sum(uncollectible)
    from projections.monthly_revenue
    where clock = %(clock)s and month >= %(since)s and month < %(until)s
        and (%(tenant)s::text is null or starts_with(account_id, %(tenant)s || '/'))
    group by month, product, kind, currency order by month, product, kind, currency
"""


def of_all(
    connection: psycopg.Connection[TupleRow],
    *,
    tenant: str | None = None,
    since: CivilDate = date.min,
    until: CivilDate = date.max,
    clock: Clock = "wall",
) -> list[RevenueOfMonth]:
    """The sums of the months from `since` (inclusive) to `until` (exclusive), over accounts on that clock;
    `tenant` None means all tenants."""
    bound = {"clock": clock, "tenant": tenant, "since": since, "until": until}
    with connection.cursor(row_factory=args_row(RevenueOfMonth)) as cursor:
        return cursor.execute(OF_ALL, bound).fetchall()
