"""What is said to a caller of money beside the charge: corrections, account credit, discounts, taxes,
disputes, and payments that wait for the customer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from prorata.wording.language import Wording, amount_written, message
from prorata.wording.terms import terms_said

BOOKING_REFUSALS: Final[dict[str, tuple[str, ...]]] = {
    "dispute_open": (
        message(
            "The payment of invoice {invoices} is disputed: until that is decided nothing can be used, "
            "bought or changed."
        ),
    ),
    "billing_details_missing": (
        message("The billing details are missing: give the country, and whether a business buys, first."),
    ),
    "tax_unavailable": (
        message("The tax cannot be computed at the moment; nothing was changed. Send the command again."),
    ),
    "unknown_discount": (message("The discount {discount} is not known, or not for what is bought."),),
    "discount_over": (message("The discount {discount} could be used until {last_day}."),),
    "already_used": (
        message("{products} had free months before; they are given once."),
        message("The discount {discount} was used before; it works once."),
    ),
    "unknown_invoice": (message("The account has no such invoice: {invoice}."),),
    "not_creditable": (
        message(
            "The payment of invoice {late_invoice} is under way: nothing of it can be taken back before it "
            "is known whether it is paid. Do this afterwards."
        ),
        message("This cannot be done to invoice {invoice} as it stands."),
    ),
    "over_credited": (
        message(
            "Of what was written off of invoice {invoice}, {recoverable} did not come in yet: record what is "
            "more than that without an invoice."
        ),
        message("The account has {credit} of account credit, not more."),
        message("Of invoice {invoice} no more can be taken back than is left of it."),
    ),
    "limit_exceeded": (
        message("Support may give back {limit} in 30 days and has given {given}: finance may give more."),
    ),
}

ACTION_REQUIRED: Final = (
    message("The payment needs the customer's consent. It waits until {until}; nothing changes before."),
)

BOOKING_OUTCOMES: Final[dict[str, tuple[str, ...]]] = {
    "payment_cancelled": (message("The payment was given up; nothing was charged or changed."),),
    "payment_method_set": (
        message("The payment method was saved, and {tried} were paid with it."),
        message("The payment method was saved; the payment of {declined} with it was declined."),
        message("The payment method was saved; the payment with it waits for the customer until {until}."),
        message("The payment method was saved."),
    ),
    "tax_profile_set": (message("The tax profile is set ({country}); it reaches the next invoice."),),
    "credit_note_issued": (message("Credit note {credit_note} takes back {total} of invoice {invoice}."),),
    "invoice_reissued": (
        message(
            "Invoice {invoice} of {total} was issued in place of invoice {instead_of}, which credit note "
            "{credit_note} takes back."
        ),
    ),
    "credit_paid_out": (message("{amount} of account credit are paid out."),),
    "payment_recorded": (
        message("{amount} were recorded for invoice {recovered}, which stays written off."),
        message("{amount} were recorded."),
    ),
    "invoice_written_off": (message("Invoice {invoice} is written off: {amount}."),),
    "tries_stopped": (message("Invoice {invoice} is not tried again."),),
    "dispute_opened": (
        message("{amount} of invoice {invoice} are disputed: nothing of the account can be used."),
    ),
    "dispute_won": (message("The dispute about invoice {invoice} was won."),),
    "dispute_lost": (message("The dispute about invoice {invoice} was lost: {amount} are due again."),),
    "discount_granted": (message("Discount {discount} is granted: {terms}."),),
    "discount_withdrawn": (message("Discount {discount} is withdrawn: it reaches no further line."),),
}
"""By the type of the event by which the command did what it was given for."""

BOOKING_TAILS: Final = {
    "lowered": message("{lowered} less are due."),
    "refunding": message("{refunding} go back to the payment method."),
    "to_account": message("{to_account} become account credit."),
    "ended": message("Ended with it: {ended}."),
    "paid": message("Paid by it: invoice {paid}."),
    "credit_notes": message("Credit notes: {credit_notes}."),
    "credit_taken": message("{credit_taken} of it were paid with account credit."),
    "free_until": message("It is free until {free_until}."),
}
"""What is said after the sentence, of each fact that the answer has."""

BOOKING_UNCHANGED: Final = (
    message("Nothing was changed: that the dispute about invoice {invoice} was {dispute} is known already."),
    message("Nothing was changed: invoice {invoice} is not tried again anyway."),
    message("Nothing was changed: discount {discount} takes nothing any more."),
    message("Nothing was changed: no payment waits for the customer."),
)

DISPUTES: Final = {"opened": message("opened"), "won": message("won"), "lost": message("lost")}

BOOKING_AMOUNTS: Final = frozenset(
    [
        "credit",
        "limit",
        "given",
        "lowered",
        "refunding",
        "to_account",
        "credit_taken",
        "tried",
        "declined",
        "recoverable",
    ]
)


def booking_word(name: str, value: Any, currency: str | None, say: Wording) -> Any:
    """A fact as it is written in the language."""
    match name:
        case "allowed":
            return say.listed(value)
        case "invoices" | "paid":
            return say.listed(map(str, value))
        case "products" | "ended":
            return say.products(value)
        case "credit_notes":
            return say.listed([_note_said(note, currency, say) for note in value])
        case "terms":
            return terms_said(value, currency, say)
        case "free_until":
            return say.day(date.fromisoformat(value))
        case "dispute":
            return say.say(DISPUTES[value])
        case _:
            return value


def _note_said(note: Mapping[str, Any], currency: str | None, say: Wording) -> str:
    return say.say(
        "{note} ({amount} of invoice {invoice})",
        note=note["credit_note"],
        amount=amount_written(note["total"], currency, say),
        invoice=note["invoice"],
    )
