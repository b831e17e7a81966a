"""Durable appends of single events by many callers at once.

Measured in turns: the package's recorder called by threads, pgbench's plain INSERTs, UmaDB's conditional
appends, our group commit for asyncio and for threads. Each caller waits for its answer before it appends its
account's next event.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from itertools import count
from typing import Final
from uuid import uuid4

import msgspec
import psycopg
from msgspec.structs import replace

from eventlog import Head, NewEvent
from eventlog.group_commit.asyncio import GroupedAppends
from eventlog.group_commit.threads import GroupedEventLog
from eventlog.postgres.log import PostgresEventLog
from prorata.settings import Settings
from scripts.bench import pgbench, stock, uma
from scripts.bench import scratch as places
from scripts.bench.measured import Measured, against, in_turns, p50_and_p99
from scripts.bench.pgbench import Inserts, Pgbench
from scripts.bench.uma import UmaServer
from scripts.bench.workload import STORIES, bytes_per_event, stories

WARM_UP: Final = 5
"""Appends of each caller before the measurement, which make connections and prepare statements."""

_OURS, _THREADS = "ours", "ours, threads"


class Round(msgspec.Struct, frozen=True):
    """A round's figures: events a second, events stored in all, and how long callers waited, in ms."""

    rate: float
    stored: int = 0
    p50: float = 0.0
    p99: float = 0.0


def append(*, callers: int, seconds: float, rounds: int) -> Iterator[Measured]:
    """Yield a line for each peer, and two on how long callers waited."""
    with (
        places.database(Settings.of().database_url) as url,
        stock.stock_application(url, callers) as application,
        uma_server(url) as uma_db,
    ):
        turns = count()
        sides: dict[str, Callable[[], Round]] = {
            stock.NAME: lambda: _stock(application, callers_of(next(turns), callers), seconds),
            **_inserts(url, callers, seconds),
            **_of_uma_db(uma_db, lambda: callers_of(next(turns), callers), seconds),
            _OURS: lambda: asyncio.run(by_tasks(url, callers_of(next(turns), callers), seconds)),
            _THREADS: lambda: _threads(url, callers_of(next(turns), callers), seconds),
        }
        found = in_turns(sides, rounds)
        check(url, found, uma_db)
        about = {"callers": callers, "seconds a round": seconds, "a commit alone, ms": places.commit_ms(url)}
    yield from _lines(found, about)


class Caller:
    """A caller that appends the next event of an account as soon as the one before is stored."""

    def __init__(self, turn: int, nth: int) -> None:
        self._events = _histories(turn, nth)
        self._head = Head.NONE
        self.waits: list[float] = []

    def next(self) -> tuple[str, Head, NewEvent]:
        account, is_first, event = next(self._events)
        return account, Head.NONE if is_first else self._head, replace(event, event_id=uuid4())

    def stored(self, began: float, head: Head) -> None:
        self.waits.append(time.perf_counter() - began)
        self._head = head


def callers_of(turn: int, callers: int) -> list[Caller]:
    """Callers with accounts of their own; of each turn others."""
    return [Caller(turn, nth) for nth in range(callers)]


def _histories(turn: int, caller: int) -> Iterator[tuple[str, bool, NewEvent]]:
    """Yield events of the caller's own accounts in order, with whether each is its account's first."""
    for nth in count():
        account = f"bench/{turn}-{caller}-{nth}"
        for place, event in enumerate(stories()[(caller + nth) % STORIES]):
            yield account, place == 0, event


def _stock(application: stock.StockBilling, callers: list[Caller], seconds: float) -> Round:
    def append(account: str, head: Head, event: NewEvent) -> Head:
        version = head.version + 1
        application.recorder.insert_events([stock.as_stock(account, version, event)])
        return Head(version, head.hash, None)

    return _in_threads(callers, append, seconds)


@contextmanager
def uma_server(url: str) -> Iterator[UmaServer | None]:
    """UmaDB on the database's disk; None if it is not installed."""
    if not uma.is_there():
        yield None
        return
    with UmaServer(uma.beside(url)) as server:
        yield server


def _of_uma_db(
    server: UmaServer | None, callers: Callable[[], list[Caller]], seconds: float
) -> dict[str, Callable[[], Round]]:
    if server is None:
        return {}
    at = server.appending()

    def append(account: str, head: Head, event: NewEvent) -> Head:
        return Head(at(account, head.version, event), b"", None)

    return {uma.NAME: lambda: _in_threads(callers(), append, seconds)}


