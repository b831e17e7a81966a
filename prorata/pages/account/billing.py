"""Billing (R50): what is held, what it costs next, what can be done with it, what is open, the next
invoice."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlencode

import msgspec

from domain.arithmetic import tax_groups
from domain.billing_page import BillingPage, HeldItem, billing_page
from prorata.http.desk import Desk
from prorata.pages.account.opened import Opened, opened
from prorata.pages.account.window import Window, of_removal
from prorata.pages.page import Shown, Visit
from prorata.wording import Wording
from prorata.wording.labels import ACCOUNT_STATUSES
from prorata.wording.lines import calculation_said, span, tax_said, titled
from prorata.wording.second_part import CREDIT_REASONS
from prorata.wording.standing import discount_said, open_said, standing_said, whereabouts_said

TAB = "/account/billing"


class ItemSaid(msgspec.Struct, frozen=True):
    """Something held, as a card shows it. `removal`: the window that asks before it is taken away; `actions`:
    what else can be done, each with its page."""

    item: HeldItem
    title: str
    facts: list[tuple[str, str]]
    actions: list[tuple[str, str]]
    removal: Window | None
    id: str


async def show(desk: Desk, visit: Visit) -> Shown:
    """The page."""
    account = await opened(desk, visit)
    looked = account.looked
    work = partial(billing_page, looked.state, looked.at, looked.catalogues, looked.credit_notes)
    page = await desk.run(work)
    items = [_item(account, one, number) for number, one in enumerate(page.items)]
    values: dict[str, Any] = {
        "page": page,
        "plans": [one for one in items if one.item.kind == "plan"],
        "add_ons": [one for one in items if one.item.kind == "add_on"],
        "standing": account.say.say(ACCOUNT_STATUSES[page.standing.status]),
        "notices": standing_said(page, account.currency, account.zone, account.say),
        "open": _open(page, account),
        "discounts": [discount_said(one, account.currency, account.say) for one in page.discounts],
        "credit_notes": _credit_notes(page, account),
        "next_invoice": _next(page, account),
    }
    return account.shown("billing.html", TAB, values)


def _item(account: Opened, item: HeldItem, number: int) -> ItemSaid:
    removes = item.removal is not None and ("remove" in item.actions or "stop" in item.actions)
    window = of_removal(account, item) if removes else None
    title = item.name if item.tier in (None, "-") else f"{item.name} · {item.tier}"
    return ItemSaid(item, title, _facts(account, item), _actions(account.say, item), window, f"held-{number}")


def _facts(account: Opened, item: HeldItem) -> list[tuple[str, str]]:
    say, currency = account.say, account.currency
    price = say.say("by blocks") if item.price is None else say.amount(item.price, currency)
    facts = [(say.say("Price a month"), price)]
    if item.next_charge is not None:
        amount, day = say.amount(item.next_charge.amount, currency), say.day(item.next_charge.date)
        facts.append((say.say("Next charge"), say.say("{amount} on {date}", amount=amount, date=day)))
    if item.access_until is not None:
        if item.status in ("suspended", "ended"):
            name = say.say("Could be used until")
        else:
            name = say.say("Can be used until") if item.next_charge is None else say.say("Paid until")
        facts.append((name, say.moment(item.access_until, account.zone)))
    if item.allowance is not None:
        facts.append((say.say("E-mails left"), say.number(item.allowance)))
    if item.free_until is not None:
        facts.append((say.say("Free until"), say.day(item.free_until)))
    return facts


def _actions(say: Wording, item: HeldItem) -> list[tuple[str, str]]:
    """What can be done with it, but for taking an add-on away."""
    asked: list[tuple[str, str, dict[str, str]]] = []
    if "undo" in item.actions:
        asked.append((say.say("Keep"), "undo", {"product": item.product}))
    if "pause" in item.actions and item.family:
        asked.append((say.say("Pause"), "pause_plan", {"family": item.family}))
    if "resume" in item.actions and item.family:
        asked.append((say.say("Resume"), "resume_plan", {"family": item.family}))
    if "cancel" in item.actions and item.family:
        asked.append((say.say("Cancel"), "cancel_plan", {"family": item.family}))
    found = [(name, f"/account/confirm?{urlencode({'do': do, **fields})}") for name, do, fields in asked]
    if "change" in item.actions:
        where = "/account/shop" if item.blocks is None else "/account/transactional"
        found.insert(0, (say.say("Change"), where))
    return found


def _open(page: BillingPage, account: Opened) -> dict[str, Any] | None:
    balance, say = page.balance, account.say
    if balance is None:
        return None
    told = [" ".join(open_said(one, account.currency, say)) for one in balance.invoices]
    if balance.suspended:
        suspended = say.products(balance.suspended)
        told.append(say.say("It cannot be used until paid: {products}.", products=suspended))
    return {"amount": say.amount(balance.amount, account.currency), "told": told}


def _credit_notes(page: BillingPage, account: Opened) -> list[dict[str, Any]]:
    say, currency = account.say, account.currency
    return [
        {
            "number": f"C{entry.note.number}",
            "date": say.day(entry.note.date),
            "invoice": entry.note.invoice,
            "why": say.say(CREDIT_REASONS[entry.note.reason]),
            "amount": say.amount(entry.note.total, currency),
            "where": say.listed(whereabouts_said(entry, currency, say)),
        }
        for entry in page.credit_notes
    ]


def _next(page: BillingPage, account: Opened) -> dict[str, Any] | None:
    invoice, say, currency = page.next_invoice, account.say, account.currency
    if invoice is None:
        return None
    lines = [
        (
            titled(line, say),
            span(line, say),
            calculation_said(line, currency, say),
            say.amount(line.net, currency),
        )
        for line in invoice.lines
    ]
    taxes = [
        (tax_said(tax, currency, say), say.amount(tax.tax, currency)) for tax in tax_groups(invoice.lines)
    ]
    return {
        "date": say.day(invoice.date),
        "lines": lines,
        "taxes": taxes,
        "total": say.amount(invoice.total, currency),
    }
