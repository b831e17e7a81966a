"""The tenant's settled events over HTTP: each once, in order, resumable, page by page and as a stream."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec
import psycopg
import pytest

from tests.support.http_api import OPENED, Api


def bought(client: httpx.Client, account: str) -> None:
    assert client.post("/v1/accounts", json={"account": account, **OPENED}).status_code == 201
    body = {"product": "standard", "at": "2026-03-20"}
    assert client.post(f"/v1/accounts/{account}/purchase-plan", json=body).status_code == 200


def pages(client: httpx.Client, limit: int) -> Iterator[dict[str, Any]]:
    after = "0"
    while True:
        page = client.get("/v1/events", params={"after": after, "limit": limit}).json()
        yield from page["items"]
        if page["next"] is None:
            return
        after = page["next"]


@contextmanager
def streamed(client: httpx.Client, after: str | None = None) -> Iterator[Iterator[dict[str, Any]]]:
    """The events of a stream, each decoded."""
    headers = {} if after is None else {"Last-Event-ID": after}
    with client.stream("GET", "/v1/events/stream", headers=headers, timeout=20) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        yield read(answer)


def read(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    position = ""
    for line in answer.iter_lines():
        if line.startswith("id: "):
            position = line.removeprefix("id: ")
        elif line.startswith("data: "):
            event: dict[str, Any] = msgspec.json.decode(line.removeprefix("data: "))
            assert event["pos"] == position
            yield event


def test_every_event_is_on_one_page_with_its_account_position_and_clock(api: Api) -> None:
    with api.client("paged") as client:
        for account in ("a1", "a2", "a3"):
            bought(client, account)
        at_once = client.get("/v1/events", params={"limit": 500}).json()["items"]
        assert len(at_once) == 9
        for limit in (1, 2, 4, 9):
            assert list(pages(client, limit)) == at_once
    positions = [int(event["pos"]) for event in at_once]
    assert positions == sorted(set(positions))
    assert {event["clock"] for event in at_once} == {"test"}
    of_a1 = [event for event in at_once if event["subject"] == "paged/a1"]
    assert [event["version"] for event in of_a1] == ["1", "2", "3"]
    assert [event["type"] for event in of_a1] == ["account_opened", "payment_started", "plan_purchased"]
    assert of_a1[2]["data"]["product"] == "standard"


def test_a_stream_tells_what_was_and_what_comes_and_is_taken_up_after_any_event(api: Api) -> None:
    with api.client("streamed") as client, api.client("streamed") as reader:
        bought(client, "a1")
        with streamed(reader) as events:
            seen = [next(events) for _ in range(3)]
            bought(client, "a2")
            seen += [next(events) for _ in range(3)]
        assert seen == client.get("/v1/events").json()["items"]
        with streamed(reader, seen[3]["pos"]) as events:
            assert [next(events) for _ in range(2)] == seen[4:]


def test_two_subscribers_from_different_places_get_every_event_once(api: Api) -> None:
    found: dict[str, list[str]] = {}

    def subscribe(name: str, after: str, many: int) -> None:
        with api.client("several") as reader, streamed(reader, after) as events:
            found[name] = [next(events)["pos"] for _ in range(many)]

    with api.client("several") as client:
        bought(client, "a1")
        first = [event["pos"] for event in client.get("/v1/events").json()["items"]]
        readers = [
            threading.Thread(target=subscribe, args=(f"r{nth}", after, 33 - skipped))
            for nth, (after, skipped) in enumerate([("0", 0), (first[0], 1), (first[2], 3)] * 3)
        ]
        for reader in readers:
            reader.start()
        for nth in range(10):
            bought(client, f"b{nth}")
        for reader in readers:
            reader.join(timeout=30)
        every = [event["pos"] for event in client.get("/v1/events").json()["items"]]
    assert len(every) == 33
    for nth in range(9):
        assert found[f"r{nth}"] == every[[0, 1, 3][nth % 3] :]


def test_an_event_that_commits_late_is_told_before_those_that_waited_for_it(api: Api) -> None:
    """A transaction that has a lower position and is still open holds back what comes after it."""
    with api.client("late") as client, psycopg.connect(api.prorata.database_url) as other:
        bought(client, "a1")
        last = client.get("/v1/events").json()["items"][-1]["pos"]
        other.execute("lock table public.events in row exclusive mode")
        bought(client, "a2")
        held = client.get("/v1/events", params={"after": last}).json()
        assert held["items"] == []
        other.rollback()
        after = client.get("/v1/events", params={"after": last}).json()["items"]
        assert [event["subject"] for event in after] == ["late/a2"] * 3


@pytest.mark.parametrize("after", ["-1", "x", "1" * 30, "1.5"])
def test_a_position_that_is_none_is_refused(api: Api, after: str) -> None:
    with api.client("paged") as client:
        assert client.get("/v1/events", params={"after": after}).status_code == 422
        answer = client.get("/v1/events/stream", headers={"Last-Event-ID": after})
        assert (answer.status_code, answer.json()["place"]) == (400, "Last-Event-ID")
