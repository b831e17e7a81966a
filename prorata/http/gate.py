"""What every request passes, whatever it is for: its size and time are bounded, its key is known, its body is
JSON without card data. An ASGI application around that of the routes.

    gate = Gate(routes, keyring, traffic, is_public)

One place, so that no route can forget it: a path that is not public is answered for a key alone, and what a
route sees of the request is the `Call` made here.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl
from uuid import uuid4

import msgspec

from domain.repeated_names import repeated_name
from domain.texts import is_plain
from prorata.http.call import Call, language_of
from prorata.http.card_data import MESSAGE as CARD_DATA
from prorata.http.card_data import card_data_in, card_data_in_pairs, is_card_number
from prorata.http.keyring import Keyring
from prorata.http.problems import Problem, ProblemFound, refuse
from prorata.http.sending import Scope, send_problem
from prorata.http.traffic import Traffic

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

CALL: Final = "prorata.call"
"""Where the scope holds the `Call`."""

_BODY_METHODS: Final = ("POST", "PUT", "PATCH", "DELETE")
_JSON: Final = "application/json"
_STREAM: Final = "/v1/events/stream"
"""It has no end, so no time limit, nor a head without its body."""

_ONCE: Final = (
    "Authorization",
    "Content-Type",
    "Content-Encoding",
    "Idempotency-Key",
    "If-Match",
    "Last-Event-ID",
)
"""Headers that say one thing."""


_logger = logging.getLogger(__name__)


class Limits(msgspec.Struct, frozen=True):
    """`body`: bytes; `depth`: objects and lists in one another; `reading`: seconds for a request's body to
    arrive; `answering`: seconds for its answer; `uri`: bytes of path and query; `headers`: bytes of all."""

    body: int = 1_048_576
    depth: int = 32
    reading: float = 10.0
    answering: float = 30.0
    uri: int = 8_192
    headers: int = 32_768


class Gate:
    """Lets requests in, and answers those that it does not. `is_public`: whether a path is answered without a
    key."""

    def __init__(
        self,
        routes: App,
        keyring: Keyring,
        traffic: Traffic,
        is_public: Callable[[str], bool],
        limits: Limits | None = None,
    ) -> None:
        self._routes = routes
        self._is_public = is_public
        self._keyring = keyring
        self._traffic = traffic
        self._limits = limits or Limits()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._routes(scope, receive, send)
            return
        began = time.perf_counter()
        headers = _headers(scope)
        call = Call(None, _request_id(headers), headers, {}, language_of(headers.get("accept-language")))
        scope[CALL] = call
        status = 500
        started = False
        scope["path"] = scope["path"].rstrip("/") or "/"
        is_head = scope["method"] == "HEAD" and scope["path"] != _STREAM
        if is_head:
            scope["method"] = "GET"

        async def sending(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
                message["headers"] = [*message["headers"], (b"x-request-id", call.request_id.encode())]
            elif is_head:
                message = {**message, "body": b""}
            await send(message)

        with self._traffic.request():
            try:
                await self._let_in(call, scope, receive, sending)
            except ProblemFound as error:
                await self._tell(sending, error.problem, call, error.headers)
            except asyncio.CancelledError:
                status = 499
                raise
            except Exception:
                _logger.exception("a request failed", extra={"request_id": call.request_id})
                if not started:
                    await self._tell(sending, _FAULT, call, {})
        self._traffic.answered(call.route or "none", scope["method"], status, time.perf_counter() - began)
        _log(call, scope["method"], status, began)

    async def _tell(self, send: Send, problem: Problem, call: Call, headers: dict[str, str]) -> None:
        await send_problem(send, problem, call, headers)

    async def _let_in(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        self._check_head(scope, path)
        if not self._is_public(path):
            call.key = await self._keyring.admit(call.headers.get("authorization"), address_of(scope))
        pairs = query_of(scope)
        call.query = dict(pairs)
        if (place := card_data_in_pairs(pairs)) is not None:
            raise refuse("card_data_refused", CARD_DATA, place=place)
        if len(call.query) < len(pairs):
            raise refuse("invalid_parameter", "a parameter stands twice in the query", place="query")
        if scope["method"] in _BODY_METHODS:
            await self._read_body(call, receive)
        if path == _STREAM:
            await self._routes(scope, receive, send)
            return
        await self._answered_in_time(scope, receive, send)

    async def _answered_in_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(self._limits.answering):
                await self._routes(scope, receive, send)
        except TimeoutError:
            again = "ask again; a command under the same Idempotency-Key"
            raise refuse("timed_out", f"it took too long, and may have been done: {again}") from None

    def _check_head(self, scope: Scope, path: str) -> None:
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > self._limits.uri:
            raise refuse("uri_too_long", f"path and query have at most {self._limits.uri:,} bytes")
        if sum(len(name) + len(value) for name, value in scope["headers"]) > self._limits.headers:
            raise refuse("headers_too_large", f"headers have at most {self._limits.headers:,} bytes")
        if not is_plain(path) or "\ufffd" in path or "//" in path:
            raise refuse("not_found", "there is nothing here")
        if (twice := _repeated_header(scope)) is not None:
            raise refuse("invalid_header", f"{twice} stands twice", place=twice)
        if self._traffic.draining and not self._is_public(path):
            raise refuse("shutting_down", "this server ends: ask again", headers={"Connection": "close"})

    async def _read_body(self, call: Call, receive: Receive) -> None:
        """The body, if it is one that can be taken in."""
        call.body = await self._received(call, receive)
        if not call.body.strip():
            call.body = b""
            return
        if not _is_json(call.headers.get("content-type", "")):
            raise refuse("unsupported_media_type", f"a body is {_JSON}, in UTF-8", place="Content-Type")
        if call.headers.get("content-encoding", "identity").strip().lower() != "identity":
            message = "a body is sent as it is, not compressed"
            raise refuse("unsupported_media_type", message, place="Content-Encoding")
        call.fields = self._decoded(call.body)

    async def _received(self, call: Call, receive: Receive) -> bytes:
        most = self._limits.body
        length = call.headers.get("content-length", "0")
        if length.isascii() and length.isdigit() and int(length[:18]) > most:
            raise self._too_large()
        pieces, size = [], 0
        try:
            async with asyncio.timeout(self._limits.reading):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise refuse("malformed_request", "the body ended early")
                    piece = message.get("body", b"")
                    size += len(piece)
                    if size > most:
                        raise self._too_large()
                    pieces.append(piece)
                    if not message.get("more_body"):
                        return b"".join(pieces)
        except TimeoutError:
            message_ = f"the body did not arrive within {self._limits.reading:g} seconds"
            raise refuse("timed_out_reading", message_, headers={"Connection": "close"}) from None

    def _too_large(self) -> ProblemFound:
        return refuse(
            "body_too_large",
            f"a body has at most {self._limits.body:,} bytes",
            headers={"Connection": "close"},
        )

    def _decoded(self, body: bytes) -> dict[str, Any]:
        try:
            fields = msgspec.json.decode(body)
            twice = repeated_name(body)
        except RecursionError:
            raise refuse("too_deep", f"a body is at most {self._limits.depth} deep", place="$") from None
        except (msgspec.DecodeError, UnicodeError, ValueError):
            raise refuse("malformed_json", "the body is no JSON text in UTF-8", place="$") from None
        if not isinstance(fields, dict):
            raise refuse("malformed_json", "the body is one JSON object", place="$")
        if _deeper_than(self._limits.depth, fields):
            raise refuse("too_deep", f"a body is at most {self._limits.depth} deep", place="$")
        if (place := card_data_in(fields)) is not None:
            raise refuse("card_data_refused", CARD_DATA, place=place)
        if twice is not None:
            raise refuse("repeated_field", f"the field {twice[1][:40]!r} stands twice", place=twice[0])
        return fields


_FAULT: Final = Problem.of("internal_error", "this is a fault of Prorata's own: please report it")


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _repeated_header(scope: Scope) -> str | None:
    """A header that says one thing, and stands there more than once: which one counts is not guessed."""
    if len(scope[CALL].headers) == len(scope["headers"]):
        return None
    names = [name.decode("latin-1").lower() for name, _ in scope["headers"]]
    return next((known for known in _ONCE if names.count(known.lower()) > 1), None)


def _is_json(content_type: str) -> bool:
    kind, *parameters = content_type.lower().split(";")
    charset = [
        value.strip(' "')
        for name, _, value in (one.partition("=") for one in parameters)
        if name.strip() == "charset"
    ]
    return kind.strip() == _JSON and set(charset) <= {"utf-8", "utf8"}


def query_of(scope: Scope) -> list[tuple[str, str]]:
    """The parameters of the query, as they stand there. Raises ProblemFound `invalid_parameter`."""
    try:
        return parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=50)
    except (ValueError, UnicodeError):
        raise refuse("invalid_parameter", "the query cannot be read", place="query") from None


def _request_id(headers: dict[str, str]) -> str:
    """The caller's own, where it is short and plain; else one of ours."""
    given = headers.get("x-request-id", "")
    usable = 8 <= len(given) <= 64 and given.isascii() and given.replace("-", "").replace("_", "").isalnum()
    return given if usable and not is_card_number(given) else uuid4().hex


def address_of(scope: Scope) -> str:
    """Whence the request comes."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def _deeper_than(depth: int, document: Any) -> bool:
    level = [document]
    for _ in range(depth):
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below += [entry for entry in value.values() if isinstance(entry, dict | list)]
            elif isinstance(value, list):
                below += [entry for entry in value if isinstance(entry, dict | list)]
        if not below:
            return False
        level = below
    return True


def _log(call: Call, method: str, status: int, began: float) -> None:
    """A line that names the route, not the path, which may hold what somebody typed."""
    if not _logger.isEnabledFor(logging.INFO):
        return
    milliseconds = round(1000 * (time.perf_counter() - began), 1)
    _logger.info(
        "request answered",
        extra={
            "request_id": call.request_id,
            "route": call.route,
            "method": method,
            "status": status,
            "milliseconds": milliseconds,
            "tenant": None if call.key is None else call.key.tenant,
            "key": None if call.key is None else call.key.id,
        },
    )
