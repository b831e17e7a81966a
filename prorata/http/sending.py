"""Send answers and problems, compressed where that is understood and worth it."""

from __future__ import annotations

import gzip
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

import msgspec
from msgspec.structs import replace

from prorata.http.call import Answered, Call
from prorata.http.problems import CONTENT_TYPE, Problem

Scope: TypeAlias = MutableMapping[str, Any]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

COMPRESSED_FROM: Final = 1_024
"""Bytes from which on a body is compressed."""

_encode = msgspec.json.Encoder().encode


def written(answered: Answered, accepted: str) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """The body as it is sent, and its headers."""
    body = answered.body if isinstance(answered.body, bytes) else _encode(answered.body)
    headers = [
        (b"content-type", answered.media_type.encode()),
        *(
            (name.lower().encode(), value.encode("latin-1", "replace"))
            for name, value in answered.headers.items()
        ),
    ]
    if "Cache-Control" not in answered.headers:
        headers.append((b"cache-control", b"no-store"))
    if len(body) >= COMPRESSED_FROM and "Content-Encoding" not in answered.headers:
        headers.append((b"vary", b"accept-encoding"))
        if "gzip" in accepted:
            body = gzip.compress(body, 3)
            headers.append((b"content-encoding", b"gzip"))
    headers.append((b"content-length", b"%d" % len(body)))
    return body, headers


async def send_answer(send: Send, answered: Answered, call: Call) -> None:
    """Send the answer whole."""
    body, headers = written(answered, call.headers.get("accept-encoding", ""))
    await send({"type": "http.response.start", "status": answered.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_problem(
    send: Send, problem: Problem, call: Call, headers: dict[str, str] | None = None
) -> None:
    """Send the problem, with the request's id."""
    await send_answer(send, problem_answer(problem, call, headers), call)


def problem_answer(problem: Problem, call: Call, headers: dict[str, str] | None = None) -> Answered:
    """The problem as an answer, with the request's id."""
    more = dict(headers or {})
    if problem.status == 401:
        more.setdefault("WWW-Authenticate", 'Bearer realm="prorata"')
    told = replace(problem, request_id=call.request_id)
    return Answered(told, problem.status, more, CONTENT_TYPE)
