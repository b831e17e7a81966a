"""Slow, huge, malformed and half-sent requests leave the API answering others."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

import httpx
import pytest

from tests.support.http_api import Api

SLOW = 120


@contextmanager
def connected(api: Api) -> Iterator[socket.socket]:
    port = int(api.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        yield connection


def head(api: Api, path: str, *more: str, method: str = "POST") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {api.key()}", *more]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def assert_answered(api: Api, before: Sequence[socket.socket] = ()) -> None:
    """Another is answered, before any of those that are slow."""
    with api.client() as client:
        assert client.get("/v1/accounts", params={"limit": 1}).status_code == 200
    assert select.select(before, [], [], 0)[0] == []


def status_of(connection: socket.socket) -> int | None:
    """The status that is answered; None: the connection is closed."""
    try:
        told = connection.recv(65_536)
    except ConnectionError:
        return None
    return int(told.split(b" ", 2)[1]) if told else None


def test_many_that_send_their_heads_byte_by_byte_hold_nobody_up(api: Api) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(connected(api)) for _ in range(SLOW)]
        for connection in slow:
            connection.sendall(b"POST /v1/accounts HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        for _ in range(3):
            for connection in slow:
                connection.sendall(b"a")
            assert_answered(api, slow)


def test_bodies_that_never_come_are_given_up(api: Api) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(connected(api)) for _ in range(20)]
        for connection in slow:
            json = "Content-Type: application/json", "Content-Length: 100"
            connection.sendall(head(api, "/v1/accounts", *json) + b'{"account"')
        assert_answered(api, slow)
        assert {status_of(connection) for connection in slow} == {408}


@pytest.mark.parametrize("chunked", [False, True], ids=["of a length", "in chunks"])
def test_a_body_of_100_megabytes_is_refused(api: Api, chunked: bool) -> None:
    coding = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {100 * 2**20}"
    with connected(api) as connection:
        connection.sendall(head(api, "/v1/accounts", "Content-Type: application/json", coding))
        piece = b" " * 65_536
        try:
            for _ in range(1_600):
                connection.sendall(b"10000\r\n" + piece + b"\r\n" if chunked else piece)
        except ConnectionError:
            pass
        assert status_of(connection) in (413, None)
    assert_answered(api)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, 400, "too_deep"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, 400, "too_deep"),
        (b"[" * 100_000, 400, None),
        (b'{"account": "\xff\xfe"}', 400, "malformed_json"),
        (b'{"account": "\\ud800"}', 400, "malformed_json"),
        (b'{"account": "a\\u0000"}', 422, "invalid_text"),
        (b'{"account": "x", "account": "y"}', 400, "repeated_field"),
        (b"[]", 400, "malformed_json"),
        (b"null", 400, "malformed_json"),
        (b"{", 400, "malformed_json"),
        (b"1" * 5_000, 400, "malformed_json"),
        (b'{"account": 1e400}', 400, None),
        (b"", 422, "missing_field"),
    ],
    ids=lambda value: None if isinstance(value, bytes) else str(value),
)
def test_a_body_that_is_no_json_of_ours_is_refused(
    api: Api, body: bytes, status: int, code: str | None
) -> None:
    with api.client() as client:
        answer = client.post("/v1/accounts", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status or code is None, answer.text
    assert answer.status_code < 500
    assert code is None or answer.json()["code"] == code
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "", "multipart/form-data"]
)
def test_a_body_of_another_type_is_refused(api: Api, kind: str) -> None:
    with api.client() as client:
        answer = client.post("/v1/accounts", content=b'{"account": "x"}', headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_ten_thousand_headers_are_refused(api: Api) -> None:
    with connected(api) as connection:
        with suppress(ConnectionError):
            connection.sendall(head(api, "/v1/accounts", *(f"X-{n}: y" for n in range(10_000)), method="GET"))
        assert status_of(connection) in (400, 431, None)
    assert_answered(api)


def test_requests_sent_at_once_are_answered_in_order(api: Api) -> None:
    with connected(api) as connection:
        one = head(api, "/healthz", method="GET"), head(api, "/v1/accounts/none", method="GET")
        connection.sendall(b"".join(one * 20))
        told = b""
        while told.count(b"HTTP/1.1 ") < 40 or not told.endswith(b"}"):
            told += connection.recv(65_536)
    statuses = [part[:3] for part in told.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"404"] * 20


def test_clients_that_leave_half_way_leave_nothing_behind(api: Api) -> None:
    for cut in (10, 60, 200):
        for _ in range(20):
            with connected(api) as connection:
                whole = head(api, "/v1/accounts", "Content-Type: application/json", "Content-Length: 50")
                connection.sendall((whole + b'{"account": "x"')[:cut])
    assert_answered(api)
    under_way = [
        line for line in httpx.get(f"{api.url}/metrics").text.splitlines() if "http_under_way" in line
    ]
    assert under_way[-1] == "prorata_http_under_way 1.0", "this one alone"


@pytest.mark.parametrize(
    "path",
    ["/v1/accounts/%00", "/v1/accounts/a%0Ab", "/v1/accounts/%FF", "/v1/accounts/.."],
)
def test_paths_that_name_nothing_are_not_found(api: Api, path: str) -> None:
    with connected(api) as connection:
        connection.sendall(head(api, path, method="GET"))
        assert status_of(connection) == 404


def test_a_long_address_is_refused(api: Api) -> None:
    with api.client() as client:
        answer = client.get("/v1/accounts/" + "a" * 9_000)
        assert (answer.status_code, answer.json()["code"]) == (414, "uri_too_long")
        assert client.get("/v1/accounts/" + "a" * 300).status_code == 422
