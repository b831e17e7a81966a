"""Load on the API from a process of its own: `python -m scripts.bench.http_load` reads what to do as JSON on
stdin, and prints the round as JSON. Plain sockets: a client library would take more of the two cores than the
server.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from datetime import datetime
from typing import Literal

import msgspec

from scripts.bench.measured import p50_and_p99

WARM_UP = 0.5
_TIME = re.compile(rb'"time":"([^"]+)"')
PLAN = {"product": "standard"}
ADD_ONS = ({"product": "custom_domain"}, {"product": "surveys"}, {"product": "inbox_preview"})
CONFIRMED = {"confirm": {"cvv": "tok_bench", "billing": True}}
OPENED = {"currency": "EUR", "time_zone": "Europe/Paris"}


class Work(msgspec.Struct, frozen=True):
    """`get`: ask the path; `buy`: purchases, each account its own; `subscribe`: read the event stream until
    so many events have come. `name`: before the ids of accounts."""

    kind: Literal["get", "buy", "subscribe"]
    port: int
    key: str
    connections: int
    seconds: float
    path: str = "/"
    name: str = ""
    events: int = 0


class Round(msgspec.Struct, frozen=True):
    """Answers a second, and what callers waited in ms. Of subscribers: events a second that each got, and how
    old an event was when it came; `most`: the oldest."""

    rate: float
    p50: float
    p99: float
    most: float = 0.0


class Connection:
    """One connection that asks one thing after the other."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def open(self) -> None:
        self.reader, self._writer = await asyncio.open_connection("127.0.0.1", self._work.port)

    def close(self) -> None:
        self._writer.close()

    async def ask(self, method: str, path: str, body: object = None) -> bytes:
        """The head of the answer. Raises AssertionError unless it was done."""
        sent = b"" if body is None else msgspec.json.encode(body)
        head = f"{method} {path} HTTP/1.1\r\nHost: b\r\nAuthorization: Bearer {self._work.key}\r\n"
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(sent)}\r\n"
        self._writer.write(head.encode() + b"\r\n" + sent)
        told = await self.reader.readuntil(b"\r\n\r\n")
        assert told[9:12] in (b"200", b"201"), (method, path, told)
        length = told.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if length:
            await self.reader.readexactly(int(length))
        return told


async def load(work: Work) -> Round:
    """A round."""
    if work.kind == "subscribe":
        return await _subscribed(work)
    connections = [Connection(work) for _ in range(work.connections)]
    for connection in connections:
        await connection.open()
    waits: list[float] = []
    if work.kind == "buy":
        opening = [_accounts(connection, work, nth) for nth, connection in enumerate(connections)]
        opened = await asyncio.gather(*opening)  # all at once: an idle connection is closed after a while
        begins = time.perf_counter()
        ends = begins + work.seconds
        await asyncio.gather(
            *(_buy(c, names, ends, waits) for c, names in zip(connections, opened, strict=True))
        )
    else:
        await asyncio.gather(*(_get(c, work.path, time.perf_counter() + WARM_UP, []) for c in connections))
        begins = time.perf_counter()
        await asyncio.gather(*(_get(c, work.path, begins + work.seconds, waits) for c in connections))
    took = time.perf_counter() - begins
    for connection in connections:
        connection.close()
    return Round(len(waits) / took, *p50_and_p99(waits))


async def _get(connection: Connection, path: str, until: float, waits: list[float]) -> None:
    while (began := time.perf_counter()) < until:
        await connection.ask("GET", path)
        waits.append((time.perf_counter() - began) * 1000)


async def _accounts(connection: Connection, work: Work, nth: int) -> list[str]:
    """Accounts for the connection to buy for, opened ahead."""
    many = max(2, int(work.seconds * 1_500 / work.connections / (1 + len(ADD_ONS))))
    names = [f"{work.name}-{nth}-{one}" for one in range(many)]
    for name in names:
        await connection.ask("POST", "/v1/accounts", {"account": name, **OPENED})
    return names


async def _buy(connection: Connection, names: list[str], until: float, waits: list[float]) -> None:
    for name in names:
        for verb, body in (("purchase-plan", PLAN), *(("purchase-addon", add_on) for add_on in ADD_ONS)):
            began = time.perf_counter()
            if began > until:
                return
            await connection.ask("POST", f"/v1/accounts/{name}/{verb}", {**body, **CONFIRMED})
            waits.append((time.perf_counter() - began) * 1000)
    raise AssertionError("more accounts are to be opened ahead")


async def _subscribed(work: Work) -> Round:
    lags: list[float] = []
    begins = time.perf_counter()

    async def subscribe() -> None:
        connection = Connection(work)
        await connection.open()
        await connection.ask("GET", work.path)
        seen = 0
        while seen < work.events:
            chunk = await connection.reader.read(262_144)
            seen += chunk.count(b"\ndata: ")
            if found := _TIME.search(chunk):  # of the oldest event that came just now
                at = datetime.fromisoformat(found[1].decode())
                lags.append((time.time() - at.timestamp()) * 1000)
        connection.close()

    await asyncio.gather(*(subscribe() for _ in range(work.connections)))
    took = time.perf_counter() - begins
    return Round(work.events / took, *p50_and_p99(lags), max(lags))


if __name__ == "__main__":
    given = msgspec.json.decode(sys.stdin.buffer.read(), type=Work)
    print(msgspec.json.encode(asyncio.run(load(given))).decode())
