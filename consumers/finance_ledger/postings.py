"""What the events about invoices mean for the books: pure.

    posting = posting_of(message)           # None: the event moves no money

Days are those of the invoice's own dates; of a payment and a write-off, that of the instant in UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from decimal import Decimal
from typing import Literal, TypeAlias

from consumers.finance_ledger.accounts import CASH, DEFERRED, RECEIVABLE
from publishing.contract import Invoice, InvoiceStatus, RenewalDeclined, event_of, invoice_changes
from publishing.envelope import PublishedEvent

Kind: TypeAlias = Literal["issued", "paid", "written_off", "recognised"]


@dataclass(frozen=True)
class Transfer:
    """An amount, always positive, out of the account `credit` and into the account `debit`."""

    kind: Kind
    effective: date
    debit: str
    credit: str
    currency: str
    amount: Decimal
    account_id: str
    invoice: int
    position: int
    line: int | None = None
    product: str | None = None


@dataclass(frozen=True)
class Schedule:
    """A line's amount, negative on a credit line, to be earned evenly from `begins` to before `ends`."""

    account_id: str
    invoice: int
    line: int
    product: str
    currency: str
    digits: int
    amount: Decimal
    begins: date
    ends: date


@dataclass(frozen=True)
class IssuedInvoice:
    """An invoice is owed, and paid at once if `paid`."""

    invoice: Invoice
    status: InvoiceStatus
    transfers: tuple[Transfer, ...]
    schedules: tuple[Schedule, ...]


@dataclass(frozen=True)
class Settled:
    """An open invoice was paid, or will never be; what that moves depends on what is booked of it."""

    number: int
    status: InvoiceStatus
    effective: date


@dataclass(frozen=True)
class Held:
    """Its payment was declined: nothing more is earned by it until it is paid (R38)."""

    number: int


Posting: TypeAlias = IssuedInvoice | Settled | Held


def posting_of(message: PublishedEvent) -> Posting | None:
    """What the event means for the books. Raises EventUnreadable."""
    event = event_of(message)
    issued, status = invoice_changes(event)
    if issued is not None and status is not None:
        return _issued(message, issued, status[1])
    if status is not None:
        return Settled(*status, message.event.effective_at.astimezone(UTC).date())
    return Held(event.number) if isinstance(event, RenewalDeclined) else None


def _issued(message: PublishedEvent, invoice: Invoice, status: InvoiceStatus) -> IssuedInvoice:
    transfers = list(_owed(message, invoice))
    if status == "paid" and invoice.total:
        transfers.append(paid(message, invoice.number, invoice.date, invoice.currency, invoice.total))
    return IssuedInvoice(invoice, status, tuple(transfers), tuple(_schedules(message.account_id, invoice)))


def _owed(message: PublishedEvent, invoice: Invoice) -> Iterator[Transfer]:
    for nth, line in enumerate(invoice.lines, 1):
        if line.amount:
            more = line.amount > 0
            yield Transfer(
                "issued",
                invoice.date,
                RECEIVABLE if more else DEFERRED,
                DEFERRED if more else RECEIVABLE,
                invoice.currency,
                abs(line.amount),
                message.account_id,
                invoice.number,
                message.event.position,
                nth,
                line.product,
            )


def _schedules(account_id: str, invoice: Invoice) -> Iterator[Schedule]:
    digits = -int(invoice.total.as_tuple().exponent)
    for nth, line in enumerate(invoice.lines, 1):
        if line.amount:
            ends = max(line.to_date, line.from_date + timedelta(days=1))
            yield Schedule(
                account_id,
                invoice.number,
                nth,
                line.product,
                invoice.currency,
                digits,
                line.amount,
                line.from_date,
                ends,
            )


def paid(message: PublishedEvent, number: int, day: date, currency: str, amount: Decimal) -> Transfer:
    """The payment of an invoice."""
    debit, credit = (CASH, RECEIVABLE) if amount > 0 else (RECEIVABLE, CASH)
    position = message.event.position
    return Transfer("paid", day, debit, credit, currency, abs(amount), message.account_id, number, position)
