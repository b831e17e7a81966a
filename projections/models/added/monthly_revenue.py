"""Monthly revenue: what was invoiced in each month before tax, product by product, whether it is paid, and
what credit notes took back (R47, R51, R61). Accounts on a test clock are left out unless they are asked for
(R97).

    for line in monthly_revenue.of_all(connection, tenant="acme"):
        line.month, line.product, line.kind, line.currency, line.net

An invoice is in the month of its date, a credit note in that of its own.

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
from domain.events import (
    Clock,
    CreditNoteIssued,
    Event,
    Invoice,
    InvoiceReissued,
    InvoiceStatus,
    LineKind,
    Opening,
)
from domain.invoices import invoice_changes
from projections.fold import Evolution, Fold, Placed
from projections.tables import Projection, Rows, Table

NOTHING: Final = Decimal(0)


class Revenue(msgspec.Struct, frozen=True, gc=False):
    """The revenue of one product and kind of line, before tax. `billed` sums the charges, `credited` the
    credit lines, both positive, `discounts` what was taken off the charges, less what was taken off the
    credit lines. `paid`, `open` and `uncollectible` add up to billed - credited - discounts, by the status of
    the invoices. `taken_back`: what the month's credit notes took back, of this or earlier months'
    invoices."""

    product: str
    kind: LineKind
    billed: Decimal = NOTHING
    credited: Decimal = NOTHING
    paid: Decimal = NOTHING
    open: Decimal = NOTHING
    uncollectible: Decimal = NOTHING
    discounts: Decimal = NOTHING
    taken_back: Decimal = NOTHING


class AccountMonth(msgspec.Struct, frozen=True, gc=False):
    """The revenues from an account's invoices and credit notes dated in the month that begins on `month`,
    after the last event that changed one of them."""

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
    """The account's months after its event `version`, and its `invoices`, each with its status, which may
    change as long as the account lives."""

    account_id: str
    version: int
    currency: str
    months: Mapping[CivilDate, _Month]
    invoices: Mapping[int, tuple[Invoice, InvoiceStatus]]
    clock: Clock | None = None


def _apply(before: RevenueAt, event: Event, placed: Placed) -> RevenueAt:
    if placed.version != before.version + 1:
        raise ValueError(f"version {placed.version} was to be folded as version {before.version + 1}")
    months, invoices = before.months, before.invoices
    issued, changes = invoice_changes(event)
    note = event.note if isinstance(event, InvoiceReissued) else event
    if changes or isinstance(note, CreditNoteIssued):
        months, invoices = dict(months), dict(invoices)
        for number, status in changes:
            if issued is not None:
                invoices[number] = issued, status
                _move(months, issued, None, status, placed)
            elif number in invoices and invoices[number][1] != status:
                invoice, was = invoices[number]
                invoices[number] = invoice, status
                _move(months, invoice, was, status, placed)
        if isinstance(note, CreditNoteIssued):
            _take_back(months, note, before.currency, placed)
    currency, clock = before.currency, before.clock
    if isinstance(event, Opening):
        currency, clock = event.currency, event.clock
    return RevenueAt(placed.account_id, placed.version, currency, months, invoices, clock)


def _move(
    months: dict[CivilDate, _Month],
    invoice: Invoice,
    was: InvoiceStatus | None,
    status: InvoiceStatus,
    placed: Placed,
) -> None:
    """Count the invoice's lines under that status, and no longer under the one before; None: it is new."""
    month = _month_of(invoice)
    revenues = _revenues(months, month)
    for line in invoice.lines:
        key, net = (line.product, line.kind), line.net
        revenue = revenues.get(key, Revenue(*key))
        changes: dict[str, Decimal] = {status: getattr(revenue, status) + net}
        if was is not None:
            changes[was] = getattr(revenue, was) - net
        else:
            changes["discounts"] = revenue.discounts + (line.amount - net)
            if line.amount < 0:
                changes["credited"] = revenue.credited - line.amount
            else:
                changes["billed"] = revenue.billed + line.amount
        revenues[key] = msgspec.structs.replace(revenue, **changes)
    months[month] = _Month(invoice.currency, revenues, placed.version, placed.position)


def _take_back(
    months: dict[CivilDate, _Month], note: CreditNoteIssued, currency: str, placed: Placed
) -> None:
    month = note.date.replace(day=1)
    revenues = _revenues(months, month)
    for line in note.lines:
        key = line.product, line.kind
        revenue = revenues.get(key, Revenue(*key))
        revenues[key] = msgspec.structs.replace(revenue, taken_back=revenue.taken_back + line.amount)
    months[month] = _Month(currency, revenues, placed.version, placed.position)


def _revenues(months: Mapping[CivilDate, _Month], month: CivilDate) -> dict[tuple[str, LineKind], Revenue]:
    return {**months[month].revenues} if month in months else {}


def _month_of(invoice: Invoice) -> CivilDate:
    return invoice.date.replace(day=1)


def _none() -> RevenueAt:
    return RevenueAt("", 0, "", {}, {})


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


FOLD: Final = Fold("monthly_revenue", 3, Evolution("revenue", _none, _apply, _all_of_it), _read, _key)

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
        "discounts": "numeric",
        "taken_back": "numeric",
        "clock": "text",
    },
    key=("account_id", "month", "product", "kind"),
    rules={
        "": "R47",
        "paid": "R38",
        "open": "R38",
        "uncollectible": "R41",
        "discounts": "R80",
        "taken_back": "R61",
        "clock": "R97",
    },
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
                r.discounts,
                r.taken_back,
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
    discounts: Decimal
    taken_back: Decimal

    @property
    def net(self) -> Decimal:
        """What is left of it before tax: without discounts, and what was credited and taken back."""
        return self.billed - self.credited - self.discounts - self.taken_back


OF_ALL: Final = """
    select month, product, kind, currency,
        sum(billed), sum(credited), sum(paid), sum(open), sum(uncollectible),
        sum(discounts), sum(taken_back)
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
