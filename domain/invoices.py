"""What events do to invoices (R47), for those who fold them without the account's state."""

from __future__ import annotations

from domain import events as e
from domain.events import Invoice, InvoiceStatus

StatusChange = tuple[int, InvoiceStatus]
"""An invoice's number, and its status after the event."""


def invoice_changes(event: e.Event) -> tuple[Invoice | None, tuple[StatusChange, ...]]:
    """What the event does to the invoices: the one that it issues, and the status of each that it touches
    (an issued one is paid, unless it is an open renewal's)."""
    match event:
        case e.CyclesRenewed():
            return event.invoice, ((event.invoice.number, "open" if event.invoice.charge else "paid"),)
        case e.InvoicePaid():
            return None, ((event.number, "paid"),)
        case e.PlanPurchased() | e.AddonPurchased() | e.BlocksToppedUp() | e.CreditsPurchased():
            return event.invoice, ((event.invoice.number, "paid"),)
        case e.PlanChanged() | e.PlanResumed() if event.invoice is not None:
            return event.invoice, ((event.invoice.number, "paid"),)
        case e.InvoiceReissued():
            return event.invoice, ((event.invoice.number, "paid"),)
        case _:
            return None, _status_changes(event)


def _status_changes(event: e.Event) -> tuple[StatusChange, ...]:
    match event:
        case e.ItemsLapsed() if event.written_off:
            return ((event.number, "uncollectible"),)
        case e.InvoiceWrittenOff():
            return ((event.number, "uncollectible"),)
        case e.CreditNoteIssued() if event.reason != "upgrade":
            return ((event.invoice, event.invoice_status),)
        case e.CreditApplied() | e.PaymentRecorded():
            return tuple([(number, "paid") for number in event.paid])
        case e.DisputeLost() | e.LatePaymentFailed():
            return ((event.number, "open"),)
        case _:
            return ()