def _threads(url: str, callers: list[Caller], seconds: float) -> Round:
    with closing(PostgresEventLog(url)) as plain:
        log = GroupedEventLog(plain)

        def append(account: str, head: Head, event: NewEvent) -> Head:
            [stored] = log.append(account, head, [event])
            return stored.head

        return _in_threads(callers, append, seconds)


def _in_threads(
    callers: list[Caller], append: Callable[[str, Head, NewEvent], Head], seconds: float
) -> Round:
    def call(enough: Callable[[int], bool], caller: Caller) -> None:
        before = len(caller.waits)
        while not enough(len(caller.waits) - before):
            account, head, event = caller.next()
            began = time.perf_counter()
            caller.stored(began, append(account, head, event))

    with ThreadPoolExecutor(len(callers)) as pool:
        list(pool.map(partial(call, lambda done: done >= WARM_UP), callers))
        began = time.perf_counter()
        list(pool.map(partial(call, lambda _: time.perf_counter() > began + seconds), callers))
        return _round(callers, time.perf_counter() - began)


async def by_tasks(url: str, callers: list[Caller], seconds: float) -> Round:
    """A round of asyncio tasks."""

    async def call(enough: Callable[[int], bool], caller: Caller) -> None:
        before = len(caller.waits)
        while not enough(len(caller.waits) - before):
            account, head, event = caller.next()
            began = time.perf_counter()
            [stored] = await door.append(account, head, [event])
            caller.stored(began, stored.head)

    async with GroupedAppends(url) as door:
        await asyncio.gather(*[call(lambda done: done >= WARM_UP, caller) for caller in callers])
        began = time.perf_counter()
        await asyncio.gather(
            *[call(lambda _: time.perf_counter() > began + seconds, caller) for caller in callers]
        )
        return _round(callers, time.perf_counter() - began)


def _round(callers: list[Caller], took: float) -> Round:
    waits = [wait * 1000 for caller in callers for wait in caller.waits[WARM_UP:]]
    p50, p99 = p50_and_p99(waits)
    return Round(len(waits) / took, sum(len(caller.waits) for caller in callers), p50, p99)


def _inserts(url: str, clients: int, seconds: float) -> dict[str, Callable[[], Round]]:
    """The sides that pgbench runs; none if it is not installed."""
    program, size = Pgbench.found(), round(bytes_per_event())
    if program is None:
        return {}
    sides: dict[str, Callable[[], Round]] = {}
    for inserts in pgbench.ALL:
        pgbench.prepare(url, inserts)
        run = partial(program.inserts, url, inserts, size=size, clients=clients, seconds=seconds)
        sides[_named(inserts)] = partial(_plain, run)
    return sides


def _plain(run: Callable[[], float]) -> Round:
    return Round(run())


def _named(inserts: Inserts) -> str:
    return f"{pgbench.NAME}, {inserts.name}"


def check(url: str, found: Mapping[str, list[Round]], uma_db: UmaServer | None) -> None:
    """Assert that each side holds exactly the events that were acknowledged."""
    if uma_db is not None and (held := uma_db.last_position()) != sum(r.stored for r in found[uma.NAME]):
        raise RuntimeError(f"UmaDB holds {held} events, and others were answered")
    answered = {
        "public.events": sum(r.stored for side in (_OURS, _THREADS) for r in found[side]),
        f"public.{stock.TABLE}": sum(r.stored for r in found[stock.NAME]),
    }
    with psycopg.connect(url) as connection:
        for table, events in answered.items():
            [[held]] = connection.execute(f"select count(*) from {table}").fetchall()  # noqa: S608 - constants
            if held != events:
                raise RuntimeError(f"{table} holds {held} events, and {events} were answered")


def _lines(found: Mapping[str, list[Round]], about: Mapping[str, object]) -> Iterator[Measured]:
    line = partial(
        against, events=sum(r.stored for r in found[_OURS]), bytes_per_event=bytes_per_event(), about=about
    )
    rates = {side: [r.rate for r in rounds] for side, rounds in found.items()}
    for peer in (stock.NAME, *map(_named, pgbench.ALL), uma.NAME):
        peer_is = peer if peer in rates else f"{peer}: not found"
        yield line("append", "events/s", rates[_OURS], rates.get(peer), peer_is=peer_is)
    yield line("append by threads", "events/s", rates[_THREADS], rates[stock.NAME], peer_is=stock.NAME)
    waits: tuple[tuple[str, Callable[[Round], float]], ...] = (
        ("append p50", lambda r: r.p50),
        ("append p99", lambda r: r.p99),
    )
    for name, of in waits:
        ours, theirs = ([of(r) for r in found[side]] for side in (_OURS, stock.NAME))
        yield line(name, "ms", ours, theirs, peer_is=stock.NAME, lower_is_better=True)
