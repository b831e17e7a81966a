"""Invoices: each one as issued, what is due of it, and whether it is paid (R47, R51).

    for document in invoices.of_account(connection, "acme/a-1"):
        document.number, document.total, document.status

Tables: `invoices`; `invoice_lines`, one row for each line; `invoice_line_taxes` and `invoice_line_discounts`,
one row for each tax and discount of a line.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import msgspec
import psycopg
from msgspec import UNSET
from psycopg.rows import TupleRow

from domain.calendar import CivilDate, Instant
from domain.events import Clock, Event, Invoice, InvoiceStatus, Line, LineDiscount, LineTax
from domain.invoice_standing import InvoiceStanding, changed_standings
from projections.billed import BILLED, BilledAt, Issued
from projections.fold import Fold
from projections.tables import Projection, Rows, Table, utc


class InvoiceDocument(msgspec.Struct, frozen=True):
    """An invoice after the last event that issued or changed it; accounts number theirs from 1.

    `date`: the civil date that it is for; `issued_at`: the instant of issue; `net`: the sum of the lines,
    each its amount less its discount; `tax`: that of the lines' taxes; `total`: both; `credit`: the account
    credit that it took; `due`: what is still to be paid, 0.00 unless it is open; `charged_back`: a dispute of
    it was lost; `disputed`: one is open. `clock`: where the account lives (R97), None in documents of fold 1;
    net, tax, credit and due are None in those of fold 2, which had none: net and total are the same there.
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
    net: Decimal | None = None
    tax: Decimal | None = None
    credit: Decimal | None = None
    due: Decimal | None = None
    charged_back: bool = False
    disputed: bool = False


def later(documents: Iterable[InvoiceDocument], events: Iterable[Event]) -> tuple[InvoiceDocument, ...]:
    """The documents as events leave them that are not in the log."""
    before = {document.number: document for document in documents}
    standings = {number: standing_of(document) for number, document in before.items()}
    for event in events:
        standings.update(changed_standings(event, standings.get))
    return tuple([_with(before[number], standing) for number, standing in standings.items()])


def standing_of(document: InvoiceDocument) -> InvoiceStanding:
    """How the invoice of the document stands."""
    d, nothing = document, document.total - document.total
    issued = Invoice(d.number, d.date, d.currency, d.total, d.lines, d.issued_at)
    due, credit = d.due or nothing, d.credit or nothing
    return InvoiceStanding(issued, d.status, due, credit, d.charged_back, d.disputed)


def _with(document: InvoiceDocument, standing: InvoiceStanding) -> InvoiceDocument:
    return msgspec.structs.replace(
        document,
        status=standing.status,
        credit=standing.credit,
        due=standing.due,
        charged_back=standing.charged_back,
        disputed=standing.disputed,
    )


def _read(at: BilledAt, fold: int) -> tuple[InvoiceDocument, ...]:
    return tuple([_document(at, issued, fold) for issued in at.changed.values()])


def _document(at: BilledAt, issued: Issued, fold: int) -> InvoiceDocument:
    standing = issued.standing
    invoice = standing.invoice
    total = invoice.total
    net = total
    for line in invoice.lines:
        if line.taxes:
            net = invoice.net
            break
    return InvoiceDocument(
        at.account_id,
        invoice.number,
        invoice.date,
        invoice.issued_at,
        invoice.currency,
        total,
        standing.status,
        invoice.lines,
        issued.version,
        issued.revision,
        fold,
        at.clock,
        net,
        total - net,
        standing.credit,
        standing.due,
        standing.charged_back,
        standing.disputed,
    )


def _number(document: InvoiceDocument) -> str:
    return str(document.number)


FOLD: Final = Fold("invoices", 3, BILLED, _read, _number)

INVOICE_ROWS: Final = Table(
    "invoices",
    (
        "account_id",
        "number",
        "date",
        "issued_at",
        "currency",
        "net",
        "tax",
        "total",
        "credit",
        "due",
        "status",
        "charged_back",
        "disputed",
        "clock",
    ),
    key=("account_id", "number"),
    rules={
        "": "R47",
        "net": "R51",
        "tax": "R72",
        "total": "R51",
        "credit": "R63",
        "due": "R51",
        "status": "R38",
        "charged_back": "R58",
        "disputed": "R58",
        "clock": "R97",
    },
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
        "discount",
        "net",
        "tax",
    ),
    key=("account_id", "number", "line"),
    rules={
        "": "R47",
        "days": "R6",
        "of_days": "R6",
        "unit_price": "R8",
        "amount": "R6",
        "discount": "R80",
        "net": "R51",
        "tax": "R72",
    },
)
TAX_ROWS: Final = Table(
    "invoice_line_taxes",
    ("account_id", "number", "line", "nth", "jurisdiction", "category", "rate", "amount", "reason"),
    key=("account_id", "number", "line", "nth"),
    rules={"": "R72", "reason": "R74"},
)
DISCOUNT_ROWS: Final = Table(
    "invoice_line_discounts",
    ("account_id", "number", "line", "nth", "discount", "amount"),
    key=("account_id", "number", "line", "nth"),
    rules={"": "R80"},
)


