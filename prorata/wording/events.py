"""What an event says, as a sentence in the reader's language."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final

from domain import events as e
from domain.arithmetic import tax_groups
from domain.invoices import invoice_changes
from prorata.wording.declining import declined_said
from prorata.wording.language import Wording, message
from prorata.wording.lines import calculation_said, shares_said, span, tax_said, titled
from prorata.wording.second_part import second_part_said

REASONS: Final = {
    "cancelled": message("it was cancelled"),
    "removed": message("it was removed"),
    "prerequisite_ended": message("the plan that it needs has ended"),
    "unpaid": message("it was not paid"),
    "past_due": message("an invoice is unpaid"),
    "payment_declined": message("the payment was declined"),
    "disputed": message("a dispute was open"),
    "refunded": message("it was refunded"),
    "date_passed": message("its date passed while the plan was cancelled"),
}

PURPOSES: Final = {
    "purchase": message("a purchase"),
    "renewal": message("a renewal"),
    "balance": message("the balance"),
    "balance_retry": message("a further try to collect the balance"),
    "scheduled_resume": message("a scheduled resume"),
}


def event_said(event: e.Event, currency: str, say: Wording) -> str:  # noqa: C901 - one case an event
    """One sentence that says what the event did; `currency` is the account's. What was charged stands on the
    invoice."""
    match event:
        case e.CyclesRenewed():
            products = say.products([r.product for r in event.renewals])
            return say.say(
                "Invoice {number} was issued for the renewal of {products}.",
                number=event.invoice.number,
                products=products,
            )
        case e.InvoicePaid():
            paid = say.say(
                "Invoice {number} was paid: {amount}.",
                number=event.number,
                amount=say.amount(event.amount, currency),
            )
            if not event.restored:
                return paid
            again = say.say("Usable again: {products}.", products=say.products(event.restored))
            return f"{paid} {again}"
        case e.AccountOpened():
            return say.say(
                "The account was opened in {currency}, {zone}.", currency=event.currency, zone=event.time_zone
            )
        case e.AccountImported():
            return _imported_said(event, say)
        case e.PlanPurchased() | e.AddonPurchased():
            return say.say(
                "{product} was bought and is paid to {end}.",
                product=say.product(event.product),
                end=say.day(event.cycle.end),
            )
        case e.FreePlanStarted():
            return say.say("{product} began; it is free.", product=say.product(event.product))
        case e.PlanChanged():
            return say.say(
                "{old} became {new}.",
                old=tiered(event.from_product, event.from_tier, say),
                new=tiered(event.product, event.tier, say),
            )
        case e.DowngradeScheduled():
            return say.say(
                "{old} is to become {new} on {on}.",
                old=tiered(event.product, event.tier, say),
                new=tiered(event.to_product, event.to_tier, say),
                on=say.day(event.on),
            )
        case e.DowngradeWithdrawn():
            return say.say("The downgrade of {product} was withdrawn.", product=say.product(event.product))
        case e.PlanCancelled():
            return say.say(
                "{product} was cancelled; it ends on {on}.",
                product=say.product(event.product),
                on=say.day(event.on),
            )
        case e.PlanCancellationWithdrawn():
            told = say.say("The cancellation of {product} was withdrawn.", product=say.product(event.product))
            if event.resume_on is None:
                return told
            return f"{told} {say.say('It resumes on {on}.', on=say.day(event.resume_on))}"
        case e.PlanEnded() | e.AddonEnded():
            return say.say(
                "{product} ended: {reason}.",
                product=say.product(event.product),
                reason=say.say(REASONS[event.reason]),
            )
        case e.PlanPaused():
            return say.say("{product} was paused.", product=say.product(event.product))
        case e.PlanResumed():
            return say.say(
                "{product} was resumed and is paid to {end}.",
                product=say.product(event.product),
                end=say.day(event.cycle.end),
            )
        case e.ResumeDropped():
            told = say.say(
                "{product} stays paused: {reason}.",
                product=say.product(event.product),
                reason=say.say(REASONS[event.reason]),
            )
            return declined_said(told, event.decline_reason, event.final, say)
        case e.AddonRemoved():
            return say.say(
                "{product} was removed; it ends on {on}.",
                product=say.product(event.product),
                on=say.day(event.on),
            )
        case e.AddonRemovalWithdrawn():
            return say.say("The removal of {product} was withdrawn.", product=say.product(event.product))
        case e.BlocksChanged():
            return say.count(
                "{product}: {number} block a cycle from {on}.",
                "{product}: {number} blocks a cycle from {on}.",
                event.blocks,
                product=say.product(event.product),
                on=say.day(event.on),
            )
        case e.BlocksToppedUp():
            return say.say(
                "{product} was topped up by {e_mails} e-mails.",
                product=say.product(event.product),
                e_mails=say.number(event.e_mails),
            )
        case e.CreditsPurchased():
            return say.say(
                "{product} was bought; it expires on {on}.",
                product=say.product(event.product),
                on=say.day(event.expires_on),
            )
        case e.CreditsExpired():
            return say.say(
                "{product}: {credits} credits expired.",
                product=say.product(event.product),
                credits=say.number(event.credits),
            )
        case e.PaymentStarted():
            return say.say(
                "A payment of {amount} was begun, for {purpose}.",
                amount=say.amount(event.amount, event.currency),
                purpose=say.say(PURPOSES[event.purpose]),
            )
        case e.PaymentDeclined():
            told = say.say("The payment of {amount} was declined.", amount=say.amount(event.amount, currency))
            return declined_said(told, event.decline_reason, event.final, say)
        case e.PaymentCancelled():
            return say.say("The payment was never made, and is cancelled.")
        case e.RenewalDeclined():
            told = say.say(
                "The payment of invoice {number} was declined; it cannot be used until paid: {products}.",
                number=event.number,
                products=say.products(event.suspended),
            )
            return declined_said(told, event.decline_reason, event.final, say)
        case e.ItemsLapsed():
            ended = say.say("Ended unpaid: {products}.", products=say.products(event.items))
            if not event.written_off:
                return ended
            written_off = say.say("Invoice {number} is written off.", number=event.number)
            return f"{ended} {written_off}"
        case e.AccountClosed():
            return say.say("The account was closed.")
        case e.PriceOverridden():
            return say.say(
                "{product} costs {price} from now on (test clock).",
                product=tiered(event.product, event.tier, say),
                price=say.amount(event.price, currency),
            )
        case e.CatalogChanged():
            return say.say("Another version of the catalogue is in force from now on (test clock).")
        case e.PrerequisiteChanged():
            return prerequisite_said(event, say)
        case _:
            return second_part_said(event, currency, say)


def _imported_said(event: e.AccountImported, say: Wording) -> str:
    told = say.say(
        "The account was taken over from another system, in {currency}, {zone}.",
        currency=event.currency,
        zone=event.time_zone,
    )
    held = dict.fromkeys([item.product for item in event.items] + [pack.product for pack in event.packs])
    if not held:
        return told
    holds = say.say("It holds {products}.", products=say.products(held))
    return f"{told} {holds}"


def _brought_said(event: e.AccountImported, say: Wording) -> list[str]:
    """Until when each product was paid elsewhere, and what else the account brought along."""
    told = [
        say.say(
            "{product} is paid to {end}.",
            product=tiered(one.product, one.tier, say),
            end=say.day(one.cycle.end),
        )
        for one in event.items
        if one.cycle is not None
    ]
    told += [
        say.say(
            "{product}: {number} until {date}.",
            product=say.product(pack.product),
            number=say.number(pack.credits),
            date=say.day(pack.expires_on),
        )
        for pack in event.packs
    ]
    if event.credit:
        amount = say.amount(event.credit, event.currency)
        told.append(say.say("{amount} are account credit.", amount=amount))
    return told


def prerequisite_said(event: e.PrerequisiteChanged, say: Wording) -> str:
    """What an add-on will need, by a version of the catalogue that is known now."""
    product = say.product(event.product)
    if not event.requires:
        return say.say("{product} will need no plan when it renews.", product=product)
    plans = say.listed(map(say.product, event.requires), either=True)
    return say.say(
        "{product} will need an active plan when it renews: {plans}.", product=product, plans=plans
    )


def event_said_in_full(event: e.Event, currency: str, say: Wording) -> str:
    """`event_said`, with what else the event says: what ends or goes on being billed with it, and the invoice
    that it issues, with the calculation of each line."""
    told = [event_said(event, currency, say)]
    match event:
        case e.AccountImported():
            told += _brought_said(event, say)
        case e.PlanPaused():
            if event.resume_on is not None:
                told.append(say.say("It resumes on {on}.", on=say.day(event.resume_on)))
            if event.still_billed:
                still = [charge_said(u.product, u.amount, u.date, currency, say) for u in event.still_billed]
                told.append(say.say("Still billed: {products}.", products=say.listed(still)))
        case e.PlanCancelled() | e.DowngradeScheduled():
            if event.ending_addons:
                ending = say.products([ending.product for ending in event.ending_addons])
                told.append(say.say("With it ends: {products}.", products=ending))
        case _:
            pass
    invoice, _ = invoice_changes(event)
    if invoice is not None:
        told.append(_invoice_said(invoice, say))
    if isinstance(event, e.CreditNoteIssued):
        told.append(_taken_back_said(event, currency, say))
    return " ".join(told)


def _invoice_said(invoice: e.Invoice, say: Wording) -> str:
    """The invoice with the calculation of each line, each tax, and what account credit paid of it."""
    currency = invoice.currency
    parts = [f"{titled(line, say)} {calculation_said(line, currency, say)}" for line in invoice.lines]
    for tax in tax_groups(invoice.lines):
        told = tax_said(tax, currency, say)
        parts.append(say.say("{tax}: {amount}", tax=told, amount=say.amount(tax.tax, currency)))
    if invoice.credit_taken:
        parts.append(
            say.say(
                "account credit pays {credit}, {charge} are charged",
                credit=say.amount(invoice.credit_taken, currency),
                charge=say.amount(invoice.charge, currency),
            )
        )
    return say.say(
        "Invoice {number} of {date}: {total} ({lines}).",
        number=invoice.number,
        date=say.day(invoice.date),
        total=say.amount(invoice.total, currency),
        lines="; ".join(parts),
    )


def _taken_back_said(note: e.CreditNoteIssued, currency: str, say: Wording) -> str:
    """Which lines and days the credit note takes back."""
    lines = []
    for line in note.lines:
        amounts = [say.amount(line.amount, currency), *shares_said(line.taxes, currency, say)]
        lines.append(
            say.say(
                "{product}, {span}: {calculation}.",
                product=titled(line, say),
                span=span(line, say),
                calculation="; ".join(amounts),
            )
        )
    return " ".join(lines)


def charge_said(product: str, amount: Decimal, day: date, currency: str | None, say: Wording) -> str:
    """What will be charged for a product, and when."""
    return say.say(
        "{product} ({amount} on {date})",
        product=say.product(product),
        amount=say.price(amount) if currency is None else say.amount(amount, currency),
        date=say.day(day),
    )


def tiered(product: str, tier: str | None, say: Wording) -> str:
    """The product's name, with its tier where it has several."""
    name = say.product(product)
    return name if tier is None or tier == "-" else f"{name} ({tier})"
