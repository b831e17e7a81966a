"""Shop New Plans (R49): every offer with its price today, its arithmetic and its renewal date, or why it
cannot be bought."""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import Any
from urllib.parse import urlencode

import msgspec

from domain.shop import Offer, OwnProcess, Shop, Today, shop
from prorata.http.desk import Desk
from prorata.http.problems import refuse
from prorata.pages.account.details import payer_lines
from prorata.pages.account.opened import Opened, opened
from prorata.pages.account.window import Window, of_offer
from prorata.pages.page import Away, Seen, Visit
from prorata.wording import answer_said
from prorata.wording.quotes import beside_said, why_said

TAB = "/account/shop"


class TodaySaid(msgspec.Struct, frozen=True):
    """An offer's price today, in words. `why_not`: why it cannot be bought; `keeps`: it is to end, and would
    go on; `held`: it is active already."""

    charged: str | None
    why: list[str]
    why_not: str | None
    renews_on: str | None
    begins_on: str | None
    keeps: bool
    free: bool

    @classmethod
    def of(cls, today: Today, currency: str, opened_: Opened) -> TodaySaid:
        """The price in the session's language."""
        say = opened_.say
        renews_on = None if today.renews_on is None else say.day(today.renews_on)
        if today.charged is None:
            told = answer_said(today, say, currency)
            return cls(None, [], told, renews_on, None, keeps=False, free=False)
        begins_on = None if today.begins_on is None else say.day(today.begins_on)
        why = [*why_said(today, currency, say), *beside_said(today, currency, say)]
        keeps = today.outcome == "reinstated"
        charged = say.amount(today.charged, currency)
        return cls(charged, why, None, renews_on, begins_on, keeps=keeps, free=not today.charged)


class OfferSaid(msgspec.Struct, frozen=True):
    """An offer as a card shows it. `window`: what asks before it is bought, None where it cannot be; `href`:
    the same on a page of its own; `id`: of the window."""

    offer: Offer
    today: TodaySaid
    window: Window | None
    href: str
    id: str


class PlanSaid(msgspec.Struct, frozen=True):
    """A plan with its tiers, each an offer."""

    product: str
    name: str
    tiers: list[OfferSaid]


async def show(desk: Desk, visit: Visit) -> Seen:
    """The shop; with `buy`, the window of that offer on a page of its own."""
    account = await opened(desk, visit)
    looked = account.looked
    found = await desk.run(partial(shop, looked.state, looked.at, looked.catalogues))
    if "buy" in visit.call.query:
        return Away(_asked_for(found, visit.call.query))
    values = said(desk, found, account) | {"payer": await payer_lines(desk, account)}
    return account.shown("shop.html", TAB, values, frames=desk.settings.card_element)


def _asked_for(found: Shop, query: dict[str, str]) -> str:
    """The page that asks about the offer that the query names. Raises ProblemFound `not_found`."""
    plans = [plan for shelf in found.plans for plan in shelf.plans]
    for offer in (*plans, *found.add_ons, *found.credits):
        if offer.product == query["buy"] and query.get("tier", offer.tier) == offer.tier:
            return _page_of(offer)
    raise refuse("not_found", "nothing of this name is sold")


def _page_of(offer: Offer) -> str:
    asked = {"do": offer.command, "product": offer.product}
    return f"/account/confirm?{urlencode(asked | ({} if offer.tier is None else {'tier': offer.tier}))}"


def said(desk: Desk, found: Shop, account: Opened) -> dict[str, Any]:
    """The shop in the session's language."""
    numbers = count(1)

    def offer(one: Offer) -> OfferSaid:
        today = TodaySaid.of(one.today, account.currency, account)
        window = None if one.today.code is not None else of_offer(desk, account, one)
        tier = {} if one.tier is None else {"tier": one.tier}
        href = f"/account/shop?{urlencode({'buy': one.product} | tier)}"
        return OfferSaid(one, today, window, href, f"offer-{next(numbers)}")

    shelves = []
    for shelf in found.plans:
        plans: dict[str, PlanSaid] = {}
        for one in shelf.plans:
            plans.setdefault(one.product, PlanSaid(one.product, one.name, [])).tiers.append(offer(one))
        shelves.append((shelf.name, list(plans.values())))
    return {
        "add_ons": [offer(one) for one in found.add_ons],
        "shelves": shelves,
        "credits": [offer(one) for one in found.credits],
        "own_processes": [_process(one, account) for one in found.own_processes],
        "nothing": not (found.plans or found.add_ons or found.credits or found.own_processes),
    }


def _process(process: OwnProcess, account: Opened) -> dict[str, Any]:
    return {"process": process, "today": TodaySaid.of(process.first_block, account.currency, account)}