def _rows(document: InvoiceDocument) -> Rows:
    d = document
    made_by = d.version, d.revision, d.fold
    amounts = d.net, d.tax, d.total, d.credit, d.due
    standing = d.status, d.charged_back, d.disputed, d.clock
    invoice = (d.account, d.number, d.date, d.issued_at, d.currency, *amounts, *standing, *made_by)
    lines: list[Any] = []
    taxes: list[Any] = []
    discounts: list[Any] = []
    nothing = d.total - d.total
    for nth, line in enumerate(d.lines, 1):
        place = d.account, d.number, nth
        own = msgspec.structs.astuple(line)[:10]
        if line.discount is UNSET and line.taxes is UNSET:
            lines.append((*place, *own, nothing, line.amount, nothing, *made_by))
            continue
        net = line.net
        lines.append((*place, *own, line.amount - net, net, line.tax, *made_by))
        taxes += [(*place, n, *_tax(tax), *made_by) for n, tax in enumerate(line.taxes or (), 1)]
        discounts += [
            (*place, n, taken.discount, taken.amount, *made_by)
            for n, taken in enumerate(line.discounts or (), 1)
        ]
    return [invoice], lines, taxes, discounts


def _tax(tax: LineTax) -> tuple[Any, ...]:
    return tax.jurisdiction, tax.category, tax.rate, tax.amount, tax.reason


PROJECTION: Final = Projection(FOLD, (INVOICE_ROWS, LINE_ROWS, TAX_ROWS, DISCOUNT_ROWS), _rows)

# All tables are read by primary key, in one statement; the limit counts invoices, not lines.
_OF_ACCOUNT: Final = """
    select i.account_id, i.number, i.date, i.issued_at, i.currency, i.total, i.status,
        i.version, i.revision, i.fold, i.clock, i.net, i.tax, i.credit, i.due, i.charged_back, i.disputed,
        l.product, l.tier, l.kind, l.from_date, l.to_date, l.days, l.of_days, l.unit_price, l.quantity,
        l.amount, l.discount,
        (
            select json_agg(json_build_array(d.discount, d.amount::text) order by d.nth)
            from projections.invoice_line_discounts d
            where (d.account_id, d.number, d.line) = (l.account_id, l.number, l.line)
        ),
        (
            select json_agg(
                json_build_array(t.jurisdiction, t.category, t.rate::text, t.amount::text, t.reason)
                order by t.nth
            )
            from projections.invoice_line_taxes t
            where (t.account_id, t.number, t.line) = (l.account_id, l.number, l.line)
        )
    from (
        select * from projections.invoices
        where account_id = %(account_id)s and number > %(after)s order by number limit %(limit)s
    ) i
    left join projections.invoice_lines l on l.account_id = i.account_id and l.number = i.number
    order by i.number, l.line
"""
_OF_INVOICE: Final = 17
"""Columns of that statement that are the invoice's."""


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
    account_id, number, day, issued_at, currency, total, status, *made_by = rows[0][:10]
    clock, net, tax, credit, due, charged_back, disputed = rows[0][10:_OF_INVOICE]
    version, revision, fold = made_by
    return InvoiceDocument(
        account=account_id,
        number=number,
        date=day,
        issued_at=utc(issued_at),
        currency=currency,
        total=total,
        status=status,
        lines=tuple(_lines(row[_OF_INVOICE:] for row in rows)),
        version=version,
        revision=revision,
        fold=fold,
        clock=clock,
        net=net,
        tax=tax,
        credit=credit,
        due=due,
        charged_back=charged_back,
        disputed=disputed,
    )


def _lines(rows: Iterable[TupleRow]) -> Iterable[Line]:
    for *own, discount, discounts, taxes in rows:
        if own[0] is not None:
            taken = UNSET if discounts is None else tuple([_taken(*one) for one in discounts])
            taxed = UNSET if taxes is None else tuple([_tax_of(*one) for one in taxes])
            fields = *own, discount or UNSET, taken, taxed
            yield Line(*fields)


def _taken(discount: str, amount: str) -> LineDiscount:
    return LineDiscount(discount, Decimal(amount))


def _tax_of(jurisdiction: str, category: Any, rate: str, amount: str, reason: Any) -> LineTax:
    return LineTax(jurisdiction, category, Decimal(rate), Decimal(amount), reason)
