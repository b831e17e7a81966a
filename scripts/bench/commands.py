"""Purchases by the service for servers: what a command costs beside an append of ours, and beside a peer that
saves twice.

A purchase is a command on the wall clock: it loads its account, decides, appends its intent, charges, and
appends what came of it.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Final

import msgspec
from msgspec.structs import replace

from prorata.settings import Settings
from scripts.bench import scratch as places
from scripts.bench import stock, stock_purchases
from scripts.bench.append import by_tasks, callers_of
from scripts.bench.measured import Measured, against, in_turns
from scripts.bench.purchasing import Bought, Load, load_catalogue, run, run_beside
from service.gateways.memory import MemoryTestGateway

APPENDS: Final = "our own asyncio appends of one event, as many callers"
MANY: Final = 64
DELAY: Final = 0.05
"""Seconds of the gateway that takes its time."""

PATIENT: Final = 512
"""Callers who wait for that gateway."""


class Waited(msgspec.Struct, frozen=True):
    """A rate, and what callers waited, in ms. `cpu`: µs of a purchase in a process of the service."""

    rate: float
    p50: float
    p99: float
    cpu: float = 0.0


def commands(*, callers: int, seconds: float, rounds: int) -> Iterator[Measured]:
    """Yield a line for each comparison."""
    with (
        places.database(Settings.of().database_url) as url,
        stock.opened(stock_purchases.Selling, url, callers, "uuid") as selling,
    ):
        load_catalogue(url)
        turns = count()

        def bought(load: Load, gateway: MemoryTestGateway | None) -> Waited:
            found = run(url, load, turn=f"{next(turns)}", gateway=gateway)
            return Waited(found.rate, found.p50, found.p99, found.cpu)

        usual = Load(callers, seconds)
        sides: dict[str, Callable[[], Waited]] = {
            "appends": lambda: _appends(url, next(turns), callers, seconds),
            "stock": lambda: Waited(*stock_purchases.run(selling, callers, seconds)),
            "purchases": lambda: bought(usual, MemoryTestGateway()),
            "many": lambda: bought(replace(usual, callers=MANY), MemoryTestGateway()),
            "durable": lambda: bought(usual, None),
            "delayed": lambda: bought(replace(usual, callers=PATIENT), MemoryTestGateway(delay=DELAY)),
            "two": lambda: _together(run_beside(url, usual, 2, turn=f"{next(turns)}")),
            "one": lambda: _together(run_beside(url, usual, 1, turn=f"{next(turns)}")),
        }
        found = in_turns(sides, rounds)
        about = {"callers": callers, "seconds a round": seconds, "a commit alone, ms": places.commit_ms(url)}
    yield from _lines(found, about)


def _lines(found: Mapping[str, list[Waited]], about: Mapping[str, object]) -> Iterator[Measured]:
    line = partial(_line, found)
    yield line("purchases", "purchases", "appends", APPENDS, about)
    yield line("purchases", "purchases", "stock", stock_purchases.NAME, about)
    many = {**about, "callers": MANY}
    yield line(f"purchases, {MANY} callers", "many", "purchases", f"{about['callers']} callers", many)
    yield line("purchases, durable test gateway", "durable", "purchases", "gateway in process", about)
    delayed = {**about, "callers": PATIENT, "delay, ms": DELAY * 1000}
    yield line("purchases, gateway with a delay", "delayed", "purchases", "gateway without delay", delayed)
    cpu = {side: round(statistics.median([each.cpu for each in found[side]])) for side in ("one", "two")}
    processes = {**about, "µs of a purchase, one": cpu["one"], "two": cpu["two"]}
    yield line("purchases, two processes", "two", "one", "one process", processes)


def _line(
    found: Mapping[str, list[Waited]],
    name: str,
    ours: str,
    peer: str,
    peer_is: str,
    about: Mapping[str, object],
) -> Measured:
    rates = [[each.rate for each in found[side]] for side in (ours, peer)]
    measured = against(name, "commands/s", *rates, peer_is=peer_is, about=about)
    return with_waits(measured, found[ours])


def with_waits(measured: Measured, rounds: Sequence[Waited] | Sequence[Bought]) -> Measured:
    """The line with what callers of ours waited, medians over the rounds."""
    p50, p99 = (
        round(statistics.median(figures), 2)
        for figures in ([each.p50 for each in rounds], [each.p99 for each in rounds])
    )
    return replace(measured, p50_ms=p50, p99_ms=p99)


def _appends(url: str, turn: int, callers: int, seconds: float) -> Waited:
    found = asyncio.run(by_tasks(url, callers_of(turn, callers), seconds))
    return Waited(found.rate, found.p50, found.p99)


def _together(processes: Sequence[Bought]) -> Waited:
    rate = sum(each.rate for each in processes)
    cpu = sum(each.rate * each.cpu for each in processes) / rate
    return Waited(rate, max(p.p50 for p in processes), max(p.p99 for p in processes), cpu)
