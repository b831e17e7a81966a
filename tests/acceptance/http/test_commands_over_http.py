"""The API as programs use it: `prorata serve` in a process of its own, asked over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.support.command_line import CommandLine
from tests.support.http_api import OPENED, Api, api_at
from tests.support.servers import SharedServers


def opened(client: httpx.Client, account: str, **more: Any) -> httpx.Response:
    return client.post("/v1/accounts", json={"account": account, **OPENED, **more})


def with_a_plan(client: httpx.Client, account: str) -> None:
    assert opened(client, account).status_code == 201
    bought = client.post(
        f"/v1/accounts/{account}/purchase-plan", json={"product": "standard", "at": "2026-03-20"}
    )
    assert bought.status_code == 200, bought.text


def test_an_account_is_opened_and_buys_an_add_on_that_may_then_be_used(shop: httpx.Client) -> None:
    answer = opened(shop, "thin")
    assert (answer.status_code, answer.json()["outcome"]) == (201, "accepted")
    assert answer.headers["Location"] == "/v1/accounts/thin"
    shop.post("/v1/accounts/thin/purchase-plan", json={"product": "standard", "at": "2026-03-20"})
    confirmed = {"product": "custom_domain", "at": "2026-04-05", "confirm": {"cvv": True, "billing": True}}
    bought = shop.post("/v1/accounts/thin/purchase-addon", json=confirmed)
    assert (bought.status_code, bought.json()["charged"]) == (200, "4.84")
    may = shop.get("/v1/accounts/thin/entitlements/custom_domain").json()
    assert (may["usable"], may["access_until"], may["renews"]) == (True, "2026-04-20", True)
    assert shop.get("/v1/accounts/thin/entitlements/surveys").json()["usable"] is False
    assert shop.get("/v1/accounts/thin/entitlements/nonsense").status_code == 404


def test_a_repeated_idempotency_key_is_answered_alike_and_does_nothing_again(shop: httpx.Client) -> None:
    with_a_plan(shop, "twice")
    body = {"product": "custom_domain", "at": "2026-04-05"}
    first, again = (
        shop.post("/v1/accounts/twice/purchase-addon", json=body, headers={"Idempotency-Key": "k1"})
        for _ in range(2)
    )
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    other = shop.post(
        "/v1/accounts/twice/purchase-addon",
        json={"product": "surveys", "at": "2026-04-05"},
        headers={"Idempotency-Key": "k1"},
    )
    assert (other.status_code, other.json()["code"]) == (422, "command_id_reused")


def test_opening_under_a_key_again_is_answered_alike(shop: httpx.Client) -> None:
    body = {"account": "opened-twice", **OPENED}
    first, again = (shop.post("/v1/accounts", json=body, headers={"Idempotency-Key": "o1"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert opened(shop, "opened-twice").status_code == 409


def test_what_the_state_refuses_is_a_conflict_with_its_code_rule_and_sentence(shop: httpx.Client) -> None:
    with_a_plan(shop, "refused")
    body = {"product": "standard", "at": "2026-03-21"}
    refused = shop.post("/v1/accounts/refused/purchase-plan", json=body, headers={"Accept-Language": "fr"})
    problem = refused.json()
    assert refused.status_code == problem["status"] == 409
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert (problem["code"], problem["outcome"], problem["rule"]) == ("already_active", "rejected", "R17")
    assert "est déjà actif" in problem["message"]
    preview = shop.post("/v1/accounts/refused/purchase-plan/preview", json=body)
    assert (preview.status_code, preview.json()["outcome"], preview.json()["code"]) == (
        200,
        "rejected",
        "already_active",
    )


def test_a_decision_on_another_version_is_refused(shop: httpx.Client) -> None:
    with_a_plan(shop, "stale")
    version = shop.get("/v1/accounts/stale").headers["ETag"]
    body = {"product": "custom_domain", "at": "2026-04-05"}
    stale = shop.post("/v1/accounts/stale/purchase-addon", json=body, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"], stale.headers["ETag"]) == (
        412,
        "version_changed",
        version,
    )
    key = {"If-Match": version, "Idempotency-Key": "decided"}
    bought = shop.post("/v1/accounts/stale/purchase-addon", json=body, headers=key)
    assert bought.status_code == 200
    again = shop.post("/v1/accounts/stale/purchase-addon", json=body, headers=key)
    assert again.json() == bought.json()


def test_a_payment_that_waits_for_the_customer_is_answered_202_and_a_declined_one_402(
    shop: httpx.Client,
) -> None:
    with_a_plan(shop, "consent")
    body = {"product": "custom_domain", "at": "2026-04-05"}
    declined = shop.post("/v1/accounts/consent/purchase-addon", json={**body, "payment": "declined"})
    assert (declined.status_code, declined.json()["code"]) == (402, "payment_declined")
    waiting = shop.post("/v1/accounts/consent/purchase-addon", json={**body, "payment": "action_required"})
    assert (waiting.status_code, waiting.json()["outcome"]) == (202, "action_required")
    assert waiting.json()["reference"]
    ended = shop.post("/v1/accounts/consent/payment-answer", json={"answer": "paid", "at": "2026-04-05"})
    assert ended.status_code == 200
    assert shop.get("/v1/accounts/consent/entitlements/custom_domain").json()["usable"] is True


def test_a_test_clock_goes_on_and_settles_what_falls_due(shop: httpx.Client) -> None:
    with_a_plan(shop, "clock")
    answer = shop.post("/v1/accounts/clock/advance-clock", json={"at": "2026-05-01"})
    assert (answer.status_code, answer.json()["recorded"]) == (200, 2)
    assert shop.get("/v1/accounts/clock").json()["next_renewal"] == "2026-05-20"
    back = shop.post("/v1/accounts/clock/advance-clock", json={"at": "2026-03-01"})
    assert (back.status_code, back.json()["code"]) == (409, "at_too_early")


@pytest.mark.parametrize("key", [None, "Bearer prk_wrong", "Bearer", "Basic abc"])
def test_without_a_key_that_is_known_nothing_is_answered(api: Api, key: str | None) -> None:
    headers = {} if key is None else {"Authorization": key}
    for path in ("/v1/accounts", "/v1/accounts/a1", "/nothing"):
        answer = httpx.get(api.url + path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_another_tenants_account_is_as_one_that_never_was(api: Api, shop: httpx.Client) -> None:
    with_a_plan(shop, "private")
    with api.client("other") as other:
        theirs, none = other.get("/v1/accounts/private"), other.get("/v1/accounts/never")
        assert theirs.status_code == none.status_code == 404
        del (told := theirs.json())["request_id"], (unknown := none.json())["request_id"]
        assert told == unknown
        assert opened(other, "private").status_code == 201


def test_health_and_metrics_are_answered_without_a_key(api: Api) -> None:
    assert httpx.get(f"{api.url}/healthz").json() == {"status": "ok"}
    ready = httpx.get(f"{api.url}/readyz").json()
    assert (ready["status"], ready["problems"]) == ("ready", [])
    assert "prorata_http_requests_total" in httpx.get(f"{api.url}/metrics").text


def test_how_far_the_calendar_is_behind_is_said_and_no_reason_not_to_be_asked(
    servers: SharedServers,
) -> None:
    with servers.new_database() as url:
        prorata = CommandLine(url)
        assert prorata("migrate", "--roles").exit_code == 0
        with api_at(url) as api, api.client() as shop:
            assert opened(shop, "a1").status_code == 201
            assert httpx.get(f"{api.url}/readyz").json()["calendar_seconds_behind"] > 0
            assert prorata("project", "--once").exit_code == 0
            assert httpx.get(f"{api.url}/readyz").json()["calendar_seconds_behind"] == 0
            assert opened(shop, "a2").status_code == 201
            ready = httpx.get(f"{api.url}/readyz")
            assert (ready.status_code, ready.json()["calendar_seconds_behind"] > 0) == (200, True)
