"""What an event of the second part says: collecting, correcting, taxes, discounts, disputes."""

from __future__ import annotations

from typing import Final, assert_never

from domain import events as e
from prorata.wording.language import Wording, message

CREDIT_REASONS: Final = {
    "billing_error": message("a billing error"),
    "service_failure": message("a failure of the service"),
    "duplicate": message("billed twice"),
    "goodwill": message("goodwill"),
    "ended_by_us": message("ended by the seller"),
    "tax": message("another tax"),
    "buyer_details": message("other billing details"),
    "other": message("another reason"),
    "upgrade": message("an upgrade"),
    "not_supplied": message("it could not be used"),
}
STAGES: Final = {
    "declined": message("The payment of invoice {number} was declined; {due} are due."),
    "try_declined": message("The payment of invoice {number} was declined again; {due} are due."),
    "lapses_soon": message("Invoice {number} is still unpaid and its items will end soon; {due} are due."),
}


def second_part_said(event: e.SecondPart, currency: str, say: Wording) -> str:  # noqa: C901 - one case an event
    """One sentence that says what the event did; `currency` is the account's."""
    match event:
        case e.CreditNoteIssued():
            return _credit_note_said(event, currency, say)
        case e.InvoiceReissued():
            return say.say(
                "Invoice {old} was taken back (C{note}) and issued anew as {new}: {total}.",
                old=event.note.invoice,
                note=event.note.number,
                new=event.invoice.number,
                total=say.amount(event.invoice.total, currency),
            )
        case e.RefundConcluded():
            amount = say.amount(event.amount, currency)
            if event.refunded:
                return say.say("{amount} were refunded (C{note}).", amount=amount, note=event.note)
            return say.say(
                "The refund of {amount} failed (C{note}); it is account credit.",
                amount=amount,
                note=event.note,
            )
        case e.CreditApplied():
            numbers = say.listed([str(share.invoice) for share in event.shares])
            return say.say("Account credit paid what was due of: {numbers}.", numbers=numbers)
        case e.CreditPaidOut():
            return say.say(
                "{amount} of account credit were paid out.", amount=say.amount(event.amount, currency)
            )
        case e.PaymentRecorded():
            return say.say("{amount} came in another way.", amount=say.amount(event.amount, currency))
        case e.InvoiceWrittenOff():
            return say.say(
                "Invoice {number} was given up: {amount}.",
                number=event.number,
                amount=say.amount(event.amount, currency),
            )
        case e.TryDeclined():
            return say.say(
                "Another try to charge {amount} was declined.", amount=say.amount(event.amount, currency)
            )
        case e.TriesStopped():
            return say.say("Invoice {number} is not tried again.", number=event.number)
        case e.PaymentReminder():
            return say.say(STAGES[event.stage], number=event.invoice, due=say.amount(event.due, currency))
        case e.PaymentMethodSet():
            return say.say("Another payment method was saved.")
        case e.PaymentActionRequired():
            return say.say("The payment waits for the customer's consent.")
        case e.PaymentLate():
            return say.say("The payment of invoice {number} will be answered later.", number=event.number)
        case e.LatePaymentFailed():
            return say.say("The late payment of invoice {number} failed.", number=event.number)
        case e.DisputeOpened():
            return say.say("The payment of invoice {number} is disputed.", number=event.number)
        case e.DisputeWon():
            return say.say("The dispute of invoice {number} was won.", number=event.number)
        case e.DisputeLost():
            return say.say(
                "The dispute of invoice {number} was lost: {amount} are due again.",
                number=event.number,
                amount=say.amount(event.amount, currency),
            )
        case e.TaxProfileSet():
            return say.say("The tax profile was set: {country}.", country=event.country)
        case e.DiscountGranted():
            return say.say("Discount D{number} was granted.", number=event.number)
        case e.DiscountWithdrawn():
            return say.say("Discount D{number} was withdrawn.", number=event.number)
        case e.DiscountEnds():
            return say.say(
                "{product} will be charged from {on} on: its free months end.",
                product=say.product(event.product),
                on=say.day(event.on),
            )
        case e.CreditsReturned():
            return say.say("The pack {product} was taken back.", product=say.product(event.product))
        case _:
            assert_never(event)


def _credit_note_said(event: e.CreditNoteIssued, currency: str, say: Wording) -> str:
    return say.say(
        "Credit note C{note} takes back {total} of invoice {number} ({reason}).",
        note=event.number,
        total=say.amount(event.total, currency),
        number=event.invoice,
        reason=say.say(CREDIT_REASONS[event.reason]),
    )
