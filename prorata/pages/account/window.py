"""A window that asks before anything is done: what it is, what it costs now and why, what comes of it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import msgspec

from domain.answers import Answer
from domain.billing_page import HeldItem
from domain.shop import Offer, Today, today_of
from prorata.cli.account.billing_screen import removal_said
from prorata.http.desk import Desk
from prorata.pages.account.asking import PAID_BY_SAVED_METHOD, Asked, ticket
from prorata.pages.account.opened import Opened
from prorata.wording import answer_said
from prorata.wording.pages import button_said, title_said
from prorata.wording.quotes import beside_said, why_said
from service.commands import AnswerLine


class Window(msgspec.Struct, frozen=True):
    """What is asked. `charged`: what is paid now, None: nothing; `why`: its arithmetic; `told`: what comes of
    it; `refused`: why it cannot be done; `frame`: the payment element's page, where a security code is asked
    for; `unpayable`: it is asked for, and there is no such element."""

    title: str
    button: str
    charged: str | None
    why: list[str]
    told: list[str]
    refused: str | None
    ticket: str
    frame: str | None
    unpayable: bool
    danger: bool


def of_offer(desk: Desk, account: Opened, offer: Offer) -> Window:
    """Of an offer of the shop."""
    fields = {"product": offer.product} | ({} if offer.tier is None else {"tier": offer.tier})
    return _window(desk, account, offer.command, fields, offer.today, offer.name)


def of_answer(desk: Desk, account: Opened, do: str, fields: dict[str, Any], answer: AnswerLine) -> Window:
    """Of a command, by what it would answer."""
    charged = None if answer.charged is None else Decimal(answer.charged)
    code: Any = answer.code
    outcome: Any = answer.outcome
    told = Answer(outcome, code, answer.facts, charged, answer.lines, answer.renews_on, answer.events)
    today = today_of(told, account.currency, changes=do == "change_plan")
    return _window(desk, account, do, fields, today, _product(account, fields, answer.facts))


def of_removal(account: Opened, item: HeldItem) -> Window:
    """Of taking an add-on away (R26): nothing is charged or refunded."""
    do = "stop_transactional" if "stop" in item.actions else "remove_addon"
    fields = {} if do == "stop_transactional" else {"product": item.product}
    asked = Asked.new(do, fields, None, account.looked.state.version)
    title = title_said(do, item.name, account.say, keeps=False)
    sentence = removal_said(item, account.say)
    return Window(
        title,
        button_said(do, account.say, pays=False, keeps=False),
        None,
        [],
        [sentence],
        None,
        ticket(account, asked),
        None,
        unpayable=False,
        danger=True,
    )


def _window(
    desk: Desk, account: Opened, do: str, fields: dict[str, Any], today: Today, product: str
) -> Window:
    say, currency = account.say, account.currency
    keeps = today.outcome == "reinstated"
    pays = bool(today.charged)
    total = None if today.charged is None else format(today.charged, "f")
    text = ticket(account, Asked.new(do, fields, total, account.looked.state.version))
    code_asked = pays and do not in PAID_BY_SAVED_METHOD
    why = (
        [] if today.charged is None else [*why_said(today, currency, say), *beside_said(today, currency, say)]
    )
    return Window(
        title_said(do, product, say, keeps=keeps),
        button_said(do, say, pays=pays, keeps=keeps),
        say.amount(today.charged, currency) if pays and today.charged is not None else None,
        why if pays or today.lines else [],
        _told(account, today, pays=pays),
        answer_said(today, say, currency) if today.code is not None else None,
        text,
        frame(desk, account, text, today) if code_asked else None,
        unpayable=code_asked and desk.settings.card_element is None,
        danger=do in ("cancel_plan", "remove_addon", "stop_transactional"),
    )


def _told(account: Opened, today: Today, *, pays: bool) -> list[str]:
    """What comes of it: of what is paid when it renews, of what is not its whole answer."""
    say = account.say
    if today.code is not None:
        return []
    if not pays:
        return [answer_said(today, say, account.currency)]
    if today.renews_on is not None:
        return [say.say("It renews on {date}.", date=say.day(today.renews_on))]
    expires = today.facts.get("expires_on")
    if isinstance(expires, str):
        return [say.say("It can be used until {date}.", date=say.day(date.fromisoformat(expires)))]
    return []


def frame(desk: Desk, account: Opened, text: str, today: Today) -> str | None:
    """The payment element's page for the ticket: it takes the security code, and sends a token here."""
    element = desk.settings.card_element
    if element is None or today.charged is None:
        return None
    amount = account.say.amount(today.charged, account.currency)
    asked = {"ticket": text, "amount": amount, "language": account.visit.language}
    return f"{element.rstrip('/')}/code?{urlencode(asked)}"


def _product(account: Opened, fields: dict[str, Any], facts: dict[str, Any]) -> str:
    """What the command is about, by its name."""
    named = facts.get("product") or fields.get("product")
    if named is None and "family" in fields:
        held = account.looked.state.plans.get(fields["family"])
        named = fields["family"] if held is None else held.product
    if named is None:
        processes = [one.id for one in account.looked.catalog.add_ons.values() if one.process is not None]
        named = processes[0] if processes else ""
    return account.say.product(named)
