"""The statement of an account and a span of days (R95): what was owed as it began, all that changed it, what
is owed as it ends. A view, no document.

    shown = statement(events, date(2026, 4, 1), date(2026, 5, 1))
    shown.opening + sum(line.amount for line in shown.lines) == shown.closing

What is owed is what is due of all invoices, less account credit: below zero the seller holds the customer's
money. Account credit that pays an invoice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final, Literal, TypeAlias, get_args

import msgspec

from domain import events as e
from domain.calendar import CivilDate, Instant, date_of
from domain.invoice_standing import InvoiceStanding, changed_standings
from domain.invoices import invoice_changes
from domain.money import zero

StatementKind: TypeAlias = Literal[
    "invoice", "credit_note", "payment", "refund", "paid_out", "charge_back", "write_off"
]  # fmt: skip
KINDS: Final[tuple[StatementKind, ...]] = get_args(StatementKind)


class StatementLine(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Something that changed what is owed, by `amount`: above zero more is owed. `date`: its civil date in
    the account's zone. A refund counts from the credit note on that asks for it; one that failed, and a
    write-off of which something came in, are lines of the same kind with the other sign."""

    date: CivilDate
    at: Instant
    kind: StatementKind
    amount: Decimal
    invoice: int | None = None
    credit_note: int | None = None


class Statement(msgspec.Struct, frozen=True, gc=False):
    """The lines of the days from `from_date` to `until` (exclusive), in the order in which they happened."""

    currency: str
    from_date: CivilDate
    until: CivilDate
    opening: Decimal
    lines: tuple[StatementLine, ...]
    closing: Decimal

    def total(self, kind: StatementKind) -> Decimal:
        """The sum of the lines of that kind."""
        return sum([line.amount for line in self.lines if line.kind == kind], zero(self.currency))


def statement(events: Iterable[e.Event], from_date: CivilDate, until: CivilDate) -> Statement:
    """The statement of an account by all its events, in order; the first one opens it.

    Raises ValueError where there is none.
    """
    rest = iter(events)
    owed = _begun(next(rest, None))
    lines: list[StatementLine] = []
    opening = closing = owed.amount
    for event in rest:
        for line in owed.take(event):
            if line.date >= until:
                continue
            closing += line.amount
            if line.date < from_date:
                opening += line.amount
            else:
                lines.append(line)
    return Statement(owed.currency, from_date, until, opening, tuple(lines), closing)


class Owed:
    """What the customer owes, as the events come that follow the opening one. An account that was taken over
    brought its credit."""

    def __init__(self, opening: e.Opening) -> None:
        self.currency = opening.currency
        self._zone = opening.time_zone
        self._standings: dict[int, InvoiceStanding] = {}
        self._due = self._credit = zero(opening.currency)
        if isinstance(opening, e.AccountImported):
            self._credit += opening.credit

    @property
    def amount(self) -> Decimal:
        """What is due, less account credit."""
        return self._due - self._credit

    def take(self, event: e.Event) -> Iterator[StatementLine]:
        """The lines of one event more. What of its effect no other line names was given up, or is asked for
        again: a write-off."""
        before = self.amount
        for number, standing in changed_standings(event, self._standings.get):
            was = self._standings.get(number)
            self._due += standing.due - (was.due if was is not None else self._due - self._due)
            self._standings[number] = standing
        self._credit += _credit_of(event)
        date, left = date_of(event.at, self._zone), self.amount - before
        for kind, amount, invoice, note in _movements(event):
            left -= amount
            if amount:
                yield StatementLine(date, event.at, kind, amount, invoice, note)
        if left:
            yield StatementLine(date, event.at, "write_off", left, _given_up(event))


def _begun(opening: e.Event | None) -> Owed:
    if not isinstance(opening, e.Opening):
        raise ValueError("the first event opens no account")  # noqa: TRY004 - the events are wrong, not their type
    return Owed(opening)


_Movement: TypeAlias = tuple[StatementKind, Decimal, int | None, int | None]


def _movements(event: e.Event) -> Iterator[_Movement]:
    """What the event says of itself: the kind, by how much more is owed, the invoice, the credit note."""
    match event:
        case e.InvoicePaid():
            yield "payment", -event.amount, event.number, None
        case e.CreditNoteIssued():
            yield from _noted(event)
        case e.InvoiceReissued():
            yield from _noted(event.note)
            yield "invoice", event.invoice.total, event.invoice.number, None
        case e.RefundConcluded() if not event.refunded:
            yield "refund", -event.amount, event.invoice, event.note
        case e.CreditPaidOut():
            yield "paid_out", event.amount, None, None
        case e.PaymentRecorded():
            first = event.shares[0].invoice if event.shares else event.recovered
            yield "payment", -event.amount, first, None
        case e.DisputeLost():
            yield "charge_back", event.amount, event.number, None
        case _:
            yield from _issued(event)


def _issued(event: e.Event) -> Iterator[_Movement]:
    issued, statuses = invoice_changes(event)
    if issued is not None:
        yield "invoice", issued.total, issued.number, None
        if dict(statuses)[issued.number] == "paid":
            yield "payment", -issued.charge, issued.number, None


def _noted(note: e.CreditNoteIssued) -> Iterator[_Movement]:
    yield "credit_note", -note.total, note.invoice, note.number
    yield "refund", note.refund, note.invoice, note.number


def _credit_of(event: e.Event) -> Decimal:
    """By how much the event changes the account credit (R63)."""
    match event:
        case e.CreditNoteIssued():
            return event.to_account
        case e.InvoiceReissued():
            return event.note.to_account
        case e.RefundConcluded() if not event.refunded:
            return event.amount
        case e.CreditPaidOut():
            return -event.amount
        case e.PaymentRecorded():
            return event.to_account
        case e.CreditApplied():
            return -sum([share.amount for share in event.shares], Decimal(0))
        case _:
            issued, _ = invoice_changes(event)
            return Decimal(0) if issued is None else -issued.credit_taken


def _given_up(event: e.Event) -> int | None:
    match event:
        case e.ItemsLapsed() | e.InvoiceWrittenOff():
            return event.number
        case e.CreditNoteIssued():
            return event.invoice
        case e.PaymentRecorded():
            return event.recovered
        case _:
            return None
