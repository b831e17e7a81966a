"""Group commit for asyncio tasks: appends that wait while a statement runs share the next one.

    async with GroupedAppends(database_url) as appends:        # after `prorata migrate`
        stored = await appends.append("acme/a-1", head, [new_event])   # or VersionConflict, as at the log

Many tasks call `append` at once, each for itself. Threads have the same in `eventlog.group_commit.threads`:

    log = GroupedEventLog(PostgresEventLog(database_url))      # an EventLog: `append` joins other threads'
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from types import TracebackType
from typing import Self, TypeAlias, TypeVar, TypeVarTuple
from uuid import UUID

import psycopg

from eventlog.appending import chained_rows, utc_now
from eventlog.errors import LogUnavailable
from eventlog.group_commit.insert_connection import STATEMENTS, InsertConnection
from eventlog.group_commit.loop_connection import SETTINGS, StatementFailed, prepared
from eventlog.group_commit.pace import Pace
from eventlog.group_commit.queue import AppendQueue, QueuedAppend
from eventlog.group_commit.room import Room
from eventlog.port import Outcome
from eventlog.postgres.inserting import winners
from eventlog.postgres.log import PostgresEventLog
from eventlog.records import Append, Head, NewEvent, StoredEvent

Ts = TypeVarTuple("Ts")
T = TypeVar("T")
Queued: TypeAlias = QueuedAppend[asyncio.Future[list[StoredEvent]]]

_CLOSED = "it was closed"


class GroupedAppends:
    """Appends of the tasks of one event loop, on a migrated PostgreSQL database.

    `connections`: how many statements run at once, each with its share of the appends: one is under way while
    the callers of another are answered, and one that waits for a rival's transaction does not hold up all.
    `max_events`: the most events in one statement. `max_waiting`: while so many appends have no answer,
    further calls of `append` wait. `patience`: as for PostgresEventLog.
    """

    def __init__(
        self,
        database_url: str,
        *,
        clock: Callable[[], datetime] = utc_now,
        connections: int = 2,
        max_events: int = 500,
        max_waiting: int = 10_000,
        patience: float = 10.0,
    ) -> None:
        self._open_log = lambda: PostgresEventLog(
            database_url, clock=clock, connections=connections, patience=patience
        )
        self._clock = clock
        self._connections = connections
        self._groups: AppendQueue[asyncio.Future[list[StoredEvent]]] = AppendQueue(max_events=max_events)
        self._room = Room(max_waiting)
        self._pace = Pace()
        self._alarm: asyncio.TimerHandle | None = None
        self._resting: list[asyncio.Future[None]] = []
        self._closing = True

    async def __aenter__(self) -> Self:
        """Connect. Raises LogUnavailable or WrongDatabase."""
        self._threads = ThreadPoolExecutor(self._connections, "appends")
        self._loop = asyncio.get_running_loop()
        try:
            self._log = await self._in_thread(self._open_log)
        except BaseException:
            self._threads.shutdown(wait=False)
            raise
        self._closing = False
        self._writers = [asyncio.create_task(self._write()) for _ in range(self._connections)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def log_id(self) -> UUID:
        """The log's identity."""
        return self._log.log_id

    @property
    def log(self) -> PostgresEventLog:
        """The log that is appended to, for everything else; its calls block, and it is closed with this."""
        return self._log

    async def append(self, account_id: str, head: Head, events: Sequence[NewEvent]) -> list[StoredEvent]:
        """As EventLog.append: all of the events or none, right after `head`; what is returned is committed.

        Cancelled before its turn it is withdrawn, and nothing of it is stored. Cancelled later, it is stored
        or not, as if its answer had been lost: the same append again is answered with what became of it.
        """
        append = Append(account_id, head, tuple(events))
        if not self._room.enter():
            await self._room.entered()
        try:
            if self._closing:
                raise LogUnavailable(_CLOSED)
            waiter: asyncio.Future[list[StoredEvent]] = self._loop.create_future()
            queued = QueuedAppend(append, waiter, chained_rows(self.log_id, append, self._clock()))
        except BaseException:
            self._room.leave()
            raise
        self._groups.add(queued)
        self._call()
        try:
            return await queued.waiter
        except asyncio.CancelledError:
            if self._groups.withdraw(queued):
                self._room.leave()
            elif queued.waiter.done() and not queued.waiter.cancelled():
                queued.waiter.exception()  # it came too late, and is not to be logged as overlooked
            raise

    @property
    def waiting(self) -> int:
        """The number of appends that were let in and have no answer yet; at most `max_waiting`."""
        return self._groups.waiting

    async def close(self) -> None:
        """Take no more appends, answer all that were let in, and disconnect."""
        if self._closing:
            return
        self._closing = True
        while self._resting:
            self._wake()
        try:
            await asyncio.gather(*self._writers)
        finally:
            while group := self._groups.take():
                self._answer(group, [LogUnavailable(_CLOSED)] * len(group))
            self._log.close()
            self._threads.shutdown(wait=False)

    async def _write(self) -> None:
        """Store group after group, until the queue is empty and closed."""
        connection: InsertConnection | None = None
        try:
            while group := await self._next_group():
                outcomes: Sequence[Outcome | Exception] = [LogUnavailable(_CLOSED)] * len(group)
                try:
                    if connection is None or connection.is_lost:
                        connection = await self._new_connection()
                    outcomes = await self._stored(connection, group)
                except Exception as error:  # noqa: BLE001 - each who waits is to raise it
                    outcomes = [error] * len(group)
                finally:
                    self._pace.ends()
                    self._answer(group, outcomes)
        finally:
            if connection is not None:
                connection.close()

    async def _next_group(self) -> list[Queued]:
        """The next group; empty once the queue is closed and drained."""
        await asyncio.sleep(0)  # those who were just answered come again first
        while not self._groups or self._is_held_back():
            if self._groups:
                self._call()
            elif self._closing:
                return []
            called = self._loop.create_future()
            self._resting.append(called)
            try:
                await called
            except asyncio.CancelledError:
                self._resting = [other for other in self._resting if other is not called]
                raise
        group = self._groups.take(share=self._connections, room=self._pace.room)
        self._pace.begins(self._loop.time())
        if self._groups:
            self._call()
        return group

    def _is_held_back(self) -> bool:
        return not self._closing and self._pace.holds_back(self._groups.waiting, self._loop.time())

    def _call(self) -> None:
        """Wake a writer for those who wait: now, or once the statement under way was waited for long
        enough."""
        if not self._is_held_back():
            self._wake()
        elif self._alarm is None:
            self._alarm = self._loop.call_later(self._pace.patience, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        if self._groups:
            self._call()

    def _wake(self) -> None:
        """Wake one resting writer, if there is one, to look for a group."""
        if self._resting:
            self._resting.pop().set_result(None)

    async def _new_connection(self) -> InsertConnection | None:
        """A connection for inserts; None if none can be made now: then the log, in a thread, waits for the
        server."""
        try:
            opened = await self._in_thread(lambda: prepared(self._log.connect(SETTINGS), STATEMENTS))
        except (LogUnavailable, psycopg.Error):
            return None
        return InsertConnection(opened)

    async def _stored(
        self, connection: InsertConnection | None, group: Sequence[Queued]
    ) -> Sequence[Outcome]:
        """What became of each append. If the statement fails, the log stores each append alone and so finds
        out."""
        appends = [queued.append for queued in group]
        rows = {nth: queued.rows for nth, queued in enumerate(group) if queued.rows}
        positions = self._log.positions
        if connection is None or positions.behind:
            return await self._in_thread(self._log.append_many, appends)
        before = positions.expected()
        began = self._loop.time()
        try:
            returned = await connection.insert(rows.values())
            self._pace.took(self._loop.time() - began, len(group))
        except StatementFailed:
            return await self._in_thread(self._log.append_many, appends)
        positions.after_append(before, [position for _, _, position in returned])
        won = winners(rows, returned)
        lost = [nth for nth in rows if nth not in won]
        fates = await self._in_thread(self._log.fates, [appends[nth] for nth in lost]) if lost else []
        outcomes = won | dict(zip(lost, fates, strict=True))
        return [outcomes[nth] for nth in range(len(group))]

    def _answer(self, group: Sequence[Queued], outcomes: Sequence[Outcome | Exception]) -> None:
        self._groups.finish(group)
        for queued, outcome in zip(group, outcomes, strict=True):
            self._room.leave()
            if queued.waiter.done():
                continue  # cancelled meanwhile
            if isinstance(outcome, Exception):
                queued.waiter.set_exception(outcome)
            else:
                queued.waiter.set_result(outcome)

    async def _in_thread(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        return await self._loop.run_in_executor(self._threads, work, *arguments)
