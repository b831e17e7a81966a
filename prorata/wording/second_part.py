"""What an event of the second part says: collecting, correcting, taxes, discounts, disputes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, assert_never

from msgspec import UNSET

from domain import events as e
from domain.booking_facts import terms_of
from prorata.wording.declining import declined_said
from prorata.wording.language import Wording, message
from prorata.wording.terms import terms_said

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
    "declined": message("Reminder: the payment of invoice {number} was declined; {due} are due."),
    "try_declined": message("Reminder: the payment of invoice {number} was declined again; {due} are due."),
    "lapses_soon": message("Reminder: invoice {number} is still unpaid; {due} are due."),
}
VAT_IDS: Final = {
    "none": message("no VAT id"),
    "unconfirmed": message("VAT id not confirmed"),
    "confirmed": message("VAT id confirmed"),
}
BUYERS: Final = {"consumer": message("consumer"), "business": message("business")}


def second_part_said(event: e.SecondPart, currency: str, say: Wording) -> str:  # noqa: C901 - one case an event
    """One sentence, or a few, that say what the event did; `currency` is the account's."""
    match event:
        case e.CreditNoteIssued():
            return credit_note_said(event, currency, say)
        case e.InvoiceReissued():
            return _reissued_said(event, currency, say)
        case e.RefundConcluded():
            return _refund_said(event, currency, say)
        case e.CreditApplied():
            paid = say.say("Account credit paid {shares}.", shares=_shares_said(event.shares, currency, say))
            return _and_restored(paid, event.restored, say)
        case e.CreditPaidOut():
            amount = say.amount(event.amount, currency)
            return say.say("{amount} of account credit were paid out.", amount=amount)
        case e.PaymentRecorded():
            return _recorded_said(event, currency, say)
        case e.InvoiceWrittenOff():
            amount = say.amount(event.amount, currency)
            return say.say(
                "Invoice {number} was written off by finance: {amount}.", number=event.number, amount=amount
            )
        case e.TryDeclined():
            amount = say.amount(event.amount, currency)
            told = say.say("A try to charge {amount} was declined.", amount=amount)
            return declined_said(told, event.decline_reason, event.final, say)
        case e.TriesStopped():
            return say.say("Finance stopped the tries for invoice {number}.", number=event.number)
        case e.PaymentReminder():
            return _reminder_said(event, currency, say)
        case e.PaymentMethodSet():
            return say.say("Another payment method was saved.")
        case e.PaymentActionRequired():
            return say.say("The payment waits for the customer's consent.")
        case e.PaymentLate():
            return _late_said(event, say)
        case e.LatePaymentFailed():
            failed = say.say("The late payment of invoice {number} failed.", number=event.number)
            failed = _and_suspended(failed, event.suspended, say)
            return declined_said(failed, event.decline_reason, UNSET, say)
        case e.DisputeOpened():
            return say.say(
                "{amount} of invoice {number} are disputed: nothing of the account can be used.",
                number=event.number,
                amount=say.amount(event.amount, currency),
            )
        case e.DisputeWon():
            return say.say("The dispute about invoice {number} was won.", number=event.number)
        case e.DisputeLost():
            lost = say.say(
                "The dispute about invoice {number} was lost: {amount} are due again.",
                number=event.number,
                amount=say.amount(event.amount, currency),
            )
            return _and_suspended(lost, event.suspended, say)
        case e.TaxProfileSet():
            return _profile_said(event, say)
        case e.DiscountGranted():
            return say.say(
                "Discount D{number} was granted: {terms}.",
                number=event.number,
                terms=terms_said(terms_of(event), currency, say),
            )
        case e.DiscountWithdrawn():
            return say.say("Discount D{number} was withdrawn.", number=event.number)
        case e.DiscountEnds():
            return say.say(
                "The free months of {product} end: the first line at a price is of {on}.",
                product=say.product(event.product),
                on=say.day(event.on),
            )
        case e.CreditsReturned():
            return say.say("The pack {product} was taken back.", product=say.product(event.product))
        case _:
            assert_never(event)


def _late_said(event: e.PaymentLate, say: Wording) -> str:
    late = say.say("The payment of invoice {number} will be answered later.", number=event.number)
    if event.answer_by is UNSET:
        return late
    return _joined(late, say.say("The answer is expected by {date}.", date=say.day(event.answer_by)))


# ---- credit notes and where money goes ------------------------------------------------


def credit_note_said(event: e.CreditNoteIssued, currency: str, say: Wording) -> str:
    """What the note takes back, why, and where the money goes (R61, R62)."""
    taken = say.say(
        "Credit note C{note} takes back {total} of invoice {number} ({reason}).",
        note=event.number,
        total=say.amount(event.total, currency),
        number=event.invoice,
        reason=say.say(CREDIT_REASONS[event.reason]),
    )
    return _joined(taken, *_whereabouts(event, currency, say))


