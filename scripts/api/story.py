"""A story in which every route of the API succeeds, on accounts on test clocks. The description's examples
are made of it, and tests hold each of its answers against its schema.

    for done in played(ask, "demo"):
        done.route.name, done.answer
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, Literal

import msgspec

from prorata.http.route import Route
from prorata.http.table import routes
from prorata.keys.key import Role
from service.catalogue_versions import demo_body

WITH_POLICIES: Final = {
    "collection": {"retry_days": [3, 5], "remind_before_lapse": 3},
    "corrections": {"support_limit": {"EUR": "50.00"}},
}


MADE: Final = "what was made last"
"""Of a parameter: the id of what a step before has made."""


class Step(msgspec.Struct, frozen=True):
    """A request: the route's name, the account, its body and its query."""

    name: str
    account: str = ""
    body: dict[str, Any] | None = None
    query: dict[str, str] = {}
    more: dict[str, str] = {}
    key: Role = "owner"


class Request(msgspec.Struct, frozen=True):
    """What is asked over HTTP."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    body: dict[str, Any] | None
    query: dict[str, str]
    key: Role


class Done(msgspec.Struct, frozen=True):
    """A step with its answer: status, and the body decoded, text where it is no JSON."""

    route: Route
    step: Step
    parameters: dict[str, str]
    status: int
    answer: Any


Ask = Callable[[Request], tuple[int, Any]]


def _command(name: str, account: str, at: str, **fields: Any) -> Step:
    return Step(name, account, {"at": at, **fields})


def _opened(account: str, **more: Any) -> Step:
    body = {"account": account, "currency": "EUR", "time_zone": "Europe/Paris", "clock": "test"}
    return Step("open-account", "", {**body, "at": "2026-03-20", **more})


def story(first: str) -> tuple[Step, ...]:
    """The steps, on accounts whose ids begin so."""
    shop, disputed, packs = first, f"{first}-disputed", f"{first}-packs"
    return (
        _opened(shop, policies=WITH_POLICIES),
        _command("purchase-plan", shop, "2026-03-20", product="standard"),
        _command("purchase-addon", shop, "2026-04-05", product="custom_domain", expected_total="4.84"),
        _command("remove-addon", shop, "2026-04-06", product="custom_domain"),
        _command("undo", shop, "2026-04-06", product="custom_domain"),
        _command("start-transactional", shop, "2026-04-07", blocks=2),
        _command("top-up-transactional", shop, "2026-04-08", blocks=1),
        _command("change-transactional", shop, "2026-04-08", blocks=3),
        _command("stop-transactional", shop, "2026-04-09"),
        _command("set-tax-profile", shop, "2026-04-09", country="FR", kind="consumer"),
        _command("grant-discount", shop, "2026-04-09", **{"percent": "10", "for": 3, "ticket": "T-1"}),
        _command("withdraw-discount", shop, "2026-04-09", discount="D1"),
        _command(
            "credit-note", shop, "2026-04-10", invoice=1, reason="goodwill", line=1, net="1.00", to="account"
        ),
        _command("pay-out", shop, "2026-04-10", amount="0.50"),
        _command("reissue", shop, "2026-04-10", invoice=2),
        _command("pause-plan", shop, "2026-04-11", family="marketing"),
        _command("resume-plan", shop, "2026-04-12", family="marketing"),
        _command("change-plan", shop, "2026-04-12", product="standard", tier="2500"),
        _command("reprice", shop, "2026-04-13", product="custom_domain", price="12.00"),
        _command("catalog", shop, "2026-04-13", withdrawn=["surveys"]),
        _command("purchase-addon", shop, "2026-04-13", product="inbox_preview", payment="action_required"),
        _command("payment-answer", shop, "2026-04-13", answer="paid"),
        Step(
            "purchase-addon",
            shop,
            {"at": "2026-04-14", "product": "extra_seats", "payment": "action_required"},
        ),
        _command("abandon-payment", shop, "2026-04-14"),
        _command("payment-method", shop, "2026-04-14", works=False),
        _command("advance-clock", shop, "2026-04-21"),
        _command("stop-tries", shop, "2026-04-21", invoice=8),
        _command("payment-method", shop, "2026-04-22", works=True),
        _command("pay-balance", shop, "2026-04-22"),
        _command("set-payment-method", shop, "2026-04-23"),
        _command("record-payment", shop, "2026-04-23", amount="5.00", reference="BANK-1"),
        _command("dispute-opened", shop, "2026-04-24", invoice=1),
        _command("dispute-won", shop, "2026-04-25", invoice=1),
        _command("cancel-plan", shop, "2026-04-26", family="marketing"),
        _opened(disputed),
        _command("purchase-plan", disputed, "2026-03-20", product="standard"),
        _command("dispute-lost", disputed, "2026-04-10", invoice=1),
        _command("payment-method", disputed, "2026-04-11", works=False),
        _command("write-off", disputed, "2026-06-01", invoice=1),
        _command("close-account", disputed, "2026-06-02"),
        _opened(packs),
        _command("buy-credits", packs, "2026-03-20", product="credits_5000"),
        *_persons(shop),
        *_looks(shop),
    )


def _persons(shop: str) -> Iterator[Step]:
    details = {
        "name": "Zoë Example",
        "country": "FR",
        "address": ["1 rue de la Paix"],
        "postal_code": "75002",
        "city": "Paris",
        "email": "zoe@shop.example",
        "person": "person-204",
        "at": "2026-04-26",
    }
    yield Step("put-billing-details", shop, details)
    yield Step("get-billing-details", shop)
    yield Step("delete-billing-details", shop)
    yield Step("create-portal-session", body={"account": shop, "language": "fr"})
    yield Step("enter-portal", more={"token": MADE})


def _looks(shop: str) -> tuple[Step, ...]:
    catalogue = {"catalogue": _example_catalogue()}
    return (
        Step("get-account", shop),
        Step("list-accounts", query={"limit": "2"}),
        Step("get-shop", shop),
        Step("get-billing", shop),
        Step("get-forecast", shop),
        Step("list-entitlements", shop),
        Step("get-entitlement", shop, more={"product": "custom_domain"}),
        Step("list-access-windows", shop),
        Step("list-invoices", shop, query={"limit": "3"}),
        Step("get-invoice", shop, more={"number": "2"}),
        Step("explain-invoice", shop, more={"number": "2"}),
        Step("list-credit-notes", shop),
        Step("list-discounts", shop),
        Step("list-happened", shop),
        Step("get-statement", shop, query={"from": "2026-04-01", "until": "2026-05-01"}),
        Step("list-history", shop, query={"limit": "3"}),
        Step("get-state", shop, query={"at": "2026-04-06"}),
        Step("get-diff", shop, query={"from": "version:5", "to": "version:6"}),
        Step("list-events", query={"limit": "2"}),
        Step("check-catalogue", body=catalogue, key="operator"),
        Step("diff-catalogue", body=catalogue, key="operator"),
        Step("load-catalogue", body=catalogue, key="operator"),
        Step("list-catalogues"),
        Step("get-catalogue", more={"version": "current"}),
        *_webhooks(),
        Step("healthz"),
        Step("readyz"),
        Step("metrics"),
    )


def _webhooks() -> Iterator[Step]:
    endpoint = {"url": "https://shop.example/hooks", "types": ["addon_purchased"]}
    yield Step("create-webhook-endpoint", body=endpoint, key="operator")
    for name, body in (
        ("get-webhook-endpoint", None),
        ("pause-webhook-endpoint", {"because": "moving house"}),
        ("resume-webhook-endpoint", None),
        ("replay-webhook-endpoint", {"after": "0"}),
        ("roll-webhook-secret", None),
        ("test-webhook-endpoint", None),
        ("list-webhook-attempts", None),
        ("list-webhook-deliveries", None),
        ("delete-webhook-endpoint", None),
    ):
        yield Step(name, body=body, more={"endpoint": MADE}, key="operator")
    yield Step("list-webhook-endpoints", key="operator")


def _example_catalogue() -> dict[str, Any]:
    """That of new accounts on test clocks, too, so that these find the same once it is loaded."""
    found: dict[str, Any] = msgspec.json.decode(demo_body())
    return found


def played(ask: Ask, first: str) -> Iterator[Done]:
    """Every step with its answer; each command's preview before it."""
    known = {route.name: route for route in routes()}
    made = ""
    for step in story(first):
        preview = known.get(f"preview-{step.name}")
        if preview is not None:
            yield _done(ask, preview, step, made)
        done = _done(ask, known[step.name], step, made)
        if done.status == 201 and done.route.tag in ("webhooks", "portal"):
            made = done.answer.get("id") or done.answer["url"].rpartition("/")[2]
        yield done


def _done(ask: Ask, route: Route, step: Step, made: str) -> Done:
    parameters = ({"account": step.account} if "{account}" in route.path else {}) | {
        name: made if value == MADE else value for name, value in step.more.items()
    }
    path = route.path.format(**parameters)
    status, answer = ask(Request(route.method, path, step.body, step.query, step.key))
    return Done(route, step, parameters, status, answer)
