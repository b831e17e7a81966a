"""The entries that bookings are made of: what one event moves, and what that makes of invoices and lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from consumers.finance_ledger.accounts import (
    ACCOUNT_CREDIT,
    CASH,
    CHARGE_BACKS,
    DEFERRED,
    RECEIVABLE,
    REVENUE,
)
from consumers.finance_ledger.journal import BookedAccount, BookedInvoice, Kind, Transfer
from consumers.finance_ledger.schedules import BookedLine
from publishing.contract import InvoiceStatus, date_of
from publishing.envelope import PublishedEvent


class Shelf(Protocol):
    """Where the books of accounts are found. What is taken from it is changed in place, and kept so."""

    def account(self, account_id: str) -> BookedAccount:
        """An account that was opened. Raises ValueError."""
        ...

    def invoice(self, account_id: str, number: int) -> BookedInvoice:
        """An invoice that was issued. Raises ValueError."""
        ...

    def lines(self, account_id: str, number: int) -> Sequence[BookedLine]:
        """Its lines that have a net."""
        ...

    def credit_lines(self, account_id: str) -> Sequence[BookedLine]:
        """The credit lines of all the account's invoices."""
        ...

    def open(self, account: BookedAccount) -> None:
        """Keep a new account."""
        ...

    def issue(self, account_id: str, invoice: BookedInvoice, lines: Sequence[BookedLine]) -> None:
        """Keep a new invoice and its lines."""
        ...

    def bring(self, account_id: str, lines: Sequence[BookedLine]) -> None:
        """Keep what was billed elsewhere and is to be earned here."""
        ...

    def book(self, transfer: Transfer) -> None:
        """Enter it in the journal."""
        ...


class Register:
    """What one event of one account moves."""

    def __init__(self, shelf: Shelf, message: PublishedEvent) -> None:
        self.shelf = shelf
        self.account = shelf.account(message.account_id)
        self.facts = self.account.facts
        self._message = message

    # ---- looking

    def invoice(self, number: int) -> BookedInvoice:
        """An invoice of the account."""
        return self.shelf.invoice(self.account.account_id, number)

    def lines(self, invoice: BookedInvoice) -> Sequence[BookedLine]:
        """Its lines that have a net."""
        return self.shelf.lines(self.account.account_id, invoice.number)

    def day(self, invoice: BookedInvoice | None = None) -> date:
        """The day that the event is about: the civil date in the account's time zone, as an invoice's own is;
        never before that of the invoice, whatever time-zone data says today."""
        invoiced = None if invoice is None else invoice.date
        return day_of(self._message.event.effective_at, self.account.time_zone, invoiced)

    # ---- entering

    def move(
        self,
        kind: Kind,
        day: date,
        debit: str,
        credit: str,
        amount: Decimal,
        *,
        invoice: BookedInvoice | None = None,
        line: int | None = None,
        product: str | None = None,
    ) -> None:
        """Enter the amount; a negative one goes the other way, one of 0.00 is not entered."""
        if not amount:
            return
        if amount < 0:
            debit, credit = credit, debit
        currency = self._currency() if invoice is None else invoice.currency
        number = None if invoice is None else invoice.number
        self.shelf.book(
            Transfer(
                kind,
                day,
                debit,
                credit,
                currency,
                abs(amount),
                self.account.account_id,
                number,
                self._message.event.position,
                line,
                product,
            )
        )

    def pay(self, invoice: BookedInvoice, day: date, amount: Decimal) -> None:
        """Money came in for the invoice."""
        self.move("paid", day, CASH, asset(invoice), amount, invoice=invoice)
        invoice.due -= amount
        self.facts.payments += amount

    def apply_credit(self, invoice: BookedInvoice, day: date, amount: Decimal) -> None:
        """Account credit paid some of the invoice (R63)."""
        self.move("credit_applied", day, ACCOUNT_CREDIT, asset(invoice), amount, invoice=invoice)
        invoice.due -= amount
        self.facts.credit -= amount

    def settle(self, invoice: BookedInvoice, status: InvoiceStatus) -> None:
        """The invoice is paid, or never will be: what was held back of a paid one is earned."""
        invoice.status = status
        if status == "paid" and invoice.held_from is not None:
            invoice.held_from = None
            for line in self.lines(invoice):
                line.held_from = None

    def hold(self, invoice: BookedInvoice, day: date) -> None:
        """From that day on the invoice earns nothing until it is paid (R38, R58)."""
        invoice.held_from = day
        for line in self.lines(invoice):
            self.unearn(invoice, line, day, line.hold(day))

    def unearn(self, invoice: BookedInvoice, line: BookedLine, day: date, amount: Decimal) -> None:
        """What had been recognised of days that are earned anew, or not at all, is deferred again."""
        revenue = f"{REVENUE}:{line.product}"
        self.move("recognised", day, revenue, DEFERRED, amount, invoice=invoice, product=line.product)

    def doubt(self, invoice: BookedInvoice, day: date) -> None:
        """What is due of the invoice is so by a charge-back or a late payment that failed (R58, R98)."""
        if not invoice.charged_back:
            self.move("late_failed", day, CHARGE_BACKS, RECEIVABLE, invoice.due, invoice=invoice)
            invoice.charged_back = True
        invoice.status = "open"
        self.hold(invoice, day)

    def _currency(self) -> str:
        if self.account.currency is None:
            raise ValueError("the ledger does not know the account's currency: it has to be replayed")
        return self.account.currency


def asset(invoice: BookedInvoice) -> str:
    """The ledger account that holds what is due of it."""
    return CHARGE_BACKS if invoice.charged_back else RECEIVABLE


def day_of(at: datetime, time_zone: str, invoiced: date | None) -> date:
    """The civil date of the instant in that time zone, never before the invoice's."""
    day = date_of(at, time_zone)
    return day if invoiced is None else max(invoiced, day)
