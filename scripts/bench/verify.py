"""The rate at which the hash chains of all accounts are checked. There is no peer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

from eventlog.audit.verify import verify_database
from prorata.settings import Settings
from scripts.bench import generate
from scripts.bench import scratch as places
from scripts.bench.measured import Measured, against, in_turns
from scripts.bench.workload import bytes_per_event


def verify(*, events: int, rounds: int, workers: int) -> Iterator[Measured]:
    """Yield a line for one process, and one for `workers` if those are more."""
    with places.database(Settings.of().database_url) as url:
        generate.fill(url, events, workers=workers)
        sides: dict[int, Callable[[], float]] = {
            processes: partial(_rate, url, events, processes) for processes in sorted({1, workers})
        }
        for processes, rates in in_turns(sides, rounds).items():
            yield against(
                "verify",
                "events/s",
                rates,
                events=events,
                bytes_per_event=bytes_per_event(),
                about={"workers": processes},
            )


def _rate(url: str, events: int, processes: int) -> float:
    began = time.perf_counter()
    report = verify_database(url, workers=processes)
    took = time.perf_counter() - began
    if report.events != events or not report.whole:
        raise RuntimeError(f"{report.events} of {events} events were verified: {report}")
    return events / took
