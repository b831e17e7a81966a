"""One message is posted: bounded in time and in what is read of the answer, to no other address than the one
that was checked, and redirects are not followed."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

import httpcore

from consumers.webhooks.addresses import Addresses, AddressRefused, GuardedBackend
from consumers.webhooks.queues import Sent
from consumers.webhooks.signing import signed_headers

CONNECTING: Final = 5.0
WHOLE: Final = 15.0
"""Seconds for a connection, and for all of an attempt."""

_READ: Final = 65_536
_SHOWN: Final = 500


class Sender:
    """Posts messages, over connections that are kept for the next ones; of one event loop."""

    def __init__(self, addresses: Addresses, *, tls: ssl.SSLContext | None = None) -> None:
        secured = GuardedBackend(addresses, plain=False)
        plain = GuardedBackend(addresses, plain=True)
        context = tls or ssl.create_default_context()
        self._secured = _pool(secured, context)
        self._plain = _pool(plain, context)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        await self._secured.aclose()
        await self._plain.aclose()

    async def send(
        self, url: str, position: int, message_id: str, body: bytes, secrets: Sequence[str]
    ) -> Sent:
        """Post it, and say what came of it; raises nothing but cancellation."""
        at, began = datetime.now(UTC), time.perf_counter()
        status: int | None = None
        error = response = None
        try:
            async with asyncio.timeout(WHOLE):
                status, response = await self._post(url, message_id, at, body, secrets)
        except TimeoutError:
            error = f"no answer within {WHOLE:g} seconds"
        except AddressRefused as refused:
            error = str(refused)
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as failed:
            error = _told(failed)
        milliseconds = round(1000 * (time.perf_counter() - began))
        return Sent(position, at, milliseconds, status, error, response)

    async def _post(
        self, url: str, message_id: str, at: datetime, body: bytes, secrets: Sequence[str]
    ) -> tuple[int, str]:
        headers = {
            "content-type": "application/cloudevents+json",
            "user-agent": "Prorata-Webhooks",
            "accept": "*/*",
            **signed_headers(message_id, at, body, secrets),
        }
        pool = self._secured if url.startswith("https:") else self._plain
        limits = {"connect": CONNECTING, "read": WHOLE, "write": WHOLE, "pool": WHOLE}
        async with pool.stream(
            "POST", url, headers=list(headers.items()), content=body, extensions={"timeout": limits}
        ) as answer:
            return answer.status, await _beginning(answer)


def _pool(backend: httpcore.AsyncNetworkBackend, context: ssl.SSLContext) -> httpcore.AsyncConnectionPool:
    return httpcore.AsyncConnectionPool(
        ssl_context=context,
        max_connections=None,
        max_keepalive_connections=64,
        keepalive_expiry=20.0,
        network_backend=backend,
    )


async def _beginning(answer: httpcore.Response) -> str:
    """The first characters of the answer's body; of one that is endless, no more is read."""
    pieces, size = [], 0
    async for piece in answer.aiter_stream():
        pieces.append(piece)
        size += len(piece)
        if size >= _READ:
            break
    text = b"".join(pieces)[: 4 * _SHOWN].decode("utf-8", "replace")
    return "".join(c if c.isprintable() else " " for c in text)[:_SHOWN]


def _told(failed: Exception) -> str:
    """What went wrong, in one line."""
    kind = type(failed).__name__
    said = " ".join(str(failed).split())[:_SHOWN]
    return f"{kind}: {said}" if said else kind
