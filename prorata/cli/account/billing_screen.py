"""The billing page as tables (R50)."""

from __future__ import annotations

from rich.console import Console

from domain.billing_page import BillingPage, HeldItem
from domain.state import Account
from domain.texts import escaped
from prorata.cli.terminal.tables import RIGHT, heading, print_invoice, table
from prorata.wording import Wording
from prorata.wording.labels import ACCOUNT_STATUSES, ACTIONS, STATUSES
from prorata.wording.second_part import CREDIT_REASONS
from prorata.wording.standing import discount_said, open_said, standing_said, whereabouts_said


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
        out.print(" ".join(open_said(invoice, currency, say)))
    if balance.suspended:
        suspended = say.products(balance.suspended)
        out.print(say.say("It cannot be used until paid: {products}.", products=suspended))


def _print_standing(out: Console, page: BillingPage, state: Account, say: Wording) -> None:
    """What holds the account up, and what it has to its credit; of most accounts nothing."""
    for told in standing_said(page, state.currency, state.time_zone, say):
        out.print(told)


def _print_discounts(out: Console, page: BillingPage, currency: str, say: Wording) -> None:
    if not page.discounts:
        return
    heading(out, say.say("Discounts"))
    for one in page.discounts:
        out.print(f"· {discount_said(one, currency, say)}")


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
            "\n".join(whereabouts_said(entry, currency, say)),
        )
    out.print(made)
