"""Webhooks as a program uses them: made over HTTP, filled from the topic, sent by a process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from publishing.clients import Broker
from tests.support.command_line import CommandLine
from tests.support.http_api import OPENED, Api, api_at
from tests.support.servers import SharedServers
from tests.support.webhooks.receiver import Receiver, receiver

NETWORKS = {"PRORATA_WEBHOOK_NETWORKS": "127.0.0.0/8"}


@pytest.fixture(scope="module")
def prorata(servers: SharedServers, kafka_bootstrap: Broker) -> Iterator[CommandLine]:
    with servers.new_database() as url:
        prorata = CommandLine(url, kafka_bootstrap, "webhooks-")
        prorata.environment |= NETWORKS
        assert prorata("migrate", "--roles").exit_code == 0
        assert prorata("topics").exit_code == 0
        yield prorata


@pytest.fixture(scope="module")
def api(prorata: CommandLine) -> Iterator[Api]:
    with api_at(prorata.database_url, NETWORKS) as running:
        yield running


@pytest.fixture
def operator(api: Api) -> Iterator[httpx.Client]:
    with api.client(role="operator") as client:
        yield client


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as hook:
        yield hook


def made(operator: httpx.Client, hook: Receiver, **more: Any) -> dict[str, Any]:
    answer = operator.post("/v1/webhook-endpoints", json={"url": hook.url, **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/v1/webhook-endpoints/{found['id']}"
    return found


def happen(api: Api, account: str) -> None:
    with api.client() as shop:
        assert shop.post("/v1/accounts", json={"account": account, **OPENED}).status_code == 201
        body = {"product": "standard", "at": "2026-03-20"}
        assert shop.post(f"/v1/accounts/{account}/purchase-plan", json=body).status_code == 200


def publish_and_send(prorata: CommandLine) -> None:
    assert prorata("relay", "--once").exit_code == 0
    assert prorata("consume", "webhooks", "--once").exit_code == 0
    assert prorata("webhooks", "send", "--once").exit_code == 0


def test_who_wants_to_be_told_is_told_and_sees_what_was_sent(
    api: Api, prorata: CommandLine, operator: httpx.Client, hook: Receiver
) -> None:
    endpoint = made(operator, hook)
    happen(api, "told")
    publish_and_send(prorata)

    events = [one.event for one in hook.taken_in if one.event["subject"] == "acme/told"]
    assert [event["type"] for event in events] == ["account_opened", "payment_started", "plan_purchased"]
    assert all(one.is_signed_by(endpoint["secret"]) for one in hook.taken_in)
    at = f"/v1/webhook-endpoints/{endpoint['id']}"
    shown = operator.get(at).json()
    assert "secret" not in shown
    assert (shown["waiting"], shown["failing"], shown["paused_because"]) == (0, 0, None)
    first = operator.get(f"{at}/deliveries", params={"limit": 2}).json()
    rest = operator.get(f"{at}/deliveries", params={"limit": 500, "after": first["next"]}).json()
    told = [one["pos"] for one in first["items"] + rest["items"]]
    assert told == [str(position) for position in hook.positions()]
    logged = operator.get(f"{at}/attempts", params={"limit": 1}).json()
    assert (logged["items"][0]["status"], logged["items"][0]["account"]) == (204, "told")
    assert logged["next"] is not None
    assert operator.get(f"{at}/deliveries", params={"waiting": "true"}).json()["items"] == []
    assert operator.delete(at).json() == {"id": endpoint["id"]}
    assert operator.get(at).status_code == 404


def test_an_endpoint_is_tested_paused_resumed_replayed_and_given_another_secret(
    api: Api, prorata: CommandLine, operator: httpx.Client, hook: Receiver
) -> None:
    happen(api, "early")
    endpoint = made(operator, hook, types=["plan_purchased"])
    at = f"/v1/webhook-endpoints/{endpoint['id']}"

    tested = operator.post(f"{at}/test").json()
    assert (tested["delivered"], tested["status"]) == (True, 204)
    assert hook.received[0].event["type"] == "prorata.test"
    assert hook.received[0].is_signed_by(endpoint["secret"])
    hook.received.clear()

    assert operator.post(f"{at}/pause", json={"because": "we move"}).json()["paused_because"] == "we move"
    assert operator.post(f"{at}/resume").json()["paused_because"] is None
    rolled = operator.post(f"{at}/roll-secret").json()
    assert rolled["secret"] != endpoint["secret"]
    assert operator.post(f"{at}/replay", json={"after": "0"}).json()["replayed_to"] == "0"
    publish_and_send(prorata)
    assert {one.event["type"] for one in hook.taken_in} == {"plan_purchased"}
    assert "acme/early" in {one.event["subject"] for one in hook.taken_in}
    assert all(one.is_signed_by(rolled["secret"]) for one in hook.taken_in)
    assert operator.get(at).json()["replayed_to"] is None
    operator.delete(at)


def test_what_cannot_be_an_endpoint_is_refused(operator: httpx.Client, hook: Receiver) -> None:
    for body, code, place in [
        ({}, "missing_field", "$.url"),
        ({"url": "http://10.0.0.1/"}, "invalid_url", "$.url"),
        ({"url": hook.url, "types": ["nonsense"]}, "unknown_event_type", "$.types[0]"),
        ({"url": hook.url, "secret": "short"}, "invalid_secret", "$.secret"),
        ({"url": hook.url, "more": 1}, "unknown_field", "$.more"),
    ]:
        answer = operator.post("/v1/webhook-endpoints", json=body)
        assert (answer.status_code, answer.json()["code"], answer.json()["place"]) == (422, code, place)


def test_only_an_operators_key_sees_endpoints_and_only_its_own_tenants(
    api: Api, operator: httpx.Client, hook: Receiver
) -> None:
    endpoint = made(operator, hook)
    with api.client(role="owner") as owner, api.client("zeta", "operator") as other:
        assert owner.get("/v1/webhook-endpoints").status_code == 403
        assert other.get("/v1/webhook-endpoints").json()["items"] == []
        for ask in ("", "/attempts", "/deliveries"):
            assert other.get(f"/v1/webhook-endpoints/{endpoint['id']}{ask}").status_code == 404
        for do in ("/pause", "/resume", "/roll-secret", "/test"):
            assert other.post(f"/v1/webhook-endpoints/{endpoint['id']}{do}").status_code == 404
        assert other.delete(f"/v1/webhook-endpoints/{endpoint['id']}").status_code == 404
    operator.delete(f"/v1/webhook-endpoints/{endpoint['id']}")
