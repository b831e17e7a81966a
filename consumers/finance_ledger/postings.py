"""What an event means for the books: transfers, and what becomes of invoices and their lines. No database:
what is known is on a shelf.

    post(shelf, message, event, following)      # the account's next event, as far as it is at hand

Days are those of the account's time zone: of an invoice and of a credit note its own date, of payments and of
all else the civil date of the instant there.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from consumers.finance_ledger.accounts import (
    ACCOUNT_CREDIT,
    CASH,
    CHARGE_BACKS,
    DEFERRED,
    RECEIVABLE,
    RECOVERED,
    REFUNDS,
    TAX_PAYABLE,
)
from consumers.finance_ledger.credit_notes import credit_note
from consumers.finance_ledger.giving_up import give_up_whole, write_off
from consumers.finance_ledger.journal import BookedAccount, BookedInvoice, Kind
from consumers.finance_ledger.opening_balances import take_over
from consumers.finance_ledger.register import Register, Shelf, asset
from consumers.finance_ledger.schedules import BookedLine, Piece
from publishing import contract as c
from publishing.envelope import PublishedEvent


def post(shelf: Shelf, message: PublishedEvent, event: c.Event, following: c.Event | None = None) -> None:
    """Book what the event says. `following`: what happened next to the account, if it is at hand.

    Raises ValueError where the books lack what the event is about.
    """
    issued, statuses = c.invoice_changes(event)
    if isinstance(event, c.AccountOpened):
        shelf.open(BookedAccount(message.account_id, event.clock, event.time_zone, event.currency))
    elif isinstance(event, c.AccountImported):
        shelf.open(BookedAccount(message.account_id, event.clock, event.time_zone, event.currency))
        take_over(Register(shelf, message), event)
    elif isinstance(event, c.InvoiceReissued):
        _reissued(Register(shelf, message), event)
    elif issued is not None:
        _issued(Register(shelf, message), issued, dict(statuses)[issued.number])
    elif isinstance(event, _ABOUT_INVOICES):
        _of_an_invoice(Register(shelf, message), event, following)
    elif isinstance(event, c.CreditApplied | c.CreditPaidOut | c.PaymentRecorded | c.RefundConcluded):
        _of_money(Register(shelf, message), event)


_AboutInvoices = (
    c.InvoicePaid
    | c.RenewalDeclined
    | c.ItemsLapsed
    | c.CreditNoteIssued
    | c.DisputeLost
    | c.LatePaymentFailed
    | c.InvoiceWrittenOff
)
_ABOUT_INVOICES = (
    c.InvoicePaid,
    c.RenewalDeclined,
    c.ItemsLapsed,
    c.CreditNoteIssued,
    c.DisputeLost,
    c.LatePaymentFailed,
    c.InvoiceWrittenOff,
)


def _of_an_invoice(register: Register, event: _AboutInvoices, following: c.Event | None) -> None:
    if isinstance(event, c.CreditNoteIssued):
        credit_note(register, event)
        return
    if isinstance(event, c.ItemsLapsed) and not event.written_off:
        return
    invoice = register.invoice(event.number)
    day = register.day(invoice)
    match event:
        case c.InvoicePaid():
            register.pay(invoice, day, event.amount)
            register.settle(invoice, "paid")
        case c.RenewalDeclined():
            register.hold(invoice, invoice.date)
        case c.ItemsLapsed():
            register.settle(invoice, "uncollectible")
            if invoice.due and not _taken_back_by(following, event.number):
                give_up_whole(register, invoice, day)
        case c.DisputeLost():
            register.doubt(invoice, day)
            register.move("charged_back", day, CHARGE_BACKS, CASH, event.amount, invoice=invoice)
            invoice.due += event.amount
            register.facts.charge_backs += event.amount
        case c.LatePaymentFailed():
            register.doubt(invoice, day)
        case c.InvoiceWrittenOff():
            write_off(register, invoice, day)
            register.settle(invoice, "uncollectible")


def _taken_back_by(following: c.Event | None, number: int) -> bool:
    """Whether what could not be used of the lapsed items is taken back at once (R41a)."""
    return isinstance(following, c.CreditNoteIssued) and following.invoice == number


def _of_money(
    register: Register, event: c.CreditApplied | c.CreditPaidOut | c.PaymentRecorded | c.RefundConcluded
) -> None:
    facts, day = register.facts, register.day()
    match event:
        case c.CreditApplied():
            for part in event.shares:
                invoice = register.invoice(part.invoice)
                register.apply_credit(invoice, register.day(invoice), part.amount)
        case c.CreditPaidOut():
            register.move("paid_out", day, ACCOUNT_CREDIT, CASH, event.amount)
            facts.paid_out += event.amount
            facts.credit -= event.amount
        case c.PaymentRecorded():
            _recorded(register, event, day)
        case c.RefundConcluded():
            kind: Kind = "refunded" if event.refunded else "refund_failed"
            to = CASH if event.refunded else ACCOUNT_CREDIT
            register.move(kind, day, REFUNDS, to, event.amount, invoice=register.invoice(event.invoice))
            if event.refunded:
                facts.refunds_made += event.amount
            else:
                facts.refunds -= event.amount
                facts.credit += event.amount
    if isinstance(event, c.CreditApplied | c.PaymentRecorded):
        for number in event.paid:
            register.settle(register.invoice(number), "paid")


def _recorded(register: Register, event: c.PaymentRecorded, day: date) -> None:
    """Money came in another way: for what is due, for the account, or for what was written off (R57, R68)."""
    for part in event.shares:
        invoice = register.invoice(part.invoice)
        register.pay(invoice, register.day(invoice), part.amount)
    facts = register.facts
    facts.payments += event.to_account
    facts.credit += event.to_account
    register.move("overpaid", day, CASH, ACCOUNT_CREDIT, event.to_account)
    if event.recovered is not None:
        of = register.invoice(event.recovered)
        register.move("recovered", day, CASH, RECOVERED, event.amount, invoice=of)
        facts.payments += event.amount
        facts.recovered += event.amount


# ---- issuing -------------------------------------------------------------------


def _issued(register: Register, invoice: c.Invoice, status: c.InvoiceStatus) -> None:
    """The invoice is owed; account credit and, if it is paid at once, the payment method pay it."""
    booked = _owed(register, invoice, invoice.date)
    register.apply_credit(booked, invoice.date, invoice.credit_taken)
    if status == "paid":
        register.pay(booked, invoice.date, invoice.charge)
        booked.status = "paid"


def _reissued(register: Register, event: c.InvoiceReissued) -> None:
    """The invoice is taken back and issued anew (R67): what was paid pays the new one, by way of the account.
    Nothing of the new one is booked before."""
    old = credit_note(register, event.note)
    day = max(event.note.date, old.date)
    new = _owed(register, event.invoice, day)
    register.move("reissued", day, asset(old), ACCOUNT_CREDIT, new.total, invoice=old)
    register.move("reissued", day, ACCOUNT_CREDIT, RECEIVABLE, new.total, invoice=new)
    new.due -= new.total
    new.status = "paid"


def _owed(register: Register, invoice: c.Invoice, day: date) -> BookedInvoice:
    """Book the lines' nets and taxes on that day."""
    total = invoice.total
    booked = BookedInvoice(invoice.number, invoice.date, invoice.currency, total, total, "open")
    account = register.account
    account.currency = invoice.currency
    known_on = day if day > invoice.date else None
    register.shelf.issue(account.account_id, booked, list(_lines(account.account_id, invoice, known_on)))
    for nth, line in enumerate(invoice.lines, 1):
        owed = [(DEFERRED, line.net)]
        owed += [(f"{TAX_PAYABLE}:{tax.jurisdiction}", tax.amount) for tax in line.taxes or ()]
        for credit, amount in owed:
            register.move(
                "issued", day, RECEIVABLE, credit, amount, invoice=booked, line=nth, product=line.product
            )
    register.facts.totals += total
    register.facts.taxes += invoice.tax
    return booked


def _lines(account_id: str, invoice: c.Invoice, known_on: date | None) -> Iterator[BookedLine]:
    for nth, line in enumerate(invoice.lines, 1):
        if line.net:
            ends = max(line.to_date, line.from_date + timedelta(days=1))
            piece = Piece(line.net, line.from_date, ends, ends, line.from_date)
            yield BookedLine(
                account_id,
                invoice.number,
                nth,
                line.product,
                line.tier,
                invoice.currency,
                line.net,
                (piece,),
                known_on,
            )
