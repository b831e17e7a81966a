"""What the console calls things: areas, pages of an account, kinds of events, commands and their fields."""

from __future__ import annotations

from datetime import date
from typing import Final

from babel.dates import format_date

from prorata.wording.language import LOCALES, Wording, message

AREAS: Final = {
    "accounts": message("Accounts"),
    "status": message("Operations"),
    "catalogues": message("Catalogues"),
    "webhooks": message("Webhooks"),
    "books": message("Books"),
}
TABS: Final = {
    "moment": message("At a moment"),
    "story": message("Story"),
    "what_if": message("What if"),
    "compare": message("Compare"),
    "statement": message("Statement"),
    "correct": message("Correct"),
    "verify": message("Verify"),
}
WHY: Final = {
    "account": message("its id"),
    "begins": message("its id begins so"),
    "invoice": message("an invoice"),
    "credit_note": message("a credit note"),
    "email": message("an e-mail address of its billing details"),
    "command": message("a command's id"),
    "position": message("a position of the log"),
}
KINDS: Final = {
    "account": message("the account itself"),
    "buying": message("buying and changing"),
    "ending": message("removing and ending"),
    "pausing": message("pausing"),
    "renewing": message("renewals"),
    "payments": message("payments"),
    "correcting": message("corrections"),
    "terms": message("tax and discounts"),
    "money": message("what changed the balance"),
}
MOVEMENTS: Final = {
    "invoice": message("invoice"),
    "credit_note": message("credit note"),
    "payment": message("payment"),
    "refund": message("refund"),
    "paid_out": message("paid out"),
    "charge_back": message("charge-back"),
    "write_off": message("write-off"),
}
RECURRING: Final = {
    "new": message("new"),
    "more": message("more"),
    "less": message("less"),
    "gone": message("gone"),
}
BARS: Final = {
    "used": message("could be used"),
    "ahead": message("can be used from then on"),
    "paused": message("paused"),
    "suspended": message("suspended, unpaid"),
    "disputed": message("disputed"),
    "cycle": message("paid cycle"),
}
PARTS: Final = {
    "rests": message("What it rests on"),
    "issued": message("How it was issued"),
    "invoice": message("Its invoice"),
    "money": message("What became of the money"),
}
LINKS: Final = {
    "whole": message("Its fields give its hash, and it names the hash of the event before it."),
    "altered": message("Its fields do not give its hash: it was altered."),
    "unlinked": message(
        "It does not name the hash of the event before it: something is missing or was put in."
    ),
}
ROLES: Final = {
    "owner": message("the owner"),
    "admin": message("an admin"),
    "manager": message("a manager"),
    "support": message("support"),
    "finance": message("finance"),
    "operator": message("an operator"),
}
COMMANDS: Final = {
    "purchase_plan": message("Buy a plan"),
    "purchase_addon": message("Buy an add-on"),
    "remove_addon": message("Remove an add-on"),
    "undo": message("Undo a removal, cancellation or downgrade"),
    "change_plan": message("Change the plan or its tier"),
    "cancel_plan": message("Cancel a plan"),
    "pause_plan": message("Pause a plan"),
    "resume_plan": message("Resume a plan"),
    "buy_credits": message("Buy credits"),
    "start_transactional": message("Start Transactional e-mail"),
    "change_transactional": message("Change the blocks of Transactional e-mail"),
    "top_up_transactional": message("Top up Transactional e-mail"),
    "stop_transactional": message("Stop Transactional e-mail"),
    "pay_balance": message("Pay the balance"),
    "set_payment_method": message("Save another payment method"),
    "abandon_payment": message("Give up a payment that waits"),
    "set_tax_profile": message("Give the tax profile"),
    "credit_note": message("Issue a credit note"),
    "reissue": message("Issue an invoice anew"),
    "record_payment": message("Record money that came in another way"),
    "pay_out": message("Give account credit back"),
    "stop_tries": message("Stop the tries for an invoice"),
    "write_off": message("Write off a charged-back invoice"),
    "grant_discount": message("Grant a discount"),
    "withdraw_discount": message("Withdraw a discount"),
    "dispute_opened": message("A dispute is opened"),
    "dispute_won": message("A dispute is won"),
    "dispute_lost": message("A dispute is lost"),
    "close_account": message("Close the account"),
}
FIELDS: Final = {
    "product": message("Product"),
    "tier": message("Tier"),
    "discount": message("Discount or code"),
    "family": message("Plan family"),
    "resume_on": message("Resumes on"),
    "blocks": message("Blocks"),
    "country": message("Country"),
    "kind": message("Kind"),
    "region": message("Region"),
    "vat_id": message("VAT id"),
    "exempt_until": message("Exempt until"),
    "invoice": message("Invoice"),
    "reason": message("Reason"),
    "line": message("Line"),
    "net": message("Net amount"),
    "from": message("From"),
    "until": message("Until, which is not in it"),
    "to": message("Goes to"),
    "end": message("The item ends now"),
    "ticket": message("Ticket"),
    "amount": message("Amount"),
    "received_on": message("Received on"),
    "reference": message("Reference"),
    "percent": message("Percent"),
    "fixed": message("Fixed amount"),
    "nonprofit": message("The nonprofit's discount"),
    "for": message("For: once, forever, or so many months"),
    "carried": message("Carried from invoice to invoice"),
    "products": message("Products, separated by commas"),
    "last_day": message("Last day"),
}


def month_said(say: Wording, day: date, *, year: bool = False) -> str:
    """The month of the day, such as `Apr`, or `Apr 2026` where the year is wanted; among months without one,
    January is called by its year."""
    form = "MMM y" if year else "y" if day.month == 1 else "MMM"
    return str(format_date(day, form, locale=LOCALES[say.language]))
