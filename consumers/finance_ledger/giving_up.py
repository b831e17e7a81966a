"""What will never be paid: what was not earned of it is deferred no more, the rest is an expense."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from consumers.finance_ledger.accounts import BAD_DEBT, DEFERRED
from consumers.finance_ledger.journal import BookedInvoice
from consumers.finance_ledger.register import Register, asset
from consumers.finance_ledger.schedules import share


def write_off(register: Register, invoice: BookedInvoice, day: date) -> None:
    """Give up what is due of the invoice: from what is deferred of its lines first (R68). Where more is
    deferred than is due, the rest of it was paid otherwise, and goes on being earned."""
    due = invoice.due
    deferred = [(line, line.deferred(day)) for line in register.lines(invoice)]
    whole = sum([amount for _, amount in deferred], due - due)
    gone = min(due, whole)
    so_far = given = due - due
    for line, amount in deferred:
        so_far += amount
        part = share(gone, so_far, whole) - given if whole else given
        given += part
        taken = line.take_back(day, part)
        register.unearn(invoice, line, day, taken.unearned)
        _move(register, invoice, day, DEFERRED, taken.from_deferred, line.line, line.product)
    _move(register, invoice, day, BAD_DEBT, due - given)
    _given_up(register, invoice, due)


def give_up_whole(register: Register, invoice: BookedInvoice, day: date) -> None:
    """Give up all of the invoice: what is deferred of its lines, and what else is due.

    Where more is deferred than is due, which the rules before R41a never left at a lapse, only the latter.
    """
    due = rest = invoice.due
    deferred = [(line, line.deferred(day)) for line in register.lines(invoice)]
    if sum([amount for _, amount in deferred]) <= due:
        for line, amount in deferred:
            _move(register, invoice, day, DEFERRED, amount, line.line, line.product)
            line.written_off = True
            rest -= amount
    _move(register, invoice, day, BAD_DEBT, rest)
    _given_up(register, invoice, due)


def take_up_again(register: Register, invoice: BookedInvoice, day: date) -> None:
    """What was given up of the invoice is due after all: a credit note of the same instant takes it back."""
    rest = invoice.written_off
    for line in register.lines(invoice):
        if line.written_off:
            line.written_off = False
            amount = line.deferred(day)
            _move(register, invoice, day, DEFERRED, -amount, line.line, line.product)
            rest -= amount
    _move(register, invoice, day, BAD_DEBT, -rest)
    _given_up(register, invoice, -invoice.written_off)


def _move(
    register: Register,
    invoice: BookedInvoice,
    day: date,
    debit: str,
    amount: Decimal,
    line: int | None = None,
    product: str | None = None,
) -> None:
    register.move(
        "written_off", day, debit, asset(invoice), amount, invoice=invoice, line=line, product=product
    )


def _given_up(register: Register, invoice: BookedInvoice, amount: Decimal) -> None:
    invoice.due -= amount
    invoice.written_off += amount
    register.facts.written_off += amount
