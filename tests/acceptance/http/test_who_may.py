"""Who may: every route is scoped to its key's tenant and role; keys end, roll and are counted."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest

from prorata.http.route import Route
from prorata.http.table import routes
from prorata.keys.key import ROLES
from scripts.api.story import Step, story
from tests.support.command_line import CommandLine
from tests.support.http_api import OPENED, Api, api_at
from tests.support.servers import SharedServers

OF_TENANTS = [route for route in routes() if route.roles is not None]
OF_ENDPOINTS = [route for route in OF_TENANTS if "{endpoint}" in route.path]
OF_ACCOUNTS = [route for route in OF_TENANTS if "{account}" in route.path]
STEPS: dict[str, Step] = {step.name: step for step in reversed(story("a1"))}


def asked(client: httpx.Client, route: Route, account: str) -> httpx.Response:
    """The route's request of the story, for that account."""
    step = STEPS.get(route.name.removeprefix("preview-"), Step(route.name))
    path = route.path.format(
        account=account, **{"product": "standard", "number": "1", "version": "1"} | step.more
    )
    return client.request(route.method, path, json=step.body, params=step.query)


def without_id(answer: httpx.Response) -> Any:
    told = answer.json()
    told.pop("request_id", None)
    return told


@pytest.fixture(scope="module")
def theirs(api: Api) -> str:
    """An account of another tenant, in which something was sold."""
    with api.client("theirs") as client:
        assert client.post("/v1/accounts", json={"account": "secret", **OPENED}).status_code == 201
        body = {"product": "standard", "at": "2026-03-20"}
        assert client.post("/v1/accounts/secret/purchase-plan", json=body).status_code == 200
    return "secret"


@pytest.mark.parametrize("route", OF_ACCOUNTS, ids=lambda route: route.name)
def test_no_route_tells_or_changes_anything_of_another_tenants_account(
    api: Api, theirs: str, route: Route
) -> None:
    roles = ("owner", "operator", "finance", "support")
    with api.client("theirs") as owner:
        before = owner.get(f"/v1/accounts/{theirs}/history").json()
        for role in [role for role in roles if route.roles is not None and role in route.roles]:
            with api.client("foreign", role) as foreign:
                found, never = asked(foreign, route, theirs), asked(foreign, route, "never")
            assert found.status_code == never.status_code == 404, (role, found.text)
            told, unknown = without_id(found), without_id(never)
            assert told == {**unknown, "account": theirs} if "account" in unknown else told == unknown
        assert owner.get(f"/v1/accounts/{theirs}/history").json() == before


@pytest.fixture(scope="module")
def their_endpoint(api: Api) -> str:
    """An endpoint of the other tenant."""
    with api.client("theirs", "operator") as operator:
        made = operator.post("/v1/webhook-endpoints", json={"url": "https://theirs.example/hooks"})
        assert made.status_code == 201, made.text
        return str(made.json()["id"])


@pytest.mark.parametrize("route", OF_ENDPOINTS, ids=lambda route: route.name)
def test_no_route_tells_or_changes_anything_of_another_tenants_endpoint(
    api: Api, their_endpoint: str, route: Route
) -> None:
    at = f"/v1/webhook-endpoints/{their_endpoint}"
    with api.client("theirs", "operator") as owner, api.client("foreign", "operator") as foreign:
        before = owner.get(at).json()
        body = STEPS[route.name].body
        answers = [
            foreign.request(route.method, route.path.format(endpoint=id_), json=body)
            for id_ in (their_endpoint, "we_never")
        ]
        assert [answer.status_code for answer in answers] == [404, 404]
        found, never = [{**without_id(answer), "detail": "", "message": ""} for answer in answers]
        assert found == never
        assert owner.get(at).json() == before


def test_every_route_that_names_something_is_walked_with_a_foreign_key() -> None:
    named = {name for route in OF_TENANTS for name in re.findall(r"{(\w+)}", route.path)}
    assert named == {"account", "endpoint", "product", "number", "version"}, "of a tenant: the first two"


