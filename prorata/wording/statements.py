"""The lines of a statement (R95), in words."""

from __future__ import annotations

from typing import Final

from domain.statement import StatementKind, StatementLine
from prorata.wording.language import Wording, message

_LINES: Final[dict[StatementKind, str]] = {
    "invoice": message("Invoice {invoice}"),
    "credit_note": message("Credit note {note} of invoice {invoice}"),
    "payment": message("Payment of invoice {invoice}"),
    "refund": message("Refund of invoice {invoice}"),
    "paid_out": message("Account credit paid out"),
    "charge_back": message("Charge-back of invoice {invoice}"),
    "write_off": message("Write-off of invoice {invoice}"),
}
_WITHOUT_INVOICE: Final[dict[StatementKind, str]] = {
    "payment": message("Payment"),
    "write_off": message("Write-off"),
}


def statement_line_said(line: StatementLine, say: Wording) -> str:
    """What changed what is owed."""
    if line.invoice is None and line.kind in _WITHOUT_INVOICE:
        return say.say(_WITHOUT_INVOICE[line.kind])
    note = "" if line.credit_note is None else f"C{line.credit_note}"
    return say.say(_LINES[line.kind], invoice=line.invoice, note=note)
