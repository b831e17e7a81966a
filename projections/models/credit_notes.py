"""Credit notes: what was taken back of invoices, and where the money went (R61, R62).

    for document in credit_notes.of_account(connection, "acme/a-1"):
        document.number, document.invoice, document.total, document.refunded

Tables: `credit_notes`; `credit_note_lines`, one row for each line; `credit_note_line_taxes`, one for each tax
of a line.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import msgspec
import psycopg
from msgspec.structs import replace
from psycopg.rows import TupleRow

from domain.calendar import CivilDate, Instant
from domain.events import Clock, CreditedLine, CreditReason, Event, LineTax
from projections.billed import BILLED, BilledAt, Noted, RefundState, notes_after
from projections.fold import Fold
from projections.tables import Projection, Rows, Table, utc


class CreditNoteDocument(msgspec.Struct, frozen=True):
    """A credit note after the event that issued it, or the answer to its refund; accounts number theirs from
    1, and people call the first one C1.

    `lines`: what is taken back of lines of the `invoice`; `net`, `tax`, `total`: their sums. Of the total,
    `lowered` was due before and is not any more, `refunded` goes to the payment method, `to_account` became
    account credit; of a `reissue` the rest paid the invoice of that number. `refund`: whether what is
    refunded was asked for, made, or failed, after which it is account credit; None: nothing was to be
    refunded.
    """

    account: str
    number: int
    date: CivilDate
    issued_at: Instant
    currency: str
    invoice: int
    reason: CreditReason
    net: Decimal
    tax: Decimal
    total: Decimal
    lowered: Decimal
    refunded: Decimal
    to_account: Decimal
    refund: RefundState | None
    reissue: int | None
    ticket: str | None
    lines: tuple[CreditedLine, ...]
    version: int
    revision: int
    fold: int
    clock: Clock | None


def later(at: BilledAt, events: Iterable[Event], position: int) -> BilledAt:
    """What was billed, with the credit notes as events leave them that are not in the log; `position` is the
    last one that is."""
    notes = at.notes
    for event in events:
        notes = notes_after(notes, event, at.version, position)
    return replace(at, notes=notes)


def _read(at: BilledAt, fold: int) -> tuple[CreditNoteDocument, ...]:
    return tuple([_document(at, noted, fold) for noted in at.notes.values()])


def _document(at: BilledAt, noted: Noted, fold: int) -> CreditNoteDocument:
    note = noted.note
    return CreditNoteDocument(
        account=at.account_id,
        number=note.number,
        date=note.date,
        issued_at=note.at,
        currency=at.currency,
        invoice=note.invoice,
        reason=note.reason,
        net=note.net,
        tax=note.tax,
        total=note.total,
        lowered=note.lowered,
        refunded=noted.refunded,
        to_account=noted.to_account,
        refund=noted.refund,
        reissue=noted.reissue,
        ticket=note.ticket,
        lines=note.lines,
        version=noted.version,
        revision=noted.revision,
        fold=fold,
        clock=at.clock,
    )


def _number(document: CreditNoteDocument) -> str:
    return str(document.number)


FOLD: Final = Fold("credit_notes", 1, BILLED, _read, _number)

_OWN: Final = (
    "account_id",
    "number",
    "date",
    "issued_at",
    "currency",
    "invoice",
    "reason",
    "net",
    "tax",
    "total",
    "lowered",
    "refunded",
    "to_account",
    "refund",
    "reissue",
    "ticket",
    "clock",
)
CREDIT_NOTES: Final = Table(
    "credit_notes",
    _OWN,
    key=("account_id", "number"),
    rules={
        "": "R61",
        "reason": "R60",
        "ticket": "R60",
        "tax": "R76",
        "lowered": "R62",
        "refunded": "R62",
        "to_account": "R62",
        "refund": "R62",
        "reissue": "R67",
        "clock": "R97",
    },
)
_OF_LINES: Final = ("product", "tier", "kind", "from_date", "to_date", "by_days", "amount")
LINES: Final = Table(
    "credit_note_lines",
    ("account_id", "number", "nth", "line", *_OF_LINES, "tax"),
    key=("account_id", "number", "nth"),
    rules={"": "R61", "tax": "R76"},
)
TAXES: Final = Table(
    "credit_note_line_taxes",
    ("account_id", "number", "nth", "nth_tax", "jurisdiction", "category", "rate", "amount", "reason"),
    key=("account_id", "number", "nth", "nth_tax"),
    rules={"": "R76"},
)


def _rows(document: CreditNoteDocument) -> Rows:
    d = document
    made_by = d.version, d.revision, d.fold
    own = d.account, d.number, d.date, d.issued_at, d.currency, d.invoice, d.reason, d.net, d.tax, d.total
    went = d.lowered, d.refunded, d.to_account, d.refund, d.reissue, d.ticket, d.clock
    lines: list[Any] = []
    taxes: list[Any] = []
    for nth, line in enumerate(d.lines, 1):
        place = d.account, d.number, nth
        of_line = line.product, line.tier, line.kind, line.from_date, line.to_date, line.by_days, line.amount
        lines.append((*place, line.line, *of_line, line.tax, *made_by))
        taxes += [
            (*place, n, t.jurisdiction, t.category, t.rate, t.amount, t.reason, *made_by)
            for n, t in enumerate(line.taxes, 1)
        ]
    return [(*own, *went, *made_by)], lines, taxes


PROJECTION: Final = Projection(FOLD, (CREDIT_NOTES, LINES, TAXES), _rows)

# All tables are read by primary key, in one statement; the limit counts notes, not lines.
_OF_ACCOUNT: Final = f"""
    select {", ".join(f"n.{name}" for name in _OWN)}, n.version, n.revision, n.fold,
        l.line, {", ".join(f"l.{name}" for name in _OF_LINES)},
        (
            select json_agg(
                json_build_array(t.jurisdiction, t.category, t.rate::text, t.amount::text, t.reason)
                order by t.nth_tax
            )
            from projections.credit_note_line_taxes t
            where (t.account_id, t.number, t.nth) = (l.account_id, l.number, l.nth)
        )
    from (
        select * from projections.credit_notes
        where account_id = %(account_id)s and number > %(after)s order by number limit %(limit)s
    ) n
    left join projections.credit_note_lines l on l.account_id = n.account_id and l.number = n.number
    order by n.number, l.nth
