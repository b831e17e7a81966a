"""Callers who buy by the service for servers, each what its own accounts do not hold yet.

found = run(url, Load(callers=16, seconds=2), turn=3, gateway=MemoryTestGateway())
found.rate, found.p99
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from itertools import count, cycle
from typing import Final

import msgspec

from domain import commands as c
from prorata.settings import Settings
from prorata.wiring import open_async_system
from scripts.bench.measured import p50_and_p99, warmed
from service.catalogue_store import PostgresCatalogues
from service.catalogue_versions import demo_body
from service.catalogues import CatalogueLibrary
from service.gateways.port import Confirmation, PaymentGateway
from service.service import BillingService

BOUGHT: Final[tuple[c.Command, ...]] = (
    c.PurchasePlan("standard"),
    c.PurchaseAddon("custom_domain"),
    c.PurchaseAddon("surveys"),
    c.PurchaseAddon("inbox_preview"),
)
"""What a caller buys for an account before it goes on to its next one."""

AGAIN: Final = c.BuyCredits("credits_5000")
"""What can be bought for one account again and again."""

WARM_UP: Final = 0.5
"""Seconds of buying before the measurement, by callers of its own."""

_TOKEN: Final = Confirmation("tok_bench")
_OPEN: Final = c.OpenAccount("EUR", "Europe/Paris", "wall")
_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)  # what the wall clock says counts
_OPENED_AHEAD: Final = 16


class Load(msgspec.Struct, frozen=True):
    """`hot`: all callers buy for one account."""

    callers: int
    seconds: float
    hot: bool = False


class Bought(msgspec.Struct, frozen=True):
    """A round: purchases a second, what callers waited in ms, and what a purchase took of this process's
    processor time, in µs."""

    rate: float
    p50: float
    p99: float
    cpu: float


def load_catalogue(url: str) -> None:
    """What is sold on the wall clock."""
    with closing(PostgresCatalogues(url)) as store:
        CatalogueLibrary(store).load(demo_body(), None, datetime.now(UTC))


def run(url: str, load: Load, *, turn: str, gateway: PaymentGateway | None = None) -> Bought:
    """A round. `turn`: of each round another one. Without a `gateway` the durable test gateway is asked."""
    return asyncio.run(_run(url, load, turn, gateway))


def run_beside(url: str, load: Load, processes: int, *, turn: str) -> list[Bought]:
    """A round of several processes at once, each with that load and a gateway of its own."""
    with ProcessPoolExecutor(processes) as pool:
        list(pool.map(warmed, range(processes)))
        begin = time.time() + 3.0 + WARM_UP  # every one has opened its accounts by then
        waiting = partial(_one_of_several, url, load, begin)
        return list(pool.map(waiting, [f"{turn}-{nth}" for nth in range(processes)]))


def _one_of_several(url: str, load: Load, begin: float, turn: str) -> Bought:
    from service.gateways.memory import MemoryTestGateway

    return asyncio.run(_run(url, load, turn, MemoryTestGateway(), begin))


async def _run(
    url: str, load: Load, turn: str, gateway: PaymentGateway | None, begin: float | None = None
) -> Bought:
    settings = Settings(database_url=url, allow_test_gateway=True)
    async with open_async_system(settings, gateway=gateway) as system:
        warming = msgspec.structs.replace(load, seconds=WARM_UP)
        await _bought(system.service, warming, f"{turn}-warm", None)
        return await _bought(system.service, load, turn, begin)


async def _bought(service: BillingService, load: Load, turn: str, begin: float | None) -> Bought:
    """Open the accounts that will be needed, then buy."""
    callers = [_Caller(service, load, f"{turn}-{nth}", turn) for nth in range(load.callers)]
    for caller in callers[:1] if load.hot else callers:
        await caller.open()
    if begin is not None:
        await asyncio.sleep(max(0.0, begin - time.time()))
    at, spent = time.perf_counter(), time.process_time()
    await asyncio.gather(*[caller.buy(at + load.seconds) for caller in callers])
    took, spent = time.perf_counter() - at, time.process_time() - spent
    waits = [wait for caller in callers for wait in caller.waits]
    p50, p99 = p50_and_p99(waits)
    return Bought(len(waits) / took, p50, p99, spent / len(waits) * 1e6)


class _Caller:
    """Buys one thing after the other, and begins the next as soon as it is answered."""

    def __init__(self, service: BillingService, load: Load, name: str, turn: str) -> None:
        self._service = service
        self._hot = load.hot
        accounts = cycle([f"bench/{turn}"]) if load.hot else (f"bench/{name}-{nth}" for nth in count())
        self._accounts: Iterator[str] = accounts
        self._opened: list[str] = []
        self._expected = 1 if load.hot else max(4, int(load.seconds * 8_000 / load.callers / len(BOUGHT)))
        self.waits: list[float] = []

    async def open(self) -> None:
        """Open the accounts that it will buy for."""
        names = [next(self._accounts) for _ in range(self._expected)]
        for first in range(0, len(names), _OPENED_AHEAD):
            batch = names[first : first + _OPENED_AHEAD]
            await asyncio.gather(*[self._service.handle(name, _request(_OPEN)) for name in batch])
        self._opened = names[::-1]

    async def buy(self, until: float) -> None:
        """Buy until then."""
        while time.perf_counter() < until:
            if self._hot:
                await self._buy(next(self._accounts), AGAIN, until)
                continue
            if not self._opened:
                await self.open()
            account = self._opened.pop()
            for command in BOUGHT:
                await self._buy(account, command, until)

    async def _buy(self, account: str, command: c.Command, until: float) -> None:
        began = time.perf_counter()
        if began > until:
            return
        given = await self._service.handle(account, _request(command), means=_TOKEN)
        assert given.answer.outcome == "accepted", given
        self.waits.append((time.perf_counter() - began) * 1000)


def _request(command: c.Command) -> c.Request:
    confirmed = command is not _OPEN
    return c.Request(command, _AT, "wall", "owner", None, confirmed, confirmed)
