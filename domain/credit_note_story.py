"""The whole story of a credit note: which line and which days it takes back, and where the money went.

>>> credit_note_story(events, 1).lines[0].arithmetic
'4.84 × 5/15 days = 1.61; tax 0.32 (FR 20%)'
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from domain import events as e
from domain.arithmetic import TaxGroup, tax_groups, taxes_text
from domain.calendar import days_between
from domain.crediting import left_of
from domain.evolve import evolve
from domain.invoices import invoice_changes
from domain.state import Account, InvoiceRecord

How = Literal["whole", "left", "days", "amount"]
"""What is taken back of a line: all of it, what was left of it, days of it, or an amount."""


class ExplainedCredit(msgspec.Struct, frozen=True):
    """A line of a credit note with its calculation; `of`: the line that it takes back. `days`: of one by
    days, those that it takes back."""

    line: e.CreditedLine
    of: e.Line
    how: How
    days: int | None
    arithmetic: str


class CreditNoteStory(msgspec.Struct, frozen=True):
    """What a credit note takes back, and where the money went. `issued`: the version of the event that issued
    it; `invoiced`: of the one that issued its invoice. `money`: of the refund's answer, and of what took the
    account credit until nothing was left of it."""

    note: e.CreditNoteIssued
    invoice: e.Invoice
    issued: int
    invoiced: int
    money: tuple[int, ...]
    lines: tuple[ExplainedCredit, ...]
    taxes: tuple[TaxGroup, ...]


def credit_note_story(events: Sequence[e.Event], number: int) -> CreditNoteStory | None:
    """The story of that credit note; None: there is no such credit note."""
    state: Account | None = None
    invoiced: dict[int, int] = {}
    for version, event in enumerate(events, 1):
        note = note_of(event)
        if note is not None and note.number == number and state is not None:
            invoice, record = state.invoices[note.invoice], state.record(note.invoice)
            return CreditNoteStory(
                note,
                invoice,
                version,
                invoiced[note.invoice],
                _money(events, version, evolve(state, event), note),
                tuple([_taken_back(line, invoice, record) for line in note.lines]),
                tax_groups(note.lines),
            )
        issued = invoice_changes(event)[0]
        if issued is not None:
            invoiced[issued.number] = version
        state = evolve(state, event)
    return None


def note_of(event: e.Event) -> e.CreditNoteIssued | None:
    """The credit note that the event issues."""
    if isinstance(event, e.InvoiceReissued):
        return event.note
    return event if isinstance(event, e.CreditNoteIssued) else None


def _money(
    events: Sequence[e.Event], issued: int, after: Account, note: e.CreditNoteIssued
) -> tuple[int, ...]:
    """The refund's answer, and what took the account credit until nothing was left of it (R62, R63). `after`:
    the account after the note."""
    versions = []
    state, ours = after, bool(note.to_account)
    for version, event in enumerate(events[issued:], issued + 1):
        held = state.standing.credit
        state = evolve(state, event)
        answer = isinstance(event, e.RefundConcluded) and event.note == note.number
        if answer or (ours and state.standing.credit < held):
            versions.append(version)
        ours = (ours or answer) and bool(state.standing.credit)
    return tuple(versions)


def _taken_back(line: e.CreditedLine, invoice: e.Invoice, record: InvoiceRecord) -> ExplainedCredit:
    of = invoice.lines[line.line - 1]
    days = days_between(line.from_date, line.to_date) if line.by_days else None
    how = _how(line, of, left_of(record, line.line - 1, of))
    return ExplainedCredit(
        line, of, how, days, "; ".join([_text(line, of, how, days), *taxes_text(line.taxes)])
    )


def _how(line: e.CreditedLine, of: e.Line, left: Decimal) -> How:
    if line.amount == left:
        return "whole" if left == of.net else "left"
    return "days" if line.by_days and of.days is not None else "amount"


def _text(line: e.CreditedLine, of: e.Line, how: How, days: int | None) -> str:
    match how:
        case "whole":
            return f"{line.amount}"
        case "left":
            return f"what was left of {of.net}: {line.amount}"
        case "days":
            return f"{of.net} × {days}/{of.days} days = {line.amount}"
        case _:
            return f"{line.amount} of {of.net}"
