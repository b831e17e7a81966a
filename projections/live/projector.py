"""The projector: follows the log and keeps the tables of read models up to date.

    with Projector(database_url, log) as projector:
        projector.run_once()           # everything that is settled now
        projector.run(stop)            # until `stop` is set

A page of settled events is folded in memory; then the rows, the parked accounts and the checkpoints are
written in one transaction, which is undone if another projector has moved a checkpoint meanwhile. So after
any failure rows and checkpoints agree, and any number of projectors may run: two in one lane only waste work.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from threading import Event as Stop
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

import msgspec
import psycopg

from eventlog import EventLog, LogUnavailable
from eventlog.codec import Codec, domain_codec
from eventlog.garbage_collection import without_garbage_collection
from projections.live import checkpoints, runs
from projections.live.checkpoints import Checkpoint, LogPoint
from projections.live.lane_shares import Shares
from projections.live.lanes import ALL_LANES, lane_of
from projections.live.page_folding import FoldedPage, PageFolding
from projections.live.parking import (
    REFUSED,
    EventFailure,
    any_parked,
    park,
    parked,
    parked_among,
    unpark,
    write,
)
from projections.live.runs import LaneRun, Limits, RunChunk
from projections.live.sessions import Sessions
from projections.registry import ALL
from projections.states import checked, documents_of, from_start, stream
from projections.tables import Connection, Projection

logger = logging.getLogger(__name__)

PAGE: Final = 20_000
"""The most events folded in one transaction: however many events an account has there, its row is written
once."""

CACHED_ACCOUNTS: Final = 10_000
"""States kept in memory for each evolution; one takes a few kilobytes."""

LONGEST_PAGE: Final = 30
"""Seconds after which the server ends a page's transaction, for example that of a projector that hangs."""

CHECK_EVERY: Final = 2.0
"""Seconds between two checks that the log still holds the events that the checkpoints name."""

_SHORTEST_PAUSE, _LONGEST_PAUSE, _RECONNECT_PAUSE = 0.001, 0.05, 0.5

_LOOK_AGAIN_AFTER: Final = 1.0
"""A busy projector reads its lanes and the checkpoints again after this number of seconds."""


class Counts(msgspec.Struct, frozen=True):
    """What was done. `events`: folded; `documents`: written; `parked`: accounts parked; `lost_pages`: pages
    that another projector wrote first; `empty_pages`: pages without an event of their lanes."""

    events: int = 0
    documents: int = 0
    parked: int = 0
    lost_pages: int = 0
    empty_pages: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.events + other.events,
            self.documents + other.documents,
            self.parked + other.parked,
            self.lost_pages + other.lost_pages,
            self.empty_pages + other.empty_pages,
        )


class _Written(msgspec.Struct, frozen=True):
    """What a page's transaction did; `parked` holds (projection, account id) of the accounts that it
    parked."""

    counts: Counts
    parked: frozenset[tuple[str, str]] = frozenset()


class _Overtaken(Exception):  # noqa: N818
    """Another projector moved a checkpoint since it was read."""


Write: TypeAlias = Callable[[Connection, Projection, Sequence[Any]], list[EventFailure]]


def _write_all(
    connection: Connection, projection: Projection, documents: Sequence[Any]
) -> list[EventFailure]:
    """Write the documents without a savepoint; if PostgreSQL refuses one, the caller writes the page
    again."""
    projection.upsert(connection, documents)
    return []


