"""What is seen of an account as it stands now: the shop, the billing page, what will be billed."""

from __future__ import annotations

from functools import partial
from typing import Final

import msgspec

from domain.billing_page import billing_page
from domain.forecast import forecast
from prorata.cli.account.present import Looked
from prorata.cli.account.screens import billing_json
from prorata.http.call import Answered, Call, etag
from prorata.http.desk import Desk
from prorata.http.looking import AT, looked_at, looking
from prorata.http.route import LOOK, Route
from prorata.http.shapes import BillingAnswer, ForecastAnswer, ShopAnswer
from prorata.shop_pages import ShopPages

_SHOPS: Final = ShopPages()


async def shop_shown(desk: Desk, call: Call) -> Answered:
    """What the account can buy (R49)."""
    looked = await looked_at(desk, call)
    told = _SHOPS.kept(looked, call.language)
    if told is None:
        told = await desk.run(partial(_SHOPS.made, looked, call.language))
    return Answered(looked.heading | told, headers=etag(looked.state.version))


def billing_shown(looked: Looked, call: Call) -> Answered:
    """The billing page (R50)."""
    state = looked.state
    page = billing_page(state, looked.at, looked.catalogues, looked.credit_notes)
    told = billing_json(page, state, looked.wording(call.language))
    return Answered(looked.heading | told, headers=etag(state.version))


def forecast_shown(looked: Looked, _call: Call) -> Answered:
    """What will be billed as things stand."""
    found = forecast(looked.state, looked.at, looked.catalogues)
    told = looked.heading | msgspec.structs.asdict(found)
    return Answered(told, headers=etag(looked.state.version))


_OF = "/v1/accounts/{account}"

ROUTES = (
    Route(
        "GET",
        f"{_OF}/shop",
        "get-shop",
        "What the account can buy now, each with what it would cost today and why, or why not (R49).",
        LOOK,
        shop_shown,
        ShopAnswer,
        parameters=(AT,),
        tag="screens",
    ),
    Route(
        "GET",
        f"{_OF}/billing",
        "get-billing",
        "What the account holds, what can be done with it, what is open, the next invoice (R50).",
        LOOK,
        looking(billing_shown, long=True),
        BillingAnswer,
        parameters=(AT,),
        tag="screens",
    ),
    Route(
        "GET",
        f"{_OF}/forecast",
        "get-forecast",
        "What will be billed in twelve months as things stand.",
        LOOK,
        looking(forecast_shown, long=True),
        ForecastAnswer,
        parameters=(AT,),
        tag="screens",
    ),
)
