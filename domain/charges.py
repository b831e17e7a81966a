"""Which charge paid which invoice: what refunds, disputes and the provider's own list are about (R58, R62).

charges = charges_of(enumerate(history, 1))
charge_of_invoice(charges, 4).intent        # version of the event whose id the provider knows as the key
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Literal, get_args

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from domain import events as e
from domain.calendar import Instant
from domain.invoices import invoice_changes

ChargeStatus = Literal["unanswered", "action_required", "late", "paid", "declined", "cancelled", "failed"]
"""As the account's history says. `failed`: a late one that was not paid in the end (R98)."""

_ACTIVATIONS = get_args(e.Activation)


class Charge(msgspec.Struct, frozen=True):
    """A charge that was to be made. `intent`: the version of the event that is its intent; `invoices`: what
    it pays, as far as known (a purchase's invoice is issued when it is paid)."""

    intent: int
    purpose: e.PaymentPurpose
    amount: Decimal
    at: Instant
    invoices: tuple[int, ...] = ()
    status: ChargeStatus = "unanswered"


class Charges(msgspec.Struct, frozen=True):
    """Charges by their intents. `ended`: of each that ended, the version of the event that says so."""

    by_intent: dict[int, Charge]
    ended: dict[int, int]


def charges_of(history: Iterable[tuple[int, e.Event]]) -> dict[int, Charge]:
    """The charges of an account, by their intents, from its whole history: versions and events."""
    return charges_among(history).by_intent


def charges_among(events: Iterable[tuple[int, e.Event]]) -> Charges:
    """The charges whose intents are among these events of an account, which are in order."""
    fold = _Fold()
    for version, event in events:
        fold.take(version, event)
    return Charges(fold.charges, fold.ended)


def charge_of_invoice(charges: Mapping[int, Charge], number: int) -> Charge | None:
    """The charge whose money pays the invoice now: the last one that paid it. None: no method did."""
    paying = [charge for charge in charges.values() if number in charge.invoices and charge.status == "paid"]
    return paying[-1] if paying else None


class _Fold:
    def __init__(self) -> None:
        self.charges: dict[int, Charge] = {}
        self.ended: dict[int, int] = {}
        self._version = 0
        self._open: int | None = None
        self._late: dict[int, int] = {}

    def take(self, version: int, event: e.Event) -> None:
        """The next event of the account."""
        self._version = version
        match event:
            case e.PaymentStarted():
                invoices = _to_pay(event)
                self._begin(Charge(version, event.purpose, event.amount, event.at, invoices))
            case e.CyclesRenewed() if event.invoice.charge:
                invoice = event.invoice
                self._begin(Charge(version, "renewal", invoice.charge, event.at, (invoice.number,)))
            case e.InvoicePaid() | e.LatePaymentFailed() if event.number in self._late:
                paid = isinstance(event, e.InvoicePaid)
                self._change(self._late.pop(event.number), status="paid" if paid else "failed")
            case e.InvoiceReissued():
                self._moved(event.note.invoice, event.invoice.number)
            case _:
                if self._open is not None:
                    self._conclude(self._open, event)

    def _conclude(self, intent: int, event: e.Event) -> None:
        match event:
            case e.PaymentActionRequired():
                self._change(intent, status="action_required")
                return
            case e.PaymentLate():
                self._late[event.number] = intent
                self._change(intent, status="late")
            case e.PaymentCancelled():
                self._change(intent, status="cancelled")
            case (
                e.PaymentDeclined()
                | e.RenewalDeclined()
                | e.TryDeclined()
                | e.ResumeDropped()
                | e.ItemsLapsed()
            ):
                self._change(intent, status="declined")
            case e.InvoicePaid():
                self._change(intent, status="paid")
            case _ if isinstance(event, _ACTIVATIONS):
                issued, _ = invoice_changes(event)
                numbers = () if issued is None else (issued.number,)
                self._change(intent, status="paid", invoices=numbers)
            case _:
                return
        self._open = None

    def _begin(self, charge: Charge) -> None:
        self.charges[charge.intent] = charge
        self._open = charge.intent

    def _change(self, intent: int, **changes: object) -> None:
        self.charges[intent] = replace(self.charges[intent], **changes)
        if changes.get("status", "late") not in ("late", "action_required"):
            self.ended[intent] = self._version

    def _moved(self, before: int, after: int) -> None:
        """What paid the invoice pays the one that was issued in its place (R67)."""
        paying = charge_of_invoice(self.charges, before)
        if paying is not None:
            self._change(paying.intent, invoices=(*paying.invoices, after))


def _to_pay(event: e.PaymentStarted) -> tuple[int, ...]:
    if event.invoices is not UNSET:
        return tuple([share.invoice for share in event.invoices])
    return () if event.invoice_number is None else (event.invoice_number,)
