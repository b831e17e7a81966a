"""`prorata shop` and `prorata billing`: the page's two screens in the terminal (R49, R50)."""

from __future__ import annotations

from typing import Any

import msgspec

from domain.billing_page import BillingPage, HeldItem, billing_page
from domain.calendar import local_text
from domain.happened import CreditNoteEntry
from domain.shop import Offer, Shop, Today
from domain.shop import shop as shop_of
from domain.state import Account
from prorata.cli.account.billing_screen import print_billing, removal_said
from prorata.cli.account.present import AccountName, At, Json, LanguageChoice, Tenant, look
from prorata.cli.account.shop_screen import print_shop
from prorata.cli.terminal.tables import console
from prorata.wording import Wording, answer_said


def shop(
    account: AccountName,
    *,
    at: At = None,
    json: Json = False,
    language: LanguageChoice = "en",
    tenant: Tenant = "main",
) -> int:
    """What the account can buy now: plans, add-ons and credits, each with its price, what it would cost today
    and why, or why it cannot be bought. Nothing is changed.
    """
    looked = look(account, tenant, at)
    found, say, state = (
        shop_of(looked.state, looked.at, looked.catalogues),
        looked.wording(language),
        looked.state,
    )
    if json:
        print(msgspec.json.encode(looked.heading | shop_json(found, state.currency, say)).decode())
    else:
        print_shop(
            console(),
            found,
            state.currency,
            say,
            account=account,
            when=say.moment(looked.at, state.time_zone),
        )
    return 0


def billing(
    account: AccountName,
    *,
    at: At = None,
    json: Json = False,
    language: LanguageChoice = "en",
    tenant: Tenant = "main",
) -> int:
    """What the account holds, each with its status, price, next charge and access end, and what can be done
    with it; credits, discounts, account credit, the open balance, credit notes, the next invoice. Nothing is
    changed.
    """
    looked = look(account, tenant, at)
    page, say, state = (
        billing_page(looked.state, looked.at, looked.catalogues, looked.credit_notes),
        looked.wording(language),
        looked.state,
    )
    if json:
        print(msgspec.json.encode(looked.heading | billing_json(page, state, say)).decode())
    else:
        print_billing(
            console(), page, state, say, account=account, when=say.moment(looked.at, state.time_zone)
        )
    return 0


def shop_json(found: Shop, currency: str, say: Wording) -> dict[str, Any]:
    """The shop for programs."""

    def told(today: Today) -> dict[str, Any]:
        return {**msgspec.structs.asdict(today), "message": answer_said(today, say, currency)}

    def offer(one: Offer) -> dict[str, Any]:
        return {**msgspec.structs.asdict(one), "today": told(one.today)}

    return {
        "plans": [
            {"family": shelf.family, "name": shelf.name, "plans": [offer(plan) for plan in shelf.plans]}
            for shelf in found.plans
        ],
        "add_ons": [offer(add_on) for add_on in found.add_ons],
        "credits": [offer(pack) for pack in found.credits],
        "own_processes": [
            {**msgspec.structs.asdict(one), "first_block": told(one.first_block)}
            for one in found.own_processes
        ],
    }


def billing_json(page: BillingPage, state: Account, say: Wording) -> dict[str, Any]:
    """The page for programs; an instant is a date where it is the beginning of one."""

    def item(one: HeldItem) -> dict[str, Any]:
        until = None if one.access_until is None else local_text(one.access_until, state.time_zone)
        removal = None if one.removal is None else msgspec.structs.asdict(one.removal)
        if removal is not None:
            removal["sentence"] = removal_said(one, say)
        return {**msgspec.structs.asdict(one), "access_until": until, "removal": removal}

    waits_until = None if page.waits_until is None else local_text(page.waits_until, state.time_zone)
    notes = [credit_note_json(entry) for entry in page.credit_notes]
    return {
        **msgspec.structs.asdict(page),
        "items": [item(one) for one in page.items],
        "waits_until": waits_until,
        "credit_notes": notes,
    }


def credit_note_json(entry: CreditNoteEntry) -> dict[str, Any]:
    """A credit note, and where its money is by now."""
    note = entry.note
    return {
        "number": f"C{note.number}",
        "date": note.date,
        "invoice": note.invoice,
        "reason": note.reason,
        "net": note.net,
        "tax": note.tax,
        "total": note.total,
        "lowered": note.lowered,
        "refunded": entry.refunded,
        "to_account": entry.to_account,
    }