def _whereabouts(event: e.CreditNoteIssued, currency: str, say: Wording) -> list[str]:
    """Where the note's money goes, a sentence for each part of it."""
    told = []
    if event.lowered:
        told.append(say.say("{amount} less are due.", amount=say.amount(event.lowered, currency)))
    if event.refund:
        told.append(
            say.say("{amount} go back to the payment method.", amount=say.amount(event.refund, currency))
        )
    if event.to_account:
        told.append(say.say("{amount} are account credit.", amount=say.amount(event.to_account, currency)))
    if event.restored:
        told.append(say.say("Usable again: {products}.", products=say.products(event.restored)))
    return told


def _reissued_said(event: e.InvoiceReissued, currency: str, say: Wording) -> str:
    issued = say.say(
        "Invoice {old} was taken back (C{note}, {reason}) and issued anew as {new}: {total}.",
        old=event.note.invoice,
        note=event.note.number,
        reason=say.say(CREDIT_REASONS[event.note.reason]),
        new=event.invoice.number,
        total=say.amount(event.invoice.total, currency),
    )
    return _joined(issued, *_whereabouts(event.note, currency, say))


def _refund_said(event: e.RefundConcluded, currency: str, say: Wording) -> str:
    amount = say.amount(event.amount, currency)
    if event.refunded:
        return say.say("{amount} were refunded (C{note}).", amount=amount, note=event.note)
    return say.say(
        "The refund of {amount} failed (C{note}); it is account credit.", amount=amount, note=event.note
    )


def _recorded_said(event: e.PaymentRecorded, currency: str, say: Wording) -> str:
    amount = say.amount(event.amount, currency)
    if event.recovered is not None:
        return say.say(
            "{amount} came in for invoice {number}, which stays written off.",
            amount=amount,
            number=event.recovered,
        )
    told = [say.say("{amount} came in another way.", amount=amount)]
    if event.shares:
        told.append(say.say("It paid {shares}.", shares=_shares_said(event.shares, currency, say)))
    if event.to_account:
        told.append(say.say("{amount} are account credit.", amount=say.amount(event.to_account, currency)))
    return _and_restored(_joined(*told), event.restored, say)


def _shares_said(shares: Sequence[e.Share], currency: str, say: Wording) -> str:
    return say.listed(
        [
            say.say(
                "{amount} of invoice {invoice}",
                amount=say.amount(share.amount, currency),
                invoice=share.invoice,
            )
            for share in shares
        ]
    )


def _and_restored(told: str, restored: Sequence[str], say: Wording) -> str:
    if not restored:
        return told
    return _joined(told, say.say("Usable again: {products}.", products=say.products(restored)))


def _and_suspended(told: str, suspended: Sequence[str], say: Wording) -> str:
    if not suspended:
        return told
    return _joined(
        told, say.say("It cannot be used until paid: {products}.", products=say.products(suspended))
    )


def _joined(*sentences: str) -> str:
    return " ".join(sentences)


# ---- reminders and tax profiles ----------------------------------------------------------


def _reminder_said(event: e.PaymentReminder, currency: str, say: Wording) -> str:
    told = [say.say(STAGES[event.stage], number=event.invoice, due=say.amount(event.due, currency))]
    if event.authentication_required is True:
        told.append(say.say("The bank asks for the customer's consent: pay the balance."))
    if event.next_try is not None:
        told.append(say.say("The next try is on {date}.", date=say.day(event.next_try)))
    if event.lapses:
        ends = [say.say("{product} ({date})", product=say.product(ending.product), date=say.day(ending.on))
                for ending in event.lapses]  # fmt: skip
        told.append(say.say("What ends unpaid, and when: {products}.", products=say.listed(ends)))
    return _joined(*told)


def _profile_said(event: e.TaxProfileSet, say: Wording) -> str:
    country, facts = _profile_facts(event, say)
    return say.say("The tax profile was set: {country}, {facts}.", country=country, facts=facts)


def profile_said(profile: e.TaxProfileSet, say: Wording) -> str:
    """`FR, consumer, no VAT id`: by which the next invoices are taxed (R70)."""
    return ", ".join(_profile_facts(profile, say))


def _profile_facts(event: e.TaxProfileSet, say: Wording) -> tuple[str, str]:
    where = event.country if event.region is None else f"{event.country}-{event.region}"
    facts = [say.say(BUYERS[event.kind]), say.say(VAT_IDS[event.vat_id])]
    if event.exempt_until is not None:
        facts.append(say.say("exempt to {date} inclusive", date=say.day(event.exempt_until)))
    return where, ", ".join(facts)
