"""How an account stands, in words: what is open, what holds it up, its discounts, where credited money is."""

from __future__ import annotations

from domain.billing_page import BillingPage
from domain.happened import CreditNoteEntry
from domain.owing import HeldDiscount, OpenInvoice
from prorata.wording.language import Wording
from prorata.wording.terms import terms_said


def open_said(invoice: OpenInvoice, currency: str, say: Wording) -> list[str]:
    """What is due of an invoice, when it is tried again, and what ends when if it stays unpaid."""
    number, day = invoice.invoice, say.day(invoice.date)
    if invoice.late:
        under_way = say.say(
            "The payment of invoice {number} of {date} is under way.", number=number, date=day
        )
        if invoice.answer_by is None:
            return [under_way]
        return [under_way, say.say("The answer is expected by {date}.", date=say.day(invoice.answer_by))]
    told = [say.say("Invoice {number} of {date} is unpaid.", number=number, date=day)]
    if invoice.charged_back:
        told.append(say.say("It was charged back."))
    if invoice.due != invoice.total:
        due, total = say.amount(invoice.due, currency), say.amount(invoice.total, currency)
        told.append(say.say("Of {total}, {due} are due.", total=total, due=due))
    if invoice.next_try is not None:
        told.append(say.say("The next try is on {date}.", date=say.day(invoice.next_try)))
    if invoice.next_reminder is not None:
        told.append(say.say("The next reminder is on {date}.", date=say.day(invoice.next_reminder)))
    if invoice.lapses:
        ends = [
            say.say("{product} ({date})", product=say.product(one.product), date=say.day(one.on))
            for one in invoice.lapses
        ]
        told.append(say.say("What ends unpaid, and when: {products}.", products=say.listed(ends)))
    return told


def standing_said(page: BillingPage, currency: str, zone: str, say: Wording) -> list[str]:
    """What holds the account up, and what it has to its credit; of most accounts nothing."""
    told = []
    if page.disputed:
        numbers = say.listed(map(str, page.disputed))
        told.append(
            say.say("The payment of invoice {invoices} is disputed: nothing can be used.", invoices=numbers)
        )
    if page.waits_until is not None:
        until = say.moment(page.waits_until, zone)
        told.append(say.say("A payment waits for the customer's consent until {until}.", until=until))
    if page.credit:
        told.append(say.say("Account credit: {amount}", amount=say.amount(page.credit, currency)))
    return told


def discount_said(one: HeldDiscount, currency: str, say: Wording) -> str:
    """A discount's terms, what of it is left, and until when."""
    told = f"{one.discount}: {terms_said(one.terms, currency, say)}"
    if one.left is not None:
        told += f"; {say.say('{amount} left', amount=say.amount(one.left, currency))}"
    if one.last_day is not None and "last_day" not in one.terms:
        told += f"; {say.say('to {day} inclusive', day=say.day(one.last_day))}"
    return told


def whereabouts_said(entry: CreditNoteEntry, currency: str, say: Wording) -> list[str]:
    """Where the money of a credit note is by now (R62)."""
    told = []
    if entry.note.lowered:
        told.append(say.say("{amount} less due", amount=say.amount(entry.note.lowered, currency)))
    if entry.refunded:
        told.append(say.say("{amount} refunded", amount=say.amount(entry.refunded, currency)))
    if entry.to_account:
        told.append(say.say("{amount} account credit", amount=say.amount(entry.to_account, currency)))
    return told