class Projector:
    """Keeps these projections up to date in these lanes; one whose tables are not made yet is left out.

    Threads must not share it, and each process makes its own. Raises CheckpointForeign and FoldOutdated at
    the first page, or within CHECK_EVERY seconds of the cause.
    """

    def __init__(
        self,
        database_url: str,
        log: EventLog,
        projections: Sequence[Projection] = ALL,
        *,
        lanes: Iterable[int] = ALL_LANES,
        codec: Codec[Any] | None = None,
        page: int = PAGE,
        cached_accounts: int = CACHED_ACCOUNTS,
        longest_page: int = LONGEST_PAGE,
    ) -> None:
        self.lanes = frozenset(lanes)
        self._log = log
        self._codec = codec or domain_codec()
        self._projections = {projection.name: projection for projection in projections}
        self._most = self._page = page
        self._folding = PageFolding(projections, log, self._codec, cached_accounts=cached_accounts)
        self._sessions = Sessions(database_url, longest_page)
        self._reader = ThreadPoolExecutor(1, "projector-reads")
        self._writer = ThreadPoolExecutor(1, "projector-writes")
        self._check_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; the log, which is the caller's, stays open."""
        self._reader.shutdown()
        self._writer.shutdown()
        self._sessions.close()

    def run(self, stop: Stop, shares: Shares | None = None) -> Counts:
        """Follow the log until `stop` is set, with `shares` in the lanes held there; return what was done.

        It polls a quiet log every 1 to 50 ms. It reconnects after a lost connection and raises every other
        error.
        """
        total, pause = Counts(), _SHORTEST_PAUSE
        while not stop.is_set():
            try:
                if shares is not None:
                    self.lanes = shares.held()
                done = self._run_for(_LOOK_AGAIN_AFTER, stop)
            except (psycopg.OperationalError, psycopg.errors.TransactionTimeout, LogUnavailable) as error:
                logger.warning("projections are waiting for the database: %s", error)
                self._sessions.close()
                stop.wait(_RECONNECT_PAUSE)
                continue
            total += done
            pause = _SHORTEST_PAUSE if done != Counts() else min(2 * pause, _LONGEST_PAUSE)
            if done == Counts():
                stop.wait(pause)
        return total

    def _run_for(self, seconds: float, stop: Stop) -> Counts:
        total, end = Counts(), time.monotonic() + seconds
        with without_garbage_collection(), closing(self._pages()) as pages:
            for done in pages:
                total += done
                if stop.is_set() or time.monotonic() >= end:
                    break
        return total

    def run_once(
        self, until: int | None = None, *, up_to: Sequence[Checkpoint] = (), stop: Stop | None = None
    ) -> Counts:
        """Fold all that is settled now, up to the position `until` (inclusive); return what was done.

        `up_to`: stop each lane at the checkpoint of another generation of this projection instead. `stop`:
        looked at after each page; once it is set, no more is folded.
        """
        total = Counts()
        last = self._log.last_position() if until is None and not up_to else until
        with without_garbage_collection():
            while (done := self._sum(self._pages(last, up_to), stop)) != Counts():
                total += done
                if stop is not None and stop.is_set():
                    break
        return total

    def _sum(self, pages: Generator[Counts], stop: Stop | None) -> Counts:
        """The sum of what the pages did; the last page is the one during which `stop` was set, if it was."""
        total = Counts()
        with closing(pages):
            for done in pages:
                total += done
                if stop is not None and stop.is_set():
                    break
        return total

    def run_page(self, until: int | None = None) -> Counts:
        """Fold the next page of the projections furthest behind; empty Counts mean that no event is left to
        fold."""
        return sum(self._pages(until, ahead=False), Counts())

    def release(self, account_id: str) -> dict[str, EventFailure | None]:
        """Let a parked account go on: fold it anew up to the checkpoint of each projection that parked it.

        Return, by projection, the failure that keeps the account parked, or None if it goes on.
        """
        connection, lane = self._sessions.writing(), lane_of(account_id)
        outcomes: dict[str, EventFailure | None] = {}
        for entry in parked(connection, account_id):
            if entry.projection in self._projections:
                with connection.transaction():
                    [checkpoint] = checkpoints.lock(connection, [entry.projection], [lane])
                    self._check([checkpoint], now=True)
                    outcomes[entry.projection] = self._release(connection, checkpoint, account_id)
        return outcomes

    def _release(
        self, connection: Connection, checkpoint: Checkpoint, account_id: str
    ) -> EventFailure | None:
        projection = self._projections[checkpoint.projection]
        readings = stream(self._log, self._codec, account_id, until=checkpoint.position)
        folded = from_start(projection.fold.evolution, checked(self._log.log_id, readings))
        documents, failure = documents_of(projection.fold, account_id, folded)
        failure = next(iter(write(connection, projection, documents)), failure)
        self._move(connection, [checkpoint], checkpoint.place)
        if failure is None:
            unpark(connection, projection.name, account_id)
        else:
            park(connection, projection.name, failure)
        return failure

    # ---- page after page -----------------------------------------------------

    def _pages(
        self, until: int | None = None, up_to: Sequence[Checkpoint] = (), *, ahead: bool = True
    ) -> Generator[Counts]:
        """Yield what each page did, once it is written; end after a page that was not full or was lost.

        While a page is written the next one is folded and the one after that read, without asking the
        database again: if another process moves a checkpoint or parks or releases an account, the page under
        way is lost.
        """
        found = self._current_checkpoints()
        limits = {(name, c.lane): c.place for c in up_to for name in self._projections}
        stopped: set[tuple[str, str]] = set()
        some_parked = bool(found) and any_parked(self._sessions.reading(), self._projections)
        reading = self._reader.submit(self._next, found, limits, until)
        writing: Future[_Written] | None = None
        try:
            while (step := reading.result()) is not None:
                run, chunk, full = step
                found = self._moved(found, run, chunk.end)
                if ahead and full:
                    reading = self._reader.submit(self._next, found, limits, until)
                if some_parked:
                    accounts = {stored.account_id for stored in chunk.events}
                    stopped |= parked_among(self._sessions.reading(), run.names, accounts)
                page = self._folding.fold(run, chunk, stopped)
                stopped |= page.stopped
                if writing is not None:
                    written = writing.result()
                    yield written.counts
                    if written.counts.lost_pages:
                        return
                    stopped |= written.parked
                    page = page.without(written.parked)
                writing = self._writer.submit(self._write, page)
                if not (ahead and full):
                    break
                self._check(found)
            if writing is not None:
                yield writing.result().counts
        finally:
            wait([reading])
            if writing is not None:
                wait([writing])

    def _next(
        self, found: Sequence[Checkpoint], limits: Limits, until: int | None
    ) -> tuple[LaneRun, RunChunk, bool] | None:
        """The next run and its events, and whether the page is full; None if nothing more is settled."""
        page = self._page  # a page that is written meanwhile may change it
        for run in runs.runs(found, limits):
            chunk = runs.read(self._log, run, page, until)
            if chunk is not None:
                return run, chunk, len(chunk.events) == page
        return None

    def _moved(self, found: Sequence[Checkpoint], run: LaneRun, end: LogPoint) -> list[Checkpoint]:
        """The checkpoints as they will be once the run's page is written."""
        moving = set(run.checkpoints)
        return [
            msgspec.structs.replace(
                c, position=end.position, hash=end.hash, turn=c.turn + 1, fold=self._version(c)
            )
            if c in moving
            else c
            for c in found
        ]

    # ---- writing: in the page's transaction ----------------------------------

    def _write(self, page: FoldedPage) -> _Written:
        """Write rows, parked accounts and checkpoints; nothing if another projector has moved a checkpoint.

        After one that took too long the next ones are half as long, and grow again as they succeed.
        """
        try:
            try:
                written = self._written(page, _write_all)
            except REFUSED:
                written = self._written(page, write)
        except _Overtaken:
            return _Written(Counts(lost_pages=1))
        except psycopg.errors.TransactionTimeout:
            self._page = max(1, page.events // 2)
            self._sessions.end_stalled()  # this page has most likely waited for one of them
            raise
        self._page = min(self._most, 2 * self._page)
        return written

    def _written(self, page: FoldedPage, write: Write) -> _Written:
        connection, stopped = self._sessions.writing(), set[tuple[str, str]]()
        with connection.transaction():
            self._move(connection, page.run.checkpoints, page.end)
            for name, documents in page.documents.items():
                refused = write(connection, self._projections[name], documents)
                for failure in page.failures[name] + refused:
                    park(connection, name, failure)
                    stopped.add((name, failure.account_id))
        made = sum(map(len, page.documents.values()))
        counts = Counts(page.events, made, len(stopped), empty_pages=int(page.events == 0))
        return _Written(counts, frozenset(stopped))

    def _move(self, connection: Connection, found: Sequence[Checkpoint], place: LogPoint) -> None:
        if not checkpoints.move(connection, found, place, [self._version(c) for c in found]):
            raise _Overtaken

    def _version(self, checkpoint: Checkpoint) -> int:
        return self._projections[checkpoint.projection].fold.version

    # ---- checks of the checkpoints --------------------------------------------------

    def _current_checkpoints(self) -> list[Checkpoint]:
        """The current checkpoints, checked."""
        found = checkpoints.read_made(self._sessions.reading(), self._projections, self.lanes)
        self._check(found)
        return found

    def _check(self, found: Sequence[Checkpoint], *, now: bool = False) -> None:
        checkpoints.check_folds(self._projections.values(), found)
        if now or time.monotonic() >= self._check_at:
            checkpoints.check_log(self._log, found)
            self._check_at = time.monotonic() + CHECK_EVERY
