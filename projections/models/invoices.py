"""Invoices: each one as issued, and whether it is paid (R47).

    for document in invoices.of_account(connection, "acme/a-1"):
        document.number, document.total, document.status

Tables: `invoices`, and `invoice_lines`, one row for each line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Final

import msgspec
import psycopg
from psycopg.rows import TupleRow

from domain.calendar import CivilDate, Instant
from domain.events import AccountOpened, Clock, Event, Invoice, InvoiceStatus, Line
from domain.invoices import invoice_changes
from eventlog.history import EventPlaces
from projections.fold import Evolution, Fold, Placed
from projections.tables import Projection, Rows, Table, utc


class InvoiceDocument(msgspec.Struct, frozen=True):
    """An invoice after the last event that issued it or changed its status; accounts number theirs from 1.

    `date`: the civil date that it is for; `issued_at`: the instant of issue; `total`: the sum of the lines.
    `clock`: where the account lives (R97), None in documents of fold 1.
    """

    account: str
    number: int
    date: CivilDate
    issued_at: Instant
    currency: str
    total: Decimal
    status: InvoiceStatus
    lines: tuple[Line, ...]
    version: int
    revision: int
    fold: int
    clock: Clock | None = None


class Issued(msgspec.Struct, frozen=True, gc=False):
    """An invoice, its status, and the event that last changed it."""

    invoice: Invoice
    status: InvoiceStatus
    version: int
    revision: int


class InvoicesAt(msgspec.Struct, frozen=True):
    """The account's invoices after its event `version`: number → invoice, in order of issue."""

    account_id: str
    version: int
    invoices: dict[int, Issued]
    clock: Clock | None = None


def _apply(before: InvoicesAt, event: Event, placed: Placed) -> InvoicesAt:
    _check_next(before, placed.version)
    invoices = before.invoices
    changed = _changed(invoices, event, placed.version, placed.position)
    if changed is not None:
        invoices = {**invoices, changed.invoice.number: changed}
    clock = event.clock if isinstance(event, AccountOpened) else before.clock
    return InvoicesAt(placed.account_id, placed.version, invoices, clock)


def _apply_whole(before: InvoicesAt, events: Sequence[Event], places: EventPlaces) -> InvoicesAt:
    _check_next(before, places.version)
    invoices = dict(before.invoices)
    for version, (event, position) in enumerate(zip(events, places.positions, strict=True), places.version):
        changed = _changed(invoices, event, version, position)
        if changed is not None:
            invoices[changed.invoice.number] = changed
    first = events[0]
    clock = first.clock if isinstance(first, AccountOpened) else before.clock
    return InvoicesAt(places.account_id, before.version + len(events), invoices, clock)


def _check_next(before: InvoicesAt, version: int) -> None:
    if version != before.version + 1:
        raise ValueError(f"version {version} was to be folded as version {before.version + 1}")


def _changed(invoices: dict[int, Issued], event: Event, version: int, position: int) -> Issued | None:
    """The invoice that the event issues or gives another status; None if it does neither."""
    invoice, changes = invoice_changes(event)
    for number, status in changes:
        if invoice is not None or number in invoices:
            return Issued(invoices[number].invoice if invoice is None else invoice, status, version, position)
    return None


def _open_ones(at: InvoicesAt) -> InvoicesAt:
    """Drop paid and uncollectible invoices: their status does not change any more."""
    still = {number: issued for number, issued in at.invoices.items() if issued.status == "open"}
    return msgspec.structs.replace(at, invoices=still)


def _read(at: InvoicesAt, fold: int) -> tuple[InvoiceDocument, ...]:
    return tuple([_document(at, issued, fold) for issued in at.invoices.values()])


