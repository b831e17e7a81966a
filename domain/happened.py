"""What happened to an account by itself: tries, reminders, refunds, the ends of free months (R52, R55, R62,
R87), and its credit notes. Folds of its events for those who look."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Literal

import msgspec

from domain import events as e
from domain.calendar import CivilDate, date_of


class Happening(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One of these, with its own facts; the others are left out."""

    date: CivilDate
    fact: Literal["try", "reminder", "refunded", "refund_failed", "discount_ends"]
    amount: Decimal | None = None
    paid: bool | None = None
    invoice: int | None = None
    stage: str | None = None
    due: Decimal | None = None
    next_try: CivilDate | msgspec.UnsetType | None = msgspec.UNSET
    lapses: tuple[e.Ending, ...] | None = None
    product: str | None = None
    on: CivilDate | None = None


class CreditNoteEntry(msgspec.Struct, frozen=True, gc=False):
    """A credit note, and where its money is by now: a refund that failed is account credit (R62)."""

    note: e.CreditNoteIssued
    refunded: Decimal
    to_account: Decimal


class Chronicle:
    """What happened, in order, as the events come."""

    def __init__(self, time_zone: str) -> None:
        self.time_zone = time_zone
        self.happened: list[Happening] = []
        self.credit_notes: dict[int, CreditNoteEntry] = {}
        self._trying: e.PaymentStarted | None = None

    def take_all(self, events: Iterable[e.Event]) -> Chronicle:
        """This chronicle with these events too."""
        for event in events:
            self.take(event)
        return self

    def take(self, event: e.Event) -> None:
        """This chronicle with one event more."""
        date = date_of(event.at, self.time_zone)
        match event:
            case e.PaymentStarted():
                self._trying = event if event.purpose == "balance_retry" else None
            case e.InvoicePaid() | e.TryDeclined() | e.ItemsLapsed() if self._trying is not None:
                paid = isinstance(event, e.InvoicePaid)
                self.happened.append(Happening(date, "try", amount=self._trying.amount, paid=paid))
                self._trying = None
            case e.PaymentReminder():
                self.happened.append(
                    Happening(
                        date,
                        "reminder",
                        invoice=event.invoice,
                        stage=event.stage,
                        due=event.due,
                        next_try=event.next_try,
                        lapses=event.lapses,
                    )
                )
            case e.CreditNoteIssued():
                self._note(event)
            case e.InvoiceReissued():
                self._note(event.note)
            case e.RefundConcluded():
                self._refund(event, date)
            case e.DiscountEnds():
                self.happened.append(Happening(date, "discount_ends", product=event.product, on=event.on))
            case _:
                pass

    def _note(self, event: e.CreditNoteIssued) -> None:
        self.credit_notes[event.number] = CreditNoteEntry(event, event.refund, event.to_account)

    def _refund(self, event: e.RefundConcluded, date: CivilDate) -> None:
        fact: Literal["refunded", "refund_failed"] = "refunded" if event.refunded else "refund_failed"
        self.happened.append(Happening(date, fact, invoice=event.invoice, amount=event.amount))
        if not event.refunded:
            entry = self.credit_notes[event.note]
            self.credit_notes[event.note] = CreditNoteEntry(
                entry.note, entry.refunded - event.amount, entry.to_account + event.amount
            )
