"""The rate at which all read models follow the log.

Ours are projectors that start at the log's beginning. The peer is the package's projection runner with the
same folds, which commits each event with its tracking in its own transaction.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from functools import partial
from multiprocessing import get_context
from typing import Final

from eventlog.postgres.log import PostgresEventLog
from projections.live.lanes import LANES
from projections.live.projector import Counts, Projector
from projections.registry import FOLDS, PROJECTIONS
from prorata.settings import Settings
from scripts.bench import generate, stock
from scripts.bench import scratch as places
from scripts.bench.measured import Measured, against, in_turns, warmed
from scripts.bench.workload import bytes_per_event

_WITHOUT_WAITING: Final = f"{stock.NAME}, synchronous_commit off"


def live(*, events: int, peer_events: int, rounds: int, workers: int) -> Iterator[Measured]:
    """Yield lines for one process and for `workers`, next to the peer as shipped, and to the peer without
    waiting for the disk, as ours does not wait either."""
    with places.database(Settings.of().database_url) as filled:
        generate.fill(filled, events)
        with stock.stock_application(filled) as application:
            stock.fill(application, peer_events)
        sides: dict[str | int, Callable[[], float]] = {
            stock.NAME: lambda: stock_rate(filled, peer_events),
            _WITHOUT_WAITING: lambda: stock_rate(filled, peer_events, synchronous_commit="off"),
        }
        processes = sorted({1, workers})
        for each in processes:
            sides[each] = partial(our_rate, filled, events, each)
        found = in_turns(sides, rounds)
    for each in processes:
        for peer in (stock.NAME, _WITHOUT_WAITING):
            yield against(
                "live",
                "events/s",
                found[each],
                found[peer],
                peer_is=peer,
                events=events,
                bytes_per_event=bytes_per_event(),
                about={"workers": each, "read models": len(FOLDS), "the peer's events": peer_events},
            )


def our_rate(filled: str, events: int, workers: int) -> float:
    """Events a second of this number of projectors, each with its lanes, on a copy of the database."""
    with places.copy(filled) as url:
        done, took = _here(url) if workers == 1 else _in_processes(url, workers)
    if done.events != events or done.parked:
        raise RuntimeError(f"{done.events} of {events} events were projected, {done.parked} accounts parked")
    return events / took


def stock_rate(filled: str, events: int, **settings: str) -> float:
    """Events a second of the package's runner, on a copy of the database."""
    with places.copy(filled, **settings) as url:
        rate, _ = stock.project(url, events, list(FOLDS.values()))
        return rate


def _here(url: str) -> tuple[Counts, float]:
    began = time.perf_counter()
    done = _follow(url, 0, LANES)
    return done, time.perf_counter() - began


def _in_processes(url: str, workers: int) -> tuple[Counts, float]:
    bounds = [LANES * nth // workers for nth in range(workers + 1)]
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        list(pool.map(warmed, range(workers)))
        began = time.perf_counter()
        done = sum(pool.map(partial(_follow, url), bounds, bounds[1:]), Counts())
        return done, time.perf_counter() - began


def _follow(url: str, first: int, end: int) -> Counts:
    with (
        closing(PostgresEventLog(url)) as log,
        Projector(url, log, PROJECTIONS, lanes=range(first, end)) as projector,
    ):
        return projector.run_once()