def _document(at: InvoicesAt, issued: Issued, fold: int) -> InvoiceDocument:
    invoice = issued.invoice
    return InvoiceDocument(
        account=at.account_id,
        number=invoice.number,
        date=invoice.date,
        issued_at=invoice.issued_at,
        currency=invoice.currency,
        total=invoice.total,
        status=issued.status,
        lines=invoice.lines,
        version=issued.version,
        revision=issued.revision,
        fold=fold,
        clock=at.clock,
    )


def _none() -> InvoicesAt:
    return InvoicesAt("", 0, {})


def _number(document: InvoiceDocument) -> str:
    return str(document.number)


INVOICES: Final = Evolution("invoices", _none, _apply, _open_ones, _apply_whole)

FOLD: Final = Fold("invoices", 2, INVOICES, _read, _number)

INVOICE_ROWS: Final = Table(
    "invoices",
    ("account_id", "number", "date", "issued_at", "currency", "total", "status", "clock"),
    key=("account_id", "number"),
    rules={"": "R47", "status": "R38", "clock": "R97"},
)
LINE_ROWS: Final = Table(
    "invoice_lines",
    (
        "account_id",
        "number",
        "line",
        "product",
        "tier",
        "kind",
        "from_date",
        "to_date",
        "days",
        "of_days",
        "unit_price",
        "quantity",
        "amount",
    ),
    key=("account_id", "number", "line"),
    rules={"": "R47", "days": "R6", "of_days": "R6", "unit_price": "R8", "amount": "R6"},
)


def _rows(document: InvoiceDocument) -> Rows:
    d = document
    made_by = d.version, d.revision, d.fold
    invoice = (d.account, d.number, d.date, d.issued_at, d.currency, d.total, d.status, d.clock, *made_by)
    lines = [
        (d.account, d.number, nth, *msgspec.structs.astuple(line)[:10], *made_by)
        for nth, line in enumerate(d.lines, 1)
    ]
    return [invoice], lines


PROJECTION: Final = Projection(FOLD, (INVOICE_ROWS, LINE_ROWS), _rows)

# Both tables are read by primary key; the limit counts invoices, not lines.
_OF_ACCOUNT: Final = """
    select i.account_id, i.number, i.date, i.issued_at, i.currency, i.total, i.status,
        i.version, i.revision, i.fold, i.clock,
        l.product, l.tier, l.kind, l.from_date, l.to_date, l.days, l.of_days, l.unit_price, l.quantity,
        l.amount
    from (
        select * from projections.invoices
        where account_id = %(account_id)s and number > %(after)s order by number limit %(limit)s
    ) i
    left join projections.invoice_lines l on l.account_id = i.account_id and l.number = i.number
    order by i.number, l.line
"""


def of_account(
    connection: psycopg.Connection[TupleRow], account_id: str, after: int = 0, limit: int | None = None
) -> list[InvoiceDocument]:
    """Up to `limit` of the account's invoices with a number above `after`, ordered by number."""
    bound = {"account_id": account_id, "after": after, "limit": limit}
    rows = connection.execute(_OF_ACCOUNT, bound).fetchall()
    return [_from_rows(list(lines)) for _, lines in groupby(rows, key=itemgetter(1))]


def one(connection: psycopg.Connection[TupleRow], account_id: str, number: int) -> InvoiceDocument | None:
    """The account's invoice of this number; None if it is not issued, or not projected yet."""
    found = of_account(connection, account_id, after=number - 1, limit=1)
    return found[0] if found and found[0].number == number else None


def _from_rows(rows: list[TupleRow]) -> InvoiceDocument:
    account_id, number, day, issued_at, currency, total, status, version, revision, fold, clock = rows[0][:11]
    return InvoiceDocument(
        account=account_id,
        number=number,
        date=day,
        issued_at=utc(issued_at),
        currency=currency,
        total=total,
        status=status,
        lines=tuple(_lines(row[11:] for row in rows)),
        version=version,
        revision=revision,
        fold=fold,
        clock=clock,
    )


def _lines(rows: Iterable[TupleRow]) -> Iterable[Line]:
    return (Line(*row) for row in rows if row[0] is not None)
