"""Fill the empty tables of a rebuild: fold each account's events up to the position given for its shard.

    with filling(database_url, projection, untils, codec, processes=2) as finished:
        for events in finished:           # after each unit of this process: the events folded in it

A unit is a span of accounts. Its rows, its parked accounts and the note that it is done are one transaction.
Each process takes the next free unit; the unit of one that dies becomes free again.
Memory holds the events being streamed, one account's state and a batch of documents, however long the log is.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import msgspec

from eventlog import shard_of
from eventlog.codec import Codec, domain_codec
from eventlog.garbage_collection import without_garbage_collection
from eventlog.history import AccountRange, HistoryChunk
from eventlog.postgres.account_stream import SETTINGS, histories
from eventlog.postgres.connect import connect
from eventlog.postgres.log import PostgresEventLog
from projections.histories import fold_accounts
from projections.live.parking import EventFailure, park, put_accepted
from projections.rebuild import units
from projections.states import documents_of, from_start, stream
from projections.tables import Connection, Projection

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

_NAME: Final = "prorata rebuild"

T = TypeVar("T")

logger = logging.getLogger(__name__)

PAGE: Final = 5_000
"""The most events that a statement reads, and that are folded at once for one account."""

BATCH: Final = 2_000
"""The number of documents after which they are copied into the tables."""


@contextmanager
def filling(
    database_url: str, projection: Projection, untils: Sequence[int], codec: Codec[Any], processes: int
) -> Iterator[Iterator[int]]:
    """Do units in this process and `processes - 1` others until all are done. If the block is left early, the
    units under way in the others are undone, and the finished ones stay.

    `untils`: for each shard the position up to which (inclusive) its accounts are folded; everything up to
    there is settled. The other processes decode with the domain's codec.
    """
    others = _processes(processes - 1, (database_url, projection, list(untils))) if processes > 1 else []
    try:
        if others:
            _start(others)
        with without_garbage_collection(), _Filler(database_url, projection, untils, codec) as filler:
            yield filler.units()
    finally:
        for other in others:
            if other.pid is not None:
                other.terminate()
                other.join()


def _processes(number: int, arguments: tuple[object, ...]) -> list[SpawnProcess]:
    from multiprocessing import get_context  # slow to import, and not needed for one process

    new = get_context("spawn").Process
    return [new(target=_work, args=arguments, daemon=True) for _ in range(number)]


def _start(processes: Sequence[SpawnProcess]) -> None:
    """Start the processes with SIGINT blocked: Ctrl-C reaches them too, but their parent decides when they
    end."""
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # else the first process starts it, which unblocks SIGINT
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        for process in processes:
            process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(database_url: str, projection: Projection, untils: Sequence[int]) -> None:
    """Do units in a child process, which ends when its parent does."""
    from multiprocessing import parent_process

    def end_with_parent() -> None:
        parent = parent_process()
        assert parent is not None
        parent.join()
        os._exit(1)

    Thread(target=end_with_parent, daemon=True).start()
    gc.disable()
    try:
        with _Filler(database_url, projection, untils, domain_codec()) as filler:
            for _ in filler.units():
                pass
    except Exception as error:  # noqa: BLE001 - the parent does the unit, and reports the error
        logger.warning("a process of the rebuild of %s gave up: %s", projection.fold.name, error)


class _Batch(msgspec.Struct, frozen=True):
    """The documents of some accounts, and the failures that stopped accounts among them."""

    documents: list[Any]
    failures: list[EventFailure]


class _Filler:
    """Does one unit after another: it reads on one connection while it writes on another."""

    def __init__(
        self, database_url: str, projection: Projection, untils: Sequence[int], codec: Codec[Any]
    ) -> None:
        self._database_url = database_url
        self._projection = projection
        self._untils = untils
        self._codec = codec
        with ExitStack() as stack:
            self._reads: Connection = stack.enter_context(connect(database_url, _NAME, settings=SETTINGS))
            # A crash of the server may lose the last units: rows and note together, so they are done again.
            self._writes: Connection = stack.enter_context(
                connect(database_url, _NAME, settings={"synchronous_commit": "off"})
            )
            self._writer = stack.enter_context(ThreadPoolExecutor(1))
            self._log: PostgresEventLog | None = None
            self._events = 0
            self._open = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Pass the error on: a connection left in the middle of a statement must not commit.
        self._open.__exit__(kind, error, trace)

    def units(self) -> Iterator[int]:
        """Do the free units, then those that other processes have given up; yield each one's number of
        events."""
        for wait in (False, True):
            while (unit := self._next(wait=wait)) is not None:
                yield unit

    def _next(self, *, wait: bool) -> int | None:
        """Do a unit in one transaction and return its number of events; None if there is none to do."""
        name, self._events = self._projection.fold.name, 0
        with self._writes.transaction():
            claimed = units.claim(self._writes, name, wait=wait)
            if claimed is None:
                return None
            _overlapped(self._writer, self._write, self._batches(claimed.span))
            units.finish(self._writes, name, claimed.unit, self._events)
        return self._events

    def _write(self, batch: _Batch) -> None:
        copy = partial(self._projection.copy, self._writes)
        for failure in (*batch.failures, *put_accepted(self._writes, copy, batch.documents)):
            park(self._writes, self._projection.name, failure)

    def _batches(self, span: AccountRange) -> Iterator[_Batch]:
        """Fold the accounts of the span, and yield their documents and failures in batches."""
        documents: list[Any] = []
        failures: list[EventFailure] = []
        for folded in fold_accounts(self._projection.fold, self._codec, self._chunks(span)):
            if folded.documents is not None:
                documents += folded.documents
            else:
                made, failure = self._fold_slowly(folded.account_id)
                documents += made
                failures += [] if failure is None else [failure]
            if len(documents) >= BATCH:
                yield _Batch(documents, failures)
                documents, failures = [], []
        yield _Batch(documents, failures)

    def _chunks(self, span: AccountRange) -> Iterator[HistoryChunk]:
        places = not self._projection.fold.evolution.last_place
        for chunk in histories(self._reads, span, self._untils, page=PAGE, places=places):
            self._events += len(chunk)
            yield chunk

    def _fold_slowly(self, account_id: str) -> tuple[tuple[Any, ...], EventFailure | None]:
        """Fold event by event, as a projector does, and name the event that fails."""
        if self._log is None:
            self._log = PostgresEventLog(self._database_url, _NAME, connections=1)
            self._open.callback(self._log.close)
        readings = stream(self._log, self._codec, account_id, until=self._untils[shard_of(account_id)])
        folded = from_start(self._projection.fold.evolution, readings)
        return documents_of(self._projection.fold, account_id, folded)


def _overlapped(thread: ThreadPoolExecutor, work: Callable[[T], None], items: Iterable[T]) -> None:
    """Run the work on each item in the thread while the next item is made here."""
    under_way: Future[None] | None = None
    try:
        for item in items:
            if under_way is not None:
                under_way.result()
            under_way = thread.submit(work, item)
    finally:  # also after an error: the work under way still uses the connection
        if under_way is not None:
            under_way.result()
