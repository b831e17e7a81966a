"""The HTTP client under Stripe's package: httpx, blocking without an event loop and suspending with one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final
from weakref import WeakKeyDictionary

import httpx
import stripe

_CONNECTIONS: Final = 100
"""Connections to Stripe at once, of each event loop."""

_CLOSED_WITHIN: Final = 5.0
_SHORTEST: Final = 0.5
"""Seconds that a request is given at least."""

_ends_at: ContextVar[float] = ContextVar("prorata_stripe_ends_at")


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """All requests in it together have that time."""
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


def seconds_left() -> float:
    """Of those that `within` gave."""
    return _ends_at.get() - time.monotonic()


class Http(stripe.HTTPClient):
    """Stripe's package has one over httpx too, which neither keeps enough connections for a billing run nor
    takes a request's time-out. An event loop keeps its own connections. Raises httpx.HTTPError."""

    name = "httpx"

    def __init__(self) -> None:
        super().__init__()
        self._settings: dict[str, Any] = {
            "verify": httpx.create_ssl_context(),
            "limits": httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS),
        }
        self._blocking = httpx.Client(**self._settings)
        self._of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = WeakKeyDictionary()

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_: Any
    ) -> tuple[str, int, Mapping[str, str]]:
        answered = self._blocking.request(
            method, url, headers=headers, content=post_data, timeout=_time_out()
        )
        return answered.text, answered.status_code, answered.headers

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        loop = asyncio.get_running_loop()
        client = self._of_loops.get(loop)
        if client is None:
            client = self._of_loops[loop] = httpx.AsyncClient(**self._settings)
        answered = await client.request(method, url, headers=headers, content=post_data, timeout=_time_out())
        return answered.content, answered.status_code, answered.headers

    def close(self) -> None:
        """Close the connections: of event loops those that still run, in other threads."""
        self._blocking.close()
        for loop, client in list(self._of_loops.items()):
            if loop.is_running() and loop is not _running_loop():
                asyncio.run_coroutine_threadsafe(client.aclose(), loop).result(_CLOSED_WITHIN)
        self._of_loops.clear()

    async def close_async(self) -> None:
        """Close the connections of this event loop."""
        client = self._of_loops.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _time_out() -> float:
    return max(_SHORTEST, seconds_left())
