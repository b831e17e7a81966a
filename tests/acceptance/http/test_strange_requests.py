"""What a stranger sends: what could be read in two ways is refused, and what is nowhere is not found."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import pytest

from prorata.http.openapi import FILE
from prorata.http.route import Route, public_paths
from prorata.http.table import routes
from scripts.api.story import Step, story
from tests.support.http_api import OPENED, Api

DESCRIPTION: dict[str, Any] = msgspec.json.decode(FILE.read_bytes())
STEPS: dict[str, Step] = {step.name: step for step in reversed(story("strange"))}
BUYS = {"product": "standard", "at": "2026-03-20"}


@pytest.fixture(scope="module")
def account(api: Api) -> str:
    """An account of the tenant `strangers`."""
    with api.client("strangers") as client:
        assert client.post("/v1/accounts", json={"account": "strange", **OPENED}).status_code == 201
    return "strange"


@pytest.fixture
def client(api: Api, account: str) -> Iterator[httpx.Client]:
    assert account
    with api.client("strangers") as client:
        yield client


def asked_raw(api: Api, *lines: str, body: bytes = b"") -> tuple[int, Any]:
    """The status and the body that these lines of a head, as they stand, are answered."""
    more = ["Host: x", "Connection: close", f"Content-Length: {len(body)}"]
    with socket.create_connection(("127.0.0.1", int(api.url.rpartition(":")[2])), timeout=30) as connection:
        connection.sendall("\r\n".join([*lines, *more]).encode() + b"\r\n\r\n" + body)
        told = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, answer = told.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), msgspec.json.decode(answer)


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("Idempotency-Key", ("a", "b")),
        ("If-Match", ('"1"', '"2"')),
        ("Content-Type", ("application/json", "text/plain")),
        ("Content-Encoding", ("identity", "gzip")),
        ("Authorization", ("Bearer prk_x", "Bearer prk_y")),
    ],
)
def test_a_header_that_says_one_thing_stands_once(
    api: Api, account: str, header: str, values: tuple[str, str]
) -> None:
    own = {"Authorization": f"Bearer {api.key('strangers')}", "Content-Type": "application/json"}
    lines = [f"{name}: {value}" for name, value in own.items() if name != header]
    path = f"POST /v1/accounts/{account}/purchase-plan HTTP/1.1"
    twice = [f"{header}: {value}" for value in values]
    status, answer = asked_raw(api, path, *lines, *twice, body=msgspec.json.encode(BUYS))
    assert (status, answer["code"], answer["place"]) == (400, "invalid_header", header)


@pytest.mark.parametrize(
    ("headers", "place"),
    [
        ({"Content-Type": "application/json; charset=utf-16"}, "Content-Type"),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, "Content-Encoding"),
    ],
)
def test_a_body_in_another_coding_is_refused(
    client: httpx.Client, headers: dict[str, str], place: str
) -> None:
    for body in (msgspec.json.encode(BUYS), gzip.compress(msgspec.json.encode(BUYS))):
        answer = client.post("/v1/accounts/strange/purchase-plan", content=body, headers=headers)
        told = answer.json()
        assert (answer.status_code, told["code"], told["place"]) == (415, "unsupported_media_type", place)


@pytest.mark.parametrize("kind", ["application/json; charset=UTF-8", 'application/JSON; charset="utf-8"'])
def test_a_body_that_says_that_it_is_utf_8_is_taken(client: httpx.Client, kind: str) -> None:
    headers = {"Content-Type": kind}
    body = msgspec.json.encode(BUYS)
    path = "/v1/accounts/strange/purchase-plan/preview"
    assert client.post(path, content=body, headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/v1/accounts/strange", "/v1/accounts/never", "/docs"])
def test_a_head_is_that_of_the_answer_without_its_body(client: httpx.Client, path: str) -> None:
    head, whole = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (whole.status_code, b"")
    for name in ("Content-Type", "ETag", "Cache-Control"):
        assert head.headers.get(name) == whole.headers.get(name)


def test_a_stream_has_no_head_alone(client: httpx.Client) -> None:
    for path in ("/v1/events/stream", "/v1/events/stream/"):
        assert client.head(path).status_code == 405


@pytest.mark.parametrize("method", ["PATCH", "TRACE", "DELETE", "NONSENSE"])
def test_what_is_not_done_to_a_resource_is_said_with_what_is(client: httpx.Client, method: str) -> None:
    answer = client.request(method, "/v1/accounts/strange")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize(
    "path",
    ["/", "/v1", "/V1/accounts", "/v1//accounts", "/v1/accounts/strange/nothing", "/docs/../v1/x", "/docsx"],
)
def test_what_is_nowhere_is_not_found_and_needs_a_key_to_be_asked(
    api: Api, client: httpx.Client, path: str
) -> None:
    key = f"Authorization: Bearer {api.key('strangers')}"
    assert asked_raw(api, f"GET {path} HTTP/1.1", key)[0] == 404
    assert asked_raw(api, f"GET {path} HTTP/1.1")[0] in (401, 404)


def a_path(route: Route) -> str:
    return route.path.replace("{", "").replace("}", "")


def test_paths_without_a_key_are_those_of_routes_that_need_none() -> None:
    is_public = public_paths(routes())
    for route in routes():
        assert is_public(a_path(route)) is (route.roles is None), route.path
    for path in ("/docs/../v1/accounts", "/docsx", "/portal/x/y", "/healthz/x", "/portal/", "/v1/accounts"):
        assert not is_public(path)


@pytest.mark.parametrize("route", [r for r in routes() if r.roles is not None], ids=lambda r: r.name)
def test_every_route_of_a_tenant_needs_a_key(api: Api, route: Route) -> None:
    answer = httpx.request(route.method, api.url + a_path(route))
    assert (answer.status_code, answer.json()["code"]) == (401, "key_missing")


def test_the_type_of_every_page_is_said_once(api: Api) -> None:
    for route in [route for route in routes() if route.roles is None and "{" not in route.path]:
        kind = httpx.request(route.method, api.url + route.path).headers["Content-Type"]
        assert kind.count("charset") <= 1, (route.path, kind)


def _bodies() -> Iterator[tuple[Route, str]]:
    """Each route that takes a body, with each field of it that is no null."""
    for route in routes():
        operation = DESCRIPTION["paths"].get(route.path, {}).get(route.method.lower(), {})
        if "requestBody" not in operation or route.roles is None:
            continue
        name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for field, schema in DESCRIPTION["components"]["schemas"][name].get("properties", {}).items():
            kinds = [one.get("type") for one in schema.get("anyOf", [schema])]
            if "null" not in kinds:
                yield route, field


def test_a_field_that_is_null_where_the_description_has_no_null_is_refused(api: Api, account: str) -> None:
    looked_at = 0
    clients = {role: api.client("strangers", role) for role in ("owner", "finance", "operator")}
    for route, field in _bodies():
        assert route.roles is not None
        step = STEPS.get(route.name.removeprefix("preview-"), Step(route.name))
        path = route.path.format(account=account, endpoint="we_none")
        body = {**(step.body or {}), field: None}
        for role in [role for role in clients if role in route.roles]:
            answer = clients[role].request(route.method, path, json=body)
            assert answer.status_code in (403, 404, 422), (route.name, field, role, answer.text)
            assert answer.status_code != 404 or "endpoint" in route.path, (route.name, field, answer.text)
            looked_at += 1
    assert looked_at > 500
    for client in clients.values():
        client.close()


@pytest.mark.parametrize("given", ["", "k" * 201, "é" * 101])
def test_an_idempotency_key_that_can_be_none_is_refused_by_every_route_that_takes_one(
    api: Api, account: str, given: str
) -> None:
    taking = [r for r in routes() if any(p.name == "Idempotency-Key" for p in r.parameters)]
    assert len(taking) > 20
    with api.client("strangers") as client:
        for route in taking:
            step = STEPS[route.name]
            path = route.path.format(account=account)
            headers = [(b"Idempotency-Key", given.encode())]
            answer = client.request(route.method, path, json=step.body, headers=headers)
            code = "id_too_long" if given else "invalid_header"
            told = answer.json()
            assert (told["code"], told["place"]) == (code, "Idempotency-Key"), (route.name, told)


def test_of_other_contents_under_one_key_at_the_same_moment_one_is_done(api: Api) -> None:
    with api.client("strangers") as client:
        for nth in range(5):
            assert client.post("/v1/accounts", json={"account": f"at-once-{nth}", **OPENED}).is_success

    def buy(nth: int, product: str) -> tuple[int, Any]:
        with api.client("strangers") as client:
            path, headers = f"/v1/accounts/at-once-{nth}/purchase-plan", {"Idempotency-Key": "one"}
            answer = client.post(path, json={**BUYS, "product": product}, headers=headers)
            told = answer.json()
            told.pop("request_id", None)
            return answer.status_code, told

    with ThreadPoolExecutor(8) as threads:
        for nth in range(5):
            asked = [("standard", "websites_core")[one % 2] for one in range(8)]
            answers = list(threads.map(lambda product, nth=nth: buy(nth, product), asked))
            done = {product for product, (status, _) in zip(asked, answers, strict=True) if status == 200}
            assert len(done) == 1, answers
            told = [answer for status, answer in answers if status == 200]
            assert all(answer == told[0] for answer in told)
            codes = {answer["code"] for status, answer in answers if status != 200}
            assert codes <= {"command_id_reused"}, answers


@pytest.mark.parametrize("name", ["a/b", ".", ".."])
def test_an_account_that_no_path_could_name_is_not_opened(client: httpx.Client, name: str) -> None:
    answer = client.post("/v1/accounts", json={"account": name, **OPENED})
    assert (answer.status_code, answer.json()["place"]) == (422, "$.account")


@pytest.mark.parametrize("name", [" x ", "what?#é%", "😀", "a.b", "-"])
def test_an_account_of_any_other_name_is_opened_and_asked_for(client: httpx.Client, name: str) -> None:
    assert client.post("/v1/accounts", json={"account": name, **OPENED}).status_code == 201
    answer = client.get(f"/v1/accounts/{quote(name, safe='')}")
    assert (answer.status_code, answer.json()["account"]) == (200, name)


@pytest.mark.parametrize(
    "given", ["x", '"x"', "", "7, 8", '"1" "2"', "-1", "\u0663", '"99999999999999999999"']
)
def test_an_if_match_that_names_no_version_is_refused(client: httpx.Client, given: str) -> None:
    headers = [(b"If-Match", given.encode())]
    answer = client.post("/v1/accounts/strange/purchase-plan", json=BUYS, headers=headers)
    assert (answer.status_code, answer.json()["place"]) == (400, "If-Match")
