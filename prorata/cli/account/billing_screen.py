"""The billing page as tables (R50)."""

from __future__ import annotations

from rich.console import Console

from domain.billing_page import BillingPage, HeldItem
from domain.happened import CreditNoteEntry
from domain.owing import OpenInvoice
from domain.state import Account
from domain.texts import escaped
from prorata.cli.terminal.tables import RIGHT, heading, print_invoice, table
from prorata.wording import Wording
from prorata.wording.labels import ACCOUNT_STATUSES, ACTIONS, STATUSES
from prorata.wording.second_part import CREDIT_REASONS
from prorata.wording.terms import terms_said


def print_billing(
    out: Console, page: BillingPage, state: Account, say: Wording, *, account: str, when: str
) -> None:
    """The page's sections, one below the other."""
    out.print(say.say("Billing of {account}, {when}", account=account, when=when), style="bold")
    out.print(say.say("Account: {status}", status=say.say(ACCOUNT_STATUSES[page.standing.status])))
    _print_standing(out, page, state, say)
    heading(out, say.say("Monthly plans or credits"))
    plans = [item for item in page.items if item.kind == "plan"]
    if not plans and not page.credits:
        out.print(say.say("none"))
    if plans:
        _print_items(out, plans, state, say)
    if page.credits:
        _print_credits(out, page, say)
    add_ons = [item for item in page.items if item.kind == "add_on"]
    heading(out, say.say("Add-ons"))
    if add_ons:
        _print_items(out, add_ons, state, say)
        for add_on in add_ons:
            if add_on.removal is not None:
                out.print(f"· {removal_said(add_on, say)}")
    else:
        out.print(say.say("none"))
    _print_discounts(out, page, state.currency, say)
    _print_balance(out, page, state, say)
    _print_credit_notes(out, page, state.currency, say)
    print_invoice(out, page.next_invoice, say)


def removal_said(item: HeldItem, say: Wording) -> str:
    """What removing asks to confirm: until when access lasts (R26), of what is unpaid until when it did
    (R41a)."""
    assert item.removal is not None
    until, product = say.local(item.removal.access_until), say.product(item.product)
    if item.removal.unpaid:
        return say.say(
            "Remove {product}? It could be used until {until} and ends at once; nothing is refunded.",
            product=product,
            until=until,
        )
    if item.allowance is not None:
        return say.say(
            "Stop {product}? It can be used until {until}; nothing is refunded.", product=product, until=until
        )
    return say.say(
        "Remove {product}? It can be used until {until}; nothing is refunded.", product=product, until=until
    )


def _print_items(out: Console, items: list[HeldItem], state: Account, say: Wording) -> None:
    made = table(
        say.say("product"),
        RIGHT + say.say("price"),
        say.say("next charge"),
        say.say("access until"),
        say.say("can"),
    )
    for item in items:
        name = item.name if item.tier in (None, "-") else f"{item.name} ({item.tier})"
        held = [escaped(name), f"· {say.say(STATUSES[item.status])}"]
        if item.allowance is not None:
            held.append(say.say("{number} e-mails", number=say.number(item.allowance)))
        if item.free_until is not None:
            held.append(say.say("free until {date}", date=say.day(item.free_until)))
        charge = item.next_charge
        made.add_row(
            "\n".join(held),
            say.say("by blocks") if item.price is None else say.amount(item.price, state.currency),
            "–" if charge is None else f"{say.amount(charge.amount, state.currency)}\n{say.day(charge.date)}",
            "–" if item.access_until is None else say.moment(item.access_until, state.time_zone),
            ", ".join(say.say(ACTIONS[action]) for action in item.actions),
        )
    out.print(made)


def _print_credits(out: Console, page: BillingPage, say: Wording) -> None:
    made = table(say.say("credits"), RIGHT + say.say("e-mails"), say.say("expires on"))
    for pack in page.credits:
        made.add_row(escaped(pack.name), say.number(pack.credits), say.day(pack.expires_on))
    out.print(made)


def _print_balance(out: Console, page: BillingPage, state: Account, say: Wording) -> None:
    balance, currency = page.balance, state.currency
    if balance is None:
        heading(out, say.say("Open balance: none"))
        return
    heading(out, say.say("Open balance: {amount}", amount=say.amount(balance.amount, currency)))
    for invoice in balance.invoices:
        out.print(" ".join(_open_said(invoice, currency, say)))
    if balance.suspended:
        suspended = say.products(balance.suspended)
        out.print(say.say("It cannot be used until paid: {products}.", products=suspended))


def _open_said(invoice: OpenInvoice, currency: str, say: Wording) -> list[str]:
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


def _print_standing(out: Console, page: BillingPage, state: Account, say: Wording) -> None:
    """What holds the account up, and what it has to its credit; of most accounts nothing."""
    if page.disputed:
        numbers = say.listed(map(str, page.disputed))
        out.print(
            say.say("The payment of invoice {invoices} is disputed: nothing can be used.", invoices=numbers)
        )
    if page.waits_until is not None:
        until = say.moment(page.waits_until, state.time_zone)
        out.print(say.say("A payment waits for the customer's consent until {until}.", until=until))
    if page.credit:
        out.print(say.say("Account credit: {amount}", amount=say.amount(page.credit, state.currency)))


def _print_discounts(out: Console, page: BillingPage, currency: str, say: Wording) -> None:
    if not page.discounts:
        return
    heading(out, say.say("Discounts"))
    for one in page.discounts:
        told = f"{one.discount}: {terms_said(one.terms, currency, say)}"
        if one.left is not None:
            told += f"; {say.say('{amount} left', amount=say.amount(one.left, currency))}"
        if one.last_day is not None and "last_day" not in one.terms:
            told += f"; {say.say('to {day} inclusive', day=say.day(one.last_day))}"
        out.print(f"· {told}")


def _print_credit_notes(out: Console, page: BillingPage, currency: str, say: Wording) -> None:
    if not page.credit_notes:
        return
    heading(out, say.say("Credit notes"))
    made = table(
        say.say("credit note"),
        say.say("date"),
        say.say("invoice"),
        say.say("why"),
        RIGHT + say.say("amount"),
        say.say("where it went"),
    )
    for entry in page.credit_notes:
        note = entry.note
        made.add_row(
            f"C{note.number}",
            say.day(note.date),
            str(note.invoice),
            say.say(CREDIT_REASONS[note.reason]),
            say.amount(note.total, currency),
            "\n".join(_whereabouts(entry, currency, say)),
        )
    out.print(made)


def _whereabouts(entry: CreditNoteEntry, currency: str, say: Wording) -> list[str]:
    """Where the money of a credit note is by now (R62)."""
    told = []
    if entry.note.lowered:
        told.append(say.say("{amount} less due", amount=say.amount(entry.note.lowered, currency)))
    if entry.refunded:
        told.append(say.say("{amount} refunded", amount=say.amount(entry.refunded, currency)))
    if entry.to_account:
        told.append(say.say("{amount} account credit", amount=say.amount(entry.to_account, currency)))
    return told