def test_a_portal_session_is_made_for_an_account_of_the_own_tenant_alone(api: Api, theirs: str) -> None:
    with api.client("foreign") as foreign:
        answers = [foreign.post("/v1/portal-sessions", json={"account": name}) for name in (theirs, "never")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert without_id(answers[0]) == without_id(answers[1])


def test_lists_and_events_hold_the_tenants_own_alone(api: Api, theirs: str) -> None:
    with api.client("foreign") as foreign, api.client("theirs") as owner:
        assert foreign.get("/v1/accounts").json()["items"] == []
        assert foreign.get("/v1/events").json()["items"] == []
        assert [one["account"] for one in owner.get("/v1/accounts").json()["items"]] == [theirs]
        subjects = {event["subject"] for event in owner.get("/v1/events").json()["items"]}
        assert subjects == {f"theirs/{theirs}"}


@pytest.mark.parametrize("role", ROLES)
def test_every_route_is_answered_for_its_roles_alone(api: Api, role: str) -> None:
    with api.client("roles", role) as client:
        for route in [route for route in OF_TENANTS if route.name != "stream-events"]:
            assert route.roles is not None
            answer = asked(client, route, "none")
            if role not in route.roles:
                assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), route.name


@pytest.mark.parametrize("role", ["manager", "author", "viewer"])
def test_roles_that_may_not_buy_are_refused_on_both_clocks(api: Api, role: str) -> None:
    account = f"by-{role}"
    with api.client("roles", "owner") as owner:
        owner.post("/v1/accounts", json={"account": account, **OPENED})
    with api.client("roles", role) as client:
        answer = client.post(
            f"/v1/accounts/{account}/purchase-plan", json={"product": "standard", "at": "2026-03-20"}
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        wall = {"account": f"{account}-wall", "currency": "EUR", "time_zone": "Europe/Paris"}
        opened = client.post("/v1/accounts", json=wall)
        assert (opened.status_code, opened.json()["code"]) == (403, "forbidden")


def test_on_a_test_clock_an_owner_names_any_role_and_others_their_own(api: Api) -> None:
    with api.client("roles", "owner") as owner, api.client("roles", "finance") as finance:
        owner.post("/v1/accounts", json={"account": "staff", **OPENED})
        buys = {"product": "standard", "at": "2026-03-20"}
        assert owner.post("/v1/accounts/staff/purchase-plan", json=buys).status_code == 200
        body = {"at": "2026-03-21", "invoice": 1, "reason": "goodwill", "line": 1, "net": "1.00"}
        note = owner.post("/v1/accounts/staff/credit-note", json={**body, "by": "finance"})
        assert note.status_code == 200, note.text
        as_owner = finance.post("/v1/accounts/staff/credit-note", json={**body, "by": "owner"})
        assert (as_owner.status_code, as_owner.json()["place"]) == (403, "$.by")
        assert finance.post("/v1/accounts/staff/credit-note", json=body).status_code == 200


def test_on_the_wall_clock_a_role_that_is_not_the_keys_is_forbidden(api: Api) -> None:
    wall = {"currency": "EUR", "time_zone": "Europe/Paris"}
    with api.client("roles", "owner") as owner:
        answer = owner.post("/v1/accounts", json={"account": "wall-by", **wall, "by": "admin"})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        opened = owner.post("/v1/accounts", json={"account": "wall-by", **wall, "by": "owner"})
        assert opened.status_code == 201
        staff = {"invoice": 1, "reason": "goodwill", "by": "finance"}
        assert owner.post("/v1/accounts/wall-by/credit-note", json=staff).status_code == 403


def test_disputes_on_the_wall_clock_are_a_providers_who_does_nothing_else(api: Api) -> None:
    wall = {"account": "wall-dispute", "currency": "EUR", "time_zone": "Europe/Paris"}
    with api.client("roles", "owner") as owner, api.client("roles", "provider") as provider:
        assert owner.post("/v1/accounts", json=wall).status_code == 201
        told = {"invoice": 1}
        assert owner.post("/v1/accounts/wall-dispute/dispute-opened", json=told).status_code == 403
        answer = provider.post("/v1/accounts/wall-dispute/dispute-opened", json=told)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_invoice")
        bought = provider.post("/v1/accounts/wall-dispute/purchase-plan", json={"product": "standard"})
        assert bought.status_code == 403
        assert provider.get("/v1/accounts/wall-dispute").status_code == 403


def made(api: Api, *arguments: str) -> dict[str, Any]:
    line = ("key", *arguments, "--json")
    done = api.prorata(*line)
    assert done.exit_code == 0, done.err
    found: dict[str, Any] = msgspec.json.decode(done.out)
    return found


def status(api: Api, key: str, path: str = "/v1/accounts") -> tuple[int, str | None]:
    answer = httpx.get(api.url + path, headers={"Authorization": f"Bearer {key}"})
    return answer.status_code, answer.json().get("code")


def test_a_key_is_rolled_with_an_overlap_and_revoked_for_good(api: Api) -> None:
    first = made(api, "create", "--tenant", "keys", "--role", "owner", "--name", "first")
    assert first["key"].startswith("prk_")
    second = made(api, "roll", first["id"], "--overlap", "1")
    assert second["rolled_from"] == first["id"]
    assert status(api, first["key"])[0] == status(api, second["key"])[0] == 200
    assert api.prorata("key", "revoke", first["id"]).exit_code == 0
    deadline = time.monotonic() + 20
    while status(api, first["key"])[0] == 200:
        assert time.monotonic() < deadline, "a revoked key is known for some seconds, no more"
        time.sleep(0.2)
    assert status(api, first["key"]) == (401, "key_expired")
    assert status(api, second["key"])[0] == 200
    assert api.prorata("key", "roll", first["id"]).exit_code == 2
    listed = api.prorata("key", "list", "--tenant", "keys", "--json").answers
    assert {key["id"]: key["counts"] for key in listed} == {first["id"]: False, second["id"]: True}
    assert first["key"] not in str(listed)


def test_a_key_ends_by_itself_and_counts_in_its_networks_alone(api: Api) -> None:
    past = (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="seconds")
    args = ("create", "--tenant", "keys", "--role", "owner", "--name")
    assert status(api, made(api, *args, "old", "--expires", past)["key"]) == (401, "key_expired")
    elsewhere = made(api, *args, "elsewhere", "--network", "192.0.2.0/24")
    assert status(api, elsewhere["key"]) == (403, "network_refused")
    here = made(api, *args, "here", "--network", "192.0.2.0/24", "--network", "127.0.0.0/8")
    assert status(api, here["key"])[0] == 200
    wrong = api.prorata("key", *args, "wrong", "--network", "nowhere")
    assert (wrong.exit_code, "invalid_network" in wrong.err) == (2, True)
    assert api.prorata("key", "create", "--role", "king", "--name", "x").exit_code == 2


def test_when_a_key_was_last_used_is_known(api: Api) -> None:
    key = made(api, "create", "--tenant", "used", "--role", "owner", "--name", "used")
    assert status(api, key["key"])[0] == 200
    deadline = time.monotonic() + 40
    while True:
        [listed] = api.prorata("key", "list", "--tenant", "used", "--json").answers
        if listed["last_used_at"] is not None:
            break
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_a_key_that_asks_too_often_is_told_when_to_ask_again(servers: SharedServers) -> None:
    with servers.new_database() as url:
        assert CommandLine(url)("migrate", "--roles").exit_code == 0
        with api_at(url, {"PRORATA_API_RATE": "5"}) as api:
            key, other = api.key(), api.key("other")
            with api.client() as client:
                answers = [client.get("/v1/accounts") for _ in range(30)]
            refused = next(answer for answer in answers if answer.status_code == 429)
            assert refused.json()["code"] == "rate_exceeded"
            assert status(api, other)[0] == 200
            time.sleep(float(refused.headers["Retry-After"]))
            assert status(api, key)[0] == 200


def test_card_data_is_refused_and_stands_in_no_log_and_no_table(servers: SharedServers) -> None:
    number, settings = "4242424242424242", {"PRORATA_LOG_LEVEL": "info", "PRORATA_LOG_FORMAT": "json"}
    with servers.new_database() as url:
        prorata = CommandLine(url)
        assert prorata("migrate", "--roles").exit_code == 0
        with api_at(url, settings) as api, api.client() as client:
            client.post("/v1/accounts", json={"account": "a1", **OPENED})
            body = {"product": "standard", "at": "2026-03-20"}
            for refused in (
                client.post("/v1/accounts/a1/purchase-plan", json={**body, "confirm": {"cvv": "123"}}),
                client.post("/v1/accounts/a1/purchase-plan", json={**body, "product": number}),
                client.get("/v1/accounts", params={"status": number}),
            ):
                assert (refused.status_code, refused.json()["code"]) == (400, "card_data_refused")
                assert number not in refused.text
            assert client.post("/v1/accounts/a1/purchase-plan", json=body).status_code == 200
            client.get("/v1/accounts", headers={"X-Request-Id": number})
        assert number not in api.told
        assert "request answered" in api.told
        assert number not in prorata("history", "a1", "--tenant", "acme", "--json").out


def test_an_idempotency_key_may_look_like_a_cards_number(api: Api) -> None:
    with api.client("keys") as client:
        headers = {"Idempotency-Key": "4242424242424242"}
        body = {"account": "k", **OPENED}
        assert client.post("/v1/accounts", json=body, headers=headers).status_code == 201
