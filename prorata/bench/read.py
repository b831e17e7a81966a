"""`prorata bench read`: every event of the log read and decoded.

Ours in two ways: as followers read it, settled and in order, each row with all its columns, so that the chain
can be checked; and as a rebuild reads it, history after history. The peer: its notifications in pages of the
same size. All decode with the same codec.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from functools import partial
from multiprocessing import get_context
from typing import Final, cast

from domain.events import Event
from eventlog import SHARDS
from eventlog.codec import domain_codec
from eventlog.collecting import without_garbage_collection
from eventlog.histories import EVERY_ACCOUNT, Span, histories, spans
from eventlog.postgres import PostgresEventLog
from prorata.bench import generate, places, stock
from prorata.bench.measured import Measured, against, in_turns, warmed
from prorata.bench.stock import Recorded
from prorata.bench.workload import bytes_per_event
from prorata.settings import Settings

PAGE: Final = 10_000
"""Events in a page, on both sides."""

_IN_ORDER, _HISTORIES = "read and decode, in order", "read and decode, histories"


def read(*, events: int, rounds: int, workers: int) -> Iterator[Measured]:
    """A line for each way, with one process, and with `workers` where those are more. The peer has one: its
    application sequence cannot be shared out."""
    with places.database(Settings.of().database_url) as url:
        generate.fill(url, events, workers=workers)
        with (
            stock.stock_application(url) as application,
            closing(PostgresEventLog(url)) as log,
            ProcessPoolExecutor(workers, get_context("spawn")) as pool,
        ):
            stock.fill(application, events)
            ways: dict[tuple[str, int], Callable[[], int]] = {
                (stock.NAME, 1): lambda: _counted(stock_pages(application)),
                (_IN_ORDER, 1): lambda: _counted(pages(log)),
                (_HISTORIES, 1): lambda: _counted(history_pages(log)),
            }
            if workers > 1:
                list(pool.map(warmed, range(workers)))
                ways[_IN_ORDER, workers] = lambda: _orders_shared(pool, url, workers)
                ways[_HISTORIES, workers] = lambda: _histories_shared(pool, url, workers)
            found = in_turns({way: partial(_rate, events, work) for way, work in ways.items()}, rounds)
        peer = found.pop((stock.NAME, 1))
        for (name, processes), ours in found.items():
            yield against(
                name,
                "events/s",
                ours,
                peer,
                peer_is=stock.NAME,
                events=events,
                bytes_per_event=bytes_per_event(),
                about={"workers": processes, "page": PAGE},
            )


def pages(log: PostgresEventLog, shards: range | None = None) -> Iterator[list[Event]]:
    """The events of the log, or of some shards, in order."""
    codec, after = domain_codec(), 0
    while page := log.read_settled(after, PAGE, shards):
        yield [codec.read(stored) for stored in page]
        after = page[-1].position


def history_pages(log: PostgresEventLog, span: Span = EVERY_ACCOUNT) -> Iterator[list[Event]]:
    """The events of these accounts, account after account."""
    codec, untils = domain_codec(), [log.last_position()] * SHARDS
    with closing(log.connect()) as connection:
        for page in histories(connection, span, untils, page=PAGE):
            yield [
                codec.decode(*event)
                for chunk in page
                for event in zip(chunk.types, chunk.schema_versions, chunk.states, strict=True)
            ]


def stock_pages(application: stock.Billing) -> Iterator[list[Event]]:
    """Every event in order by the package's recorder and mapper."""
    after = 0
    while page := application.recorder.select_notifications(after, PAGE, inclusive_of_start=False):
        recorded = [cast(Recorded, application.mapper.to_domain_event(notified)) for notified in page]
        yield [each.event for each in recorded]
        after = page[-1].id


def _rate(events: int, work: Callable[[], int]) -> float:
    began = time.perf_counter()
    done = work()
    took = time.perf_counter() - began
    if done != events:
        raise RuntimeError(f"{done} of {events} events were read")
    return events / took


def _counted(found: Iterator[list[Event]]) -> int:
    gc.collect()
    with without_garbage_collection():
        return sum(map(len, found))


def _orders_shared(pool: ProcessPoolExecutor, url: str, workers: int) -> int:
    bounds = [SHARDS * nth // workers for nth in range(workers + 1)]
    return sum(pool.map(partial(_read_shards, url), bounds, bounds[1:]))


def _read_shards(url: str, first: int, end: int) -> int:
    with closing(PostgresEventLog(url, connections=1)) as log:
        return _counted(pages(log, range(first, end)))


def _histories_shared(pool: ProcessPoolExecutor, url: str, workers: int) -> int:
    with closing(PostgresEventLog(url)) as log, closing(log.connect()) as connection:
        shares = spans(connection, log.last_position(), workers)
    return sum(pool.map(partial(_read_histories, url), shares))


def _read_histories(url: str, span: Span) -> int:
    with closing(PostgresEventLog(url, connections=1)) as log:
        return _counted(history_pages(log, span))
