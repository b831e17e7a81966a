"""The account's invoices as they stand (R47): a fold of its events apart from the state, since decisions
do not need them."""

from __future__ import annotations

from typing import Literal

import msgspec

from domain import events as e
from domain.events import Invoice

InvoiceStatus = Literal["paid", "open", "uncollectible"]


class InvoiceEntry(msgspec.Struct, frozen=True, gc=False):
    """An invoice and whether it is paid."""

    invoice: Invoice
    status: InvoiceStatus


Invoices = dict[int, InvoiceEntry]
"""By number, in order."""


def invoice_changes(event: e.Event) -> tuple[Invoice | None, tuple[int, InvoiceStatus] | None]:
    """What the event does to the invoices: one is issued (and paid, unless it is an open renewal's), or
    one's status changes."""
    match event:
        case e.CyclesRenewed():
            return event.invoice, (event.invoice.number, "open" if event.invoice.total else "paid")
        case e.InvoicePaid():
            return None, (event.number, "paid")
        case e.PlanPurchased() | e.AddonPurchased() | e.BlocksToppedUp() | e.CreditsPurchased():
            return event.invoice, (event.invoice.number, "paid")
        case e.PlanChanged() | e.PlanResumed() if event.invoice is not None:
            return event.invoice, (event.invoice.number, "paid")
        case e.ItemsLapsed() if event.written_off:
            return None, (event.number, "uncollectible")
        case _:
            return None, None
