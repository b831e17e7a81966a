"""What the events about invoices mean for the books: pure.

    posting = posting_of(message)           # None: the event moves no money

Days are those of the account's time zone: of an invoice its own date, of a payment and a write-off the civil
date of the instant there (`day_of`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal, TypeAlias

from consumers.finance_ledger.accounts import CASH, DEFERRED, RECEIVABLE
from publishing.contract import (
    AccountOpened,
    Clock,
    Invoice,
    InvoiceStatus,
    RenewalDeclined,
    date_of,
    event_of,
    invoice_changes,
)
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
class OpenedAccount:
    """An account that invoices may follow of: which money it is (R97), and whose dates."""

    clock: Clock
    time_zone: str


@dataclass(frozen=True)
class IssuedInvoice:
    """An invoice is owed, and paid at once if `paid`."""

    invoice: Invoice
    status: InvoiceStatus
    transfers: tuple[Transfer, ...]
    schedules: tuple[Schedule, ...]


@dataclass(frozen=True)
class Settled:
    """An open invoice was paid, or will never be, at that instant; what that moves depends on what is booked
    of it."""

    number: int
    status: InvoiceStatus
    at: datetime


@dataclass(frozen=True)
class Held:
    """Its payment was declined: nothing more is earned by it until it is paid (R38)."""

    number: int


Posting: TypeAlias = OpenedAccount | IssuedInvoice | Settled | Held


def posting_of(message: PublishedEvent) -> Posting | None:
    """What the event means for the books. Raises EventUnreadable."""
    event = event_of(message)
    issued, statuses = invoice_changes(event)
    if issued is not None:
        return _issued(message, issued, dict(statuses)[issued.number])
    if statuses:
        return Settled(*statuses[0], message.event.effective_at)
    if isinstance(event, AccountOpened):
        return OpenedAccount(event.clock, event.time_zone)
    return Held(event.number) if isinstance(event, RenewalDeclined) else None


def day_of(at: datetime, time_zone: str, invoiced: date) -> date:
    """The day that the payment, or the write-off, of an invoice of that date is about: the civil date in the
    account's time zone, as the invoice's own is; never before that, whatever time-zone data says today."""
    return max(invoiced, date_of(at, time_zone))


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