"""  # noqa: S608 - only constants are joined in
_OF_NOTE: Final = len(_OWN) + 3


def of_account(
    connection: psycopg.Connection[TupleRow], account_id: str, after: int = 0, limit: int | None = None
) -> list[CreditNoteDocument]:
    """Up to `limit` of the account's credit notes with a number above `after`, ordered by number."""
    bound = {"account_id": account_id, "after": after, "limit": limit}
    rows = connection.execute(_OF_ACCOUNT, bound).fetchall()
    return [_from_rows(list(lines)) for _, lines in groupby(rows, key=itemgetter(1))]


def _from_rows(rows: list[TupleRow]) -> CreditNoteDocument:
    found = dict(zip((*_OWN, "version", "revision", "fold"), rows[0], strict=False))
    lines = tuple([_line(row[_OF_NOTE:]) for row in rows if row[_OF_NOTE] is not None])
    account, issued_at = found.pop("account_id"), utc(found.pop("issued_at"))
    return CreditNoteDocument(account=account, issued_at=issued_at, lines=lines, **found)


def _line(row: TupleRow) -> CreditedLine:
    *own, taxes = row
    fields = *own, tuple([_tax(*one) for one in taxes or ()])
    return CreditedLine(*fields)


def _tax(jurisdiction: str, category: Any, rate: str, amount: str, reason: Any) -> LineTax:
    return LineTax(jurisdiction, category, Decimal(rate), Decimal(amount), reason)
