"""The rate at which every event of the log is read and decoded.

Ours is read in three ways: streamed in order; in order by pages with all columns, as followers do that check
the chain; and history after history, as a rebuild does. The peers read the package's notifications in pages
of the same size, decoded by our codec, or by the package's mapper and JSON transcoder.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from functools import partial
from multiprocessing import get_context
from typing import Any, Final, TypeAlias

from eventsourcing.application import Application

from domain.events import Event
from eventlog import SHARDS
from eventlog.codec import domain_codec
from eventlog.garbage_collection import without_garbage_collection
from eventlog.history import EVERY_ACCOUNT, AccountRange
from eventlog.postgres.account_stream import SETTINGS, histories, spans
from eventlog.postgres.log import PostgresEventLog
from prorata.settings import Settings
from scripts.bench import generate, stock
from scripts.bench import scratch as places
from scripts.bench import stock_as_shipped as shipped
from scripts.bench.measured import Measured, against, in_turns, warmed
from scripts.bench.stock_as_shipped import Shipped
from scripts.bench.workload import bytes_per_event

PAGE: Final = 10_000
"""Events in a page, on both sides."""

_OfShards: TypeAlias = Callable[[PostgresEventLog, range | None], Iterator[list[Event]]]

_OUR_CODEC: Final = f"{stock.NAME} with our codec"
_PEERS: Final = (_OUR_CODEC, shipped.NAME)
_IN_ORDER, _ALL_COLUMNS, _HISTORIES = "in order", "in order, all columns", "histories"


def read(*, events: int, rounds: int, workers: int) -> Iterator[Measured]:
    """Yield a line for each way and each peer, with one process and with `workers`. The peers always have
    one: an application sequence of the package cannot be divided."""
    with places.database(Settings.of().database_url) as url:
        generate.fill(url, events, workers=workers)
        with (
            stock.stock_application(url) as with_our_codec,
            stock.opened(Shipped, url) as as_it_ships,
            closing(PostgresEventLog(url)) as log,
            ProcessPoolExecutor(workers, get_context("spawn")) as pool,
        ):
            stock.fill(with_our_codec, events)
            stock.fill(as_it_ships, events, stored=as_it_ships.stored)
            ways: dict[tuple[str, int], Callable[[], int]] = {
                (_OUR_CODEC, 1): lambda: _counted(stock_pages(with_our_codec)),
                (shipped.NAME, 1): lambda: _counted(stock_pages(as_it_ships)),
                (_IN_ORDER, 1): lambda: _counted(in_order(log)),
                (_ALL_COLUMNS, 1): lambda: _counted(pages(log)),
                (_HISTORIES, 1): lambda: _counted(of_histories(log)),
            }
            if workers > 1:
                list(pool.map(warmed, range(workers)))
                ways[_IN_ORDER, workers] = lambda: _shards_shared(in_order, pool, url, workers)
                ways[_ALL_COLUMNS, workers] = lambda: _shards_shared(pages, pool, url, workers)
                ways[_HISTORIES, workers] = lambda: _histories_shared(pool, url, workers)
            found = in_turns({way: partial(_rate, events, work) for way, work in ways.items()}, rounds)
        peers = {peer: found.pop((peer, 1)) for peer in _PEERS}
        for (name, processes), ours in found.items():
            for peer, theirs in peers.items():
                yield against(
                    f"read and decode, {name}",
                    "events/s",
                    ours,
                    theirs,
                    peer_is=peer,
                    events=events,
                    bytes_per_event=bytes_per_event(),
                    about={"workers": processes, "page": PAGE},
                )


def in_order(log: PostgresEventLog, shards: range | None = None) -> Iterator[list[Event]]:
    """Yield the events of the log, or of some shards, in order."""
    codec = domain_codec()
    for block in log.in_order(shards=shards, page=PAGE):
        yield codec.decode_all(block.kinds, block.states)


def pages(log: PostgresEventLog, shards: range | None = None) -> Iterator[list[Event]]:
    """Yield the same events, read in pages of whole rows."""
    codec, after = domain_codec(), 0
    while page := log.read_settled(after, PAGE, shards):
        yield codec.read_all(page)
        after = page[-1].position


def of_histories(log: PostgresEventLog, span: AccountRange = EVERY_ACCOUNT) -> Iterator[list[Event]]:
    """Yield the events of these accounts, account after account."""
    codec, untils = domain_codec(), [log.last_position()] * SHARDS
    with closing(log.connect(SETTINGS)) as connection:
        for chunk in histories(connection, span, untils, page=PAGE):
            yield codec.decode_all(chunk.kinds, chunk.states)


def stock_pages(application: Application[str]) -> Iterator[list[Any]]:
    """Yield every event in order, from the package's recorder and the application's mapper."""
    after = 0
    while page := application.recorder.select_notifications(after, PAGE, inclusive_of_start=False):
        yield [application.mapper.to_domain_event(notified) for notified in page]
        after = page[-1].id


def _rate(events: int, work: Callable[[], int]) -> float:
    began = time.perf_counter()
    done = work()
    took = time.perf_counter() - began
    if done != events:
        raise RuntimeError(f"{done} of {events} events were read")
    return events / took


def _counted(found: Iterator[list[Any]]) -> int:
    gc.collect()
    with without_garbage_collection():
        return sum(map(len, found))


def _shards_shared(way: _OfShards, pool: ProcessPoolExecutor, url: str, workers: int) -> int:
    bounds = [SHARDS * nth // workers for nth in range(workers + 1)]
    return sum(pool.map(partial(_read_shards, way, url), bounds, bounds[1:]))


def _read_shards(way: _OfShards, url: str, first: int, end: int) -> int:
    with closing(PostgresEventLog(url, connections=1)) as log:
        return _counted(way(log, range(first, end)))


def _histories_shared(pool: ProcessPoolExecutor, url: str, workers: int) -> int:
    with closing(PostgresEventLog(url)) as log, closing(log.connect()) as connection:
        shares = spans(connection, log.last_position(), workers)
    return sum(pool.map(partial(_read_histories, url), shares))


def _read_histories(url: str, span: AccountRange) -> int:
    with closing(PostgresEventLog(url, connections=1)) as log:
        return _counted(of_histories(log, span))
