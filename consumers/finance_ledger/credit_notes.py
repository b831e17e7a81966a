"""What a credit note takes back (R61): of each line what is deferred first, then what is revenue already, and
its taxes; and where its money goes (R62)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from consumers.finance_ledger.accounts import ACCOUNT_CREDIT, DEFERRED, REFUNDS, REVENUE, TAX_PAYABLE
from consumers.finance_ledger.giving_up import take_up_again
from consumers.finance_ledger.journal import BookedInvoice
from consumers.finance_ledger.register import Register, asset
from consumers.finance_ledger.schedules import BookedLine
from publishing.contract import CreditedLine, CreditNoteIssued


def credit_note(register: Register, note: CreditNoteIssued) -> BookedInvoice:
    """Book the note, and return its invoice. On an invoice issued anew its total is not spent yet (R67)."""
    invoice = register.invoice(note.invoice)
    day = max(note.date, invoice.date)
    if invoice.written_off:
        take_up_again(register, invoice, day)
    lines = {line.line: line for line in register.lines(invoice)}
    for credited in note.lines:
        if credited.amount:
            _take_back(register, invoice, lines[credited.line], credited, day)
        for tax in credited.taxes:
            register.move(
                "credited",
                day,
                f"{TAX_PAYABLE}:{tax.jurisdiction}",
                asset(invoice),
                tax.amount,
                invoice=invoice,
                line=credited.line,
                product=credited.product,
            )
    register.move("refund_asked", day, asset(invoice), REFUNDS, note.refund, invoice=invoice)
    register.move(
        "credited_to_account", day, asset(invoice), ACCOUNT_CREDIT, note.to_account, invoice=invoice
    )
    invoice.due -= note.lowered
    facts = register.facts
    facts.credit_notes += note.total
    facts.taxes -= note.tax
    facts.refunds += note.refund
    facts.credit += note.to_account
    if note.reason != "upgrade" and note.invoice_status != invoice.status:
        register.settle(invoice, note.invoice_status)
    return invoice


def _take_back(
    register: Register, invoice: BookedInvoice, line: BookedLine, credited: CreditedLine, day: date
) -> None:
    days = (credited.from_date, credited.to_date) if credited.by_days else None
    beside = _credited_elsewhere(register.shelf.credit_lines(line.account_id), line, day)
    taken = line.take_back(day, credited.amount, days, beside)
    register.unearn(invoice, line, day, taken.unearned)
    of_revenue = credited.amount - taken.from_deferred
    for debit, amount in ((DEFERRED, taken.from_deferred), (f"{REVENUE}:{line.product}", of_revenue)):
        register.move(
            "credited",
            day,
            debit,
            asset(invoice),
            amount,
            invoice=invoice,
            line=line.line,
            product=line.product,
        )


def _credited_elsewhere(credit_lines: Sequence[BookedLine], line: BookedLine, day: date) -> Decimal | None:
    """What upgrades' credit lines, negative, take of the days of the line that are still to come: it is
    deferred no more."""
    if line.net < 0:
        return None
    same = [
        credit.deferred(day)
        for credit in credit_lines
        if (credit.product, credit.tier, credit.ends) == (line.product, line.tier, line.ends)
    ]
    return sum(same, line.net - line.net)
