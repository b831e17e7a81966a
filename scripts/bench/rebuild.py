"""The rate at which a read model is rebuilt from the whole log.

The peer rebuilds by running its runner on an empty view. It is measured on the log's first events, since its
rate does not depend on how many follow.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from functools import partial
from multiprocessing import get_context
from typing import Final

import msgspec

from eventlog.postgres.log import PostgresEventLog
from projections.rebuild.rebuilding import rebuild as rebuilt
from projections.registry import FOLDS, projection_named
from prorata.settings import Settings
from scripts.bench import generate, stock
from scripts.bench import scratch as places
from scripts.bench.measured import Measured, against, in_turns
from scripts.bench.workload import bytes_per_event

FIRST_PART: Final = 1_000_000
"""A longer log is also measured up to this number of events: the rate must not fall with length."""


class RebuildRun(msgspec.Struct, frozen=True):
    """A rebuild's events a second, and its peak memory of a process in MB."""

    rate: float
    memory: float = 0.0


def rebuild(
    *, events: int, peer_events: int, rounds: int, workers: int, projection: str
) -> Iterator[Measured]:
    """Yield a line for one process and one for `workers`, and for a long log one on the cost of its
    length."""
    with places.database(Settings.of().database_url) as url:
        with stock.stock_application(url) as application:
            stock.fill(application, peer_events)
        lengths = [FIRST_PART, events] if events > FIRST_PART else [events]
        rates: dict[int, list[float]] = {}
        held = 0
        for length in lengths:
            tenant = f"bench{length}"
            generate.fill(url, length - held, tenant=tenant, workers=workers)
            held = length
            found = in_turns(_sides(url, length, peer_events, workers, projection), rounds)
            yield from _lines(found, length, workers, projection)
            rates[length] = [run.rate for run in found[f"{workers}"]]
        if len(lengths) > 1:
            yield against(
                f"rebuild {projection}, long against short",
                "events/s",
                rates[events],
                rates[FIRST_PART],
                peer_is=f"ours at {FIRST_PART} events",
                events=events,
                bytes_per_event=bytes_per_event(),
                about={"workers": workers},
            )


def _sides(
    url: str, events: int, peer_events: int, workers: int, projection: str
) -> dict[str, Callable[[], RebuildRun]]:
    sides: dict[str, Callable[[], RebuildRun]] = {
        stock.NAME: lambda: RebuildRun(stock.project(url, peer_events, [FOLDS[projection]])[0])
    }
    for processes in sorted({1, workers}):
        sides[f"{processes}"] = partial(_apart, url, projection, events, processes)
    return sides


def _apart(url: str, projection: str, events: int, processes: int) -> RebuildRun:
    """Rebuild in a fresh process, so that its peak memory is the rebuild's."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(_rebuilt, url, projection, events, processes).result()


def _rebuilt(url: str, projection: str, events: int, processes: int) -> RebuildRun:
    with closing(PostgresEventLog(url)) as log:
        began = time.perf_counter()
        for difference in rebuilt(url, log, projection_named(projection), swap=False, processes=processes):
            raise RuntimeError(f"a rebuild of nothing live found {difference}")
        took = time.perf_counter() - began
    usage = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return RebuildRun(events / took, usage / 1024)


def _lines(
    found: dict[str, list[RebuildRun]], events: int, workers: int, projection: str
) -> Iterator[Measured]:
    for processes in sorted({1, workers}):
        ours = found[f"{processes}"]
        yield against(
            f"rebuild {projection}",
            "events/s",
            [run.rate for run in ours],
            [run.rate for run in found[stock.NAME]],
            peer_is=stock.NAME,
            events=events,
            bytes_per_event=bytes_per_event(),
            about={"workers": processes, "MB a process": round(max(run.memory for run in ours))},
        )
