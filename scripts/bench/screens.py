"""The shop page as an API asks for it: the account at its log's head, and as JSON what it can buy now and
what that would cost today. People look at a page more often than it changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

import msgspec

from domain import commands as c
from prorata.cli.account.present import Looked
from prorata.settings import Settings
from prorata.shop_pages import ShopPages, Told
from prorata.wiring import AsyncSystem, open_async_system
from scripts.bench import scratch as places
from scripts.bench.commands import Waited, with_waits
from scripts.bench.measured import Measured, against, in_turns, p50_and_p99
from scripts.bench.purchasing import load_catalogue
from service.clock import checked_now
from service.gateways.memory import MemoryTestGateway
from service.gateways.port import Confirmation

ANEW: Final = "each page made anew"
HELD: Final[tuple[c.Command, ...]] = (c.PurchasePlan("standard"), c.PurchaseAddon("custom_domain"))


def screens(*, accounts: int, callers: int, seconds: float, rounds: int) -> Iterator[Measured]:
    """Yield a line for pages that are asked for again, beside pages that are made anew each time."""
    with places.database(Settings.of().database_url) as url:
        load_catalogue(url)
        names = asyncio.run(_opened(url, accounts))

        def asked(*, kept: bool) -> Waited:
            return asyncio.run(_asked(url, names, callers, seconds, kept=kept))

        sides: dict[str, Callable[[], Waited]] = {
            "kept": lambda: asked(kept=True),
            "anew": lambda: asked(kept=False),
        }
        found = in_turns(sides, rounds)
    rates = {side: [each.rate for each in of_side] for side, of_side in found.items()}
    about = {"accounts": accounts, "callers": callers, "seconds a round": seconds}
    line = against("shop page", "pages/s", rates["kept"], rates["anew"], peer_is=ANEW, about=about)
    yield with_waits(line, found["kept"])
    yield with_waits(against(f"shop page, {ANEW}", "pages/s", rates["anew"], about=about), found["anew"])


async def _opened(url: str, accounts: int) -> list[str]:
    """Accounts with a plan and an add-on."""
    names = [f"s{nth}" for nth in range(accounts)]
    async with open_async_system(Settings(database_url=url), gateway=MemoryTestGateway()) as system:
        for command in (c.OpenAccount("EUR", "Europe/Paris", "wall"), *HELD):
            confirmed = command in HELD
            request = c.Request(command, datetime.now(UTC), "wall", "owner", None, confirmed, confirmed)
            means = Confirmation("tok_bench")
            await asyncio.gather(
                *[system.service.handle(f"main/{name}", request, means=means) for name in names]
            )
    return names


async def _asked(url: str, names: list[str], callers: int, seconds: float, *, kept: bool) -> Waited:
    async with open_async_system(Settings(database_url=url), gateway=MemoryTestGateway()) as system:
        pages, waits = ShopPages(), list[float]()
        for name in names:
            await _page(system, pages, name, kept=kept)

        async def call(first: int, until: float) -> None:
            nth = first
            while (began := time.perf_counter()) < until:
                body = await _page(system, pages, names[nth % len(names)], kept=kept)
                assert body.startswith(b'{"account":')
                waits.append((time.perf_counter() - began) * 1000)
                nth += callers

        begin, spent = time.perf_counter(), time.process_time()
        await asyncio.gather(*[call(first, begin + seconds) for first in range(callers)])
        took, spent = time.perf_counter() - begin, time.process_time() - spent
        p50, p99 = p50_and_p99(waits)
        return Waited(len(waits) / took, p50, p99, spent / len(waits) * 1e6)


async def _page(system: AsyncSystem, pages: ShopPages, name: str, *, kept: bool) -> bytes:
    state = await system.service.account(f"main/{name}")
    assert state is not None
    now = await checked_now(system.clock, system.off_loop)
    if not system.catalogues.knows(state):
        await system.off_loop(lambda: system.catalogues.look(state))
    look = Looked(name, state, max(now, state.last_at), system.catalogues.series_for(state))
    told: Told | None = pages.kept(look, "en") if kept else None
    return msgspec.json.encode(look.heading | (told or pages.made(look, "en")))
