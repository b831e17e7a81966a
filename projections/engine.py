"""The projector: follows the log and keeps the tables of read models up to date.

    with Projector(database_url, log) as projector:
        projector.run_once()           # everything that is settled now
        projector.run(stop)            # until `stop` is set

A page of settled events is folded in memory; then the rows, the parked accounts and the checkpoints are
written in one transaction, which is undone if another projector has moved a checkpoint meanwhile. So after
any failure rows and checkpoint agree, and any number of projectors may run: more than one only wastes work.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from threading import Event as Stop
from types import TracebackType
from typing import Any, Final, Self

import msgspec
import psycopg

from eventlog import EventLog, LogUnavailable, NotMigrated, StoredEvent
from eventlog.codec import Codec, domain_codec
from eventlog.migrate import missing
from projections import checkpoints
from projections.checkpoints import Checkpoint
from projections.parking import Failure, park, parked, parked_among, unpark, write
from projections.registry import MIGRATIONS, PROJECTIONS
from projections.states import AccountStates, Folded, Reading, documents_of, from_start, read, stream
from projections.tables import Connection, Projection

logger = logging.getLogger(__name__)

PAGE: Final = 1_000
"""Events folded in one transaction."""

CACHED_ACCOUNTS: Final = 10_000
"""States kept between pages, for each evolution: some kilobytes an account."""

CHECK_EVERY: Final = 2.0
"""Seconds after which it is asked again whether the log is still the one that the checkpoints are of."""

_SHORTEST_PAUSE, _LONGEST_PAUSE, _RECONNECT_PAUSE = 0.001, 0.05, 0.5


class Counts(msgspec.Struct, frozen=True):
    """What was done: events folded, documents written, accounts parked, pages lost to another projector."""

    events: int = 0
    documents: int = 0
    parked: int = 0
    lost_pages: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.events + other.events,
            self.documents + other.documents,
            self.parked + other.parked,
            self.lost_pages + other.lost_pages,
        )


class _Page(msgspec.Struct, frozen=True):
    """What a page of events makes of each projection, before it is written."""

    documents: dict[str, list[Any]]
    failures: dict[str, list[Failure]]


class _Overtaken(Exception):  # noqa: N818
    """Another projector moved a checkpoint since it was read."""


class Projector:
    """Keeps these projections up to date. Not to be shared between threads; each process makes its own.

    Raises CheckpointForeign and FoldOutdated as soon as they are noticed: at the first page, or within
    CHECK_EVERY seconds.
    """

    def __init__(
        self,
        database_url: str,
        log: EventLog,
        projections: Sequence[Projection] = PROJECTIONS,
        *,
        codec: Codec[Any] | None = None,
        page: int = PAGE,
        cached_accounts: int = CACHED_ACCOUNTS,
    ) -> None:
        self._database_url = database_url
        self._log = log
        self._codec = codec or domain_codec()
        self._projections = {projection.name: projection for projection in projections}
        self._page = page
        self._states = {
            p.fold.evolution.name: AccountStates(p.fold.evolution, log, self._codec, limit=cached_accounts)
            for p in projections
        }
        self._connection: Connection | None = None
        self._check_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the log is the caller's."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def run(self, stop: Stop) -> Counts:
        """Follow the log until `stop` is set, then return what was done in all.

        A quiet log is asked every 1 to 50 ms. A lost connection is made anew; everything else is raised.
        """
        total, pause = Counts(), _SHORTEST_PAUSE
        while not stop.is_set():
            try:
                done = self.run_page()
            except (psycopg.OperationalError, LogUnavailable) as error:
                logger.warning("projections are waiting for the database: %s", error)
                self.close()
                stop.wait(_RECONNECT_PAUSE)
                continue
            total += done
            pause = _SHORTEST_PAUSE if done != Counts() else min(2 * pause, _LONGEST_PAUSE)
            if done == Counts():
                stop.wait(pause)
        return total

    def run_once(self, until: int | None = None) -> Counts:
        """Fold all that is settled now, up to and including the position `until`; return what was done."""
        total = Counts()
        last = self._log.last_position() if until is None else until
        while (done := self.run_page(last)) != Counts():
            total += done
        return total

    def run_page(self, until: int | None = None) -> Counts:
        """Fold the next page for the projections furthest behind; nothing done: nothing more is settled."""
        connection = self._connected()
        found = checkpoints.read(connection, self._projections)
        self._check(found)
        position = min(checkpoint.position for checkpoint in found)
        behind = [checkpoint for checkpoint in found if checkpoint.position == position]
        ahead = [checkpoint.position for checkpoint in found if checkpoint.position > position]
        last = min([*ahead, *([] if until is None else [until])], default=None)
        events = self._log.read_settled(position, self._page) if last is None or position < last else []
        if last is not None:
            events = [stored for stored in events if stored.position <= last]
        if not events:
            return Counts()
        page = self._fold(behind, events)
        try:
            with connection.transaction():
                return Counts(events=len(events)) + self._write(behind, page, events[-1])
        except _Overtaken:
            return Counts(lost_pages=1)

    def release(self, account_id: str) -> dict[str, Failure | None]:
        """Let a parked account go on: fold it anew up to the checkpoint of each projection that parked it.

        Return these by name, with what made the account stay parked, or None: it goes on.
        """
        connection = self._connected()
        outcomes: dict[str, Failure | None] = {}
        for entry in parked(connection):
            if entry.account_id == account_id and entry.projection in self._projections:
                with connection.transaction():
                    [checkpoint] = checkpoints.lock(connection, [entry.projection])
                    self._check([checkpoint], now=True)
                    outcomes[entry.projection] = self._release(connection, checkpoint, account_id)
        return outcomes

    def _release(self, connection: Connection, checkpoint: Checkpoint, account_id: str) -> Failure | None:
        projection = self._projections[checkpoint.projection]
        readings = stream(self._log, self._codec, account_id, until=checkpoint.position)
        folded = from_start(projection.fold.evolution, readings)
        documents, failure = documents_of(projection.fold, account_id, folded)
        failure = next(iter(write(connection, projection, documents)), failure)
        checkpoints.move(connection, projection, checkpoint.position, checkpoint.hash)
        if failure is None:
            unpark(connection, projection.name, account_id)
        else:
            park(connection, projection.name, failure)
        return failure

    # ---- folding: no transaction is open -------------------------------------

    def _fold(self, behind: Sequence[Checkpoint], events: Sequence[StoredEvent]) -> _Page:
        """The documents of each account that the page touches, at its end."""
        after = behind[0].position
        page = _Page({c.projection: [] for c in behind}, {c.projection: [] for c in behind})
        by_account: dict[str, list[Reading]] = {}
        for stored in events:
            by_account.setdefault(stored.account_id, []).append(read(self._codec, stored))
        stopped = parked_among(self._connected(), list(page.documents), by_account)
        for account_id, readings in by_account.items():
            folded: dict[str, Folded[Any]] = {}
            for name, documents in page.documents.items():
                if (name, account_id) in stopped:
                    continue
                projection = self._projections[name]
                evolution = projection.fold.evolution.name
                if evolution not in folded:
                    folded[evolution] = self._states[evolution].advance(readings)
                made, failure = documents_of(projection.fold, account_id, folded[evolution])
                documents += [document for document in made if document.revision > after]
                page.failures[name] += [] if failure is None else [failure]
        return page

    # ---- writing: in the page's transaction ----------------------------------

    def _write(self, behind: Sequence[Checkpoint], page: _Page, last: StoredEvent) -> Counts:
        """Rows, parked accounts and checkpoints; raise _Overtaken where a checkpoint was moved."""
        connection = self._connected()
        if checkpoints.lock(connection, page.documents) != list(behind):
            raise _Overtaken
        written = stopped = 0
        for name, documents in page.documents.items():
            projection = self._projections[name]
            failures = page.failures[name] + write(connection, projection, documents)
            for failure in failures:
                park(connection, name, failure)
            checkpoints.move(connection, projection, last.position, last.hash)
            written += len(documents)
            stopped += len(failures)
        return Counts(documents=written, parked=stopped)

    # ---- the connection and what it must find --------------------------------

    def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            connection = psycopg.connect(self._database_url, autocommit=True)
            lacking = missing(connection, MIGRATIONS)
            if lacking:
                connection.close()
                raise NotMigrated(lacking)
            # What a crash of the server takes is folded again: rows and checkpoint are lost together.
            connection.execute("set synchronous_commit = off")
            self._connection = connection
            self._check_at = 0.0
        return self._connection

    def _check(self, found: Sequence[Checkpoint], *, now: bool = False) -> None:
        checkpoints.check_folds([self._projections[c.projection] for c in found], found)
        if now or time.monotonic() >= self._check_at:
            checkpoints.check_log(self._log, found)
            self._check_at = time.monotonic() + CHECK_EVERY
