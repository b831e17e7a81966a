"""What an account may use: the question that a gateway asks before it lets somebody in."""

from __future__ import annotations

from typing import Literal

import msgspec

from domain.calendar import Instant, local_text
from domain.catalog import Catalogues
from domain.state import Window
from domain.views import AccessWindows, Entitlement, EntitlementStatus, access_windows, entitlements
from projections.history.past import GRACE
from prorata.cli.account.present import Looked
from prorata.http.call import Answered, Call, etag
from prorata.http.desk import Desk, Memo
from prorata.http.looking import AT, by_time, looked_at, looking, unknown_account
from prorata.http.problems import refuse
from prorata.http.route import USE, Route


class ProductEntitlement(msgspec.Struct, frozen=True):
    """What the account may use of a product (R44). `usable`: whether it may be used at the instant, which is
    in one of its windows, or in the day of grace after one whose renewal is not known yet (R45). `status`
    `none`: it was never held. `access_until`: a date where it is the beginning of one, None: without end.
    `allowance`: e-mails, None where there are none to count."""

    product: str
    usable: bool
    in_grace: bool
    status: EntitlementStatus | Literal["none"]
    renews: bool
    access_until: str | None
    allowance: int | None


class EntitlementAnswer(ProductEntitlement, frozen=True):
    """The same, of the account at an instant."""

    account: str
    at: str
    version: int


class EntitlementsAnswer(msgspec.Struct, frozen=True):
    """What the account may use of every product that it holds or once held, at an instant."""

    account: str
    at: str
    time_zone: str
    version: int
    status: Literal["good", "past_due", "disputed", "closed"]
    items: list[ProductEntitlement]
    next: None = None


class WindowShown(msgspec.Struct, frozen=True, rename={"start": "from"}):
    """A span of time, its end excluded; `until` None: without end."""

    start: str
    until: str | None


class ProductWindows(msgspec.Struct, frozen=True):
    """All spans in which a product could or can be used (R45); `renews`: the last one's end will move."""

    product: str
    windows: list[WindowShown]
    renews: bool


class AccessWindowsAnswer(msgspec.Struct, frozen=True):
    """The windows of every product that the account holds or once held."""

    account: str
    at: str
    time_zone: str
    version: int
    items: list[ProductWindows]
    next: None = None


async def may_be_used(desk: Desk, call: Call) -> Answered:
    """May this be used now? It is asked so often that an account is looked at no more than four times a
    second, unless the call says `wait`, and its answer is made once a second."""
    if "at" in call.query or "wait" in call.query:
        return one(await looked_at(desk, call), call)
    state = await desk.seen(call.account_id)
    if state is None:
        raise unknown_account()
    now = await desk.now()
    name, second = (call.account_id, call.path["product"]), int(now.timestamp())
    memo = desk.answered.get(name)
    if memo is not None and memo.state is state and memo.second == second:
        return memo.answered
    at = state.last_at if state.clock == "test" else max(now.replace(microsecond=0), state.last_at)
    answered = one(Looked(call.account, state, at, await desk.series_for(state)), call)
    told = Answered(msgspec.json.encode(answered.body), headers=answered.headers)
    desk.answered.keep(name, Memo(state, second, told))
    return told


def one(looked: Looked, call: Call) -> Answered:
    """What the account may use of the product."""
    state, product, zone = by_time(looked), call.path["product"], looked.state.time_zone
    shown = entitlements(state, looked.catalogues).get(product)
    if shown is None and product not in _sold(looked.catalogues, looked.at):
        raise refuse("not_found", "there is no such product", place="product")
    windows = state.windows.get(product, ())
    told = _told(product, shown, windows, looked.at, zone)
    answer = EntitlementAnswer(
        **msgspec.structs.asdict(told),
        account=call.account,
        at=local_text(looked.at, zone),
        version=looked.state.version,
    )
    return Answered(answer, headers=etag(looked.state.version))


def every(looked: Looked, call: Call) -> Answered:
    """What may be used now."""
    state, zone = by_time(looked), looked.state.time_zone
    shown = entitlements(state, looked.catalogues)
    items = [
        _told(product, shown[product], state.windows.get(product, ()), looked.at, zone)
        for product in sorted(shown)
    ]
    answer = EntitlementsAnswer(
        call.account, local_text(looked.at, zone), zone, looked.state.version, state.status, items
    )
    return Answered(answer, headers=etag(looked.state.version))


def windows(looked: Looked, call: Call) -> Answered:
    """When what could be used."""
    state, zone = by_time(looked), looked.state.time_zone
    shown = access_windows(state, looked.catalogues)
    items = [_windows_told(shown[product], zone) for product in sorted(shown)]
    answer = AccessWindowsAnswer(call.account, local_text(looked.at, zone), zone, looked.state.version, items)
    return Answered(answer, headers=etag(looked.state.version))


def _told(
    product: str, shown: Entitlement | None, spans: tuple[Window, ...], at: Instant, zone: str
) -> ProductEntitlement:
    if shown is None:
        return ProductEntitlement(
            product,
            usable=False,
            in_grace=False,
            status="none",
            renews=False,
            access_until=None,
            allowance=None,
        )
    within = any(span.start <= at and (span.until is None or at < span.until) for span in spans)
    grace = not within and shown.renews and _in_grace(spans, at)
    until = shown.access_until
    return ProductEntitlement(
        product,
        usable=within or grace,
        in_grace=grace,
        status=shown.status,
        renews=shown.renews,
        access_until=None if until is None else local_text(until, zone),
        allowance=shown.allowance,
    )


def _in_grace(spans: tuple[Window, ...], at: Instant) -> bool:
    until = spans[-1].until if spans else None
    return until is not None and until <= at < until + GRACE


def _windows_told(shown: AccessWindows, zone: str) -> ProductWindows:
    spans = [
        WindowShown(
            local_text(span.start, zone), None if span.until is None else local_text(span.until, zone)
        )
        for span in shown.windows
    ]
    return ProductWindows(shown.product, spans, shown.renews)


def _sold(catalogues: Catalogues, at: Instant) -> set[str]:
    catalog = catalogues.ever_sold(at)
    return {*catalog.plans, *catalog.add_ons, *catalog.credits}


ROUTES = (
    Route(
        "GET",
        "/v1/accounts/{account}/entitlements",
        "list-entitlements",
        "What the account may use (R44).",
        USE,
        looking(every),
        EntitlementsAnswer,
        parameters=(AT,),
        tag="entitlements",
    ),
    Route(
        "GET",
        "/v1/accounts/{account}/entitlements/{product}",
        "get-entitlement",
        "May the account use this product now? (R44, R45)",
        USE,
        may_be_used,
        EntitlementAnswer,
        parameters=(AT,),
        tag="entitlements",
    ),
    Route(
        "GET",
        "/v1/accounts/{account}/access-windows",
        "list-access-windows",
        "When the account could and can use what (R45).",
        USE,
        looking(windows),
        AccessWindowsAnswer,
        parameters=(AT,),
        tag="entitlements",
    ),
)
