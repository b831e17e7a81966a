"""What is seen of an account as it stands now: the shop, the billing page, what will be billed."""

from __future__ import annotations

import msgspec

from domain.billing_page import billing_page
from domain.forecast import forecast
from domain.shop import shop
from prorata.cli.account.present import Looked
from prorata.cli.account.screens import billing_json, shop_json
from prorata.http.call import Answered, Call, etag
from prorata.http.looking import AT, looking
from prorata.http.route import LOOK, Route
from prorata.http.shapes import BillingAnswer, ForecastAnswer, ShopAnswer


def shop_shown(looked: Looked, call: Call) -> Answered:
    """What the account can buy (R49)."""
    found, state = shop(looked.state, looked.at, looked.catalogues), looked.state
    told = shop_json(found, state.currency, looked.wording(call.language))
    return Answered(looked.heading | told, headers=etag(state.version))


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
        looking(shop_shown, long=True),
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
