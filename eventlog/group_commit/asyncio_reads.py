"""Reads of single accounts for asyncio tasks: those that wait while a statement runs share the next one.

    async with GroupedReads(log) as reads:                     # log: a PostgresEventLog
        head = await reads.head("acme/a-1")
        stored = await reads.read_account("acme/a-1", after_version=7, limit=1_000)

A head is a step in the primary key's index, so most of what one costs alone is its statement.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeAlias, TypeVar, TypeVarTuple

import msgspec
import psycopg

from eventlog.errors import LogUnavailable
from eventlog.group_commit.loop_connection import SETTINGS, LoopConnection, StatementFailed, prepared
from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.reading import COLUMNS, readable
from eventlog.postgres.row_encoding import bigints, texts
from eventlog.records import Head, StoredEvent

Ts = TypeVarTuple("Ts")
T = TypeVar("T")

MAX_HEADS: Final = 500
"""Heads in one statement."""

MAX_HISTORIES: Final = 16
"""Histories in one statement: each may be a thousand events."""

_ALL: Final = 2**62
_CLOSED: Final = "it was closed"

_HEADS: Final = """
    select wanted.nth, head.version, head.hash, head.recorded_at
    from unnest($1::text[]) with ordinality wanted (account_id, nth)
    cross join lateral (
        select version, hash, recorded_at from public.events
        where account_id = wanted.account_id order by version desc limit 1
    ) head
"""

_HISTORIES: Final = f"""
    select wanted.nth, event.*
    from unnest($1::text[], $2::bigint[], $3::bigint[]) with ordinality
        wanted (account_id, after_version, most, nth)
    cross join lateral (
        select {COLUMNS} from public.events
        where account_id = wanted.account_id and version > wanted.after_version
        order by version limit wanted.most
    ) event
    order by wanted.nth, event.version
"""  # noqa: S608 - constants
STATEMENTS: Final = {"read_heads": _HEADS, "read_histories": _HISTORIES}


class _HeadAsked(msgspec.Struct, eq=False, gc=False):
    account_id: str
    waiter: asyncio.Future[Head]


class _HistoryAsked(msgspec.Struct, eq=False, gc=False):
    account_id: str
    after_version: int
    limit: int | None
    waiter: asyncio.Future[list[StoredEvent]]


Asked = TypeVar("Asked", _HeadAsked, _HistoryAsked)
Waiter: TypeAlias = asyncio.Future[Any]


class _Waiting(Generic[Asked]):
    """What waits to be read, in order."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._asked: deque[Asked] = deque()

    def __len__(self) -> int:
        return len(self._asked)

    def add(self, asked: Asked) -> None:
        self._asked.append(asked)

    def take(self, share: int) -> list[Asked]:
        """The next ones, at most one in `share` of them, without those that nobody waits for any more."""
        most = min(self._most, -(-len(self._asked) // share))
        taken: list[Asked] = []
        while self._asked and len(taken) < most:
            asked = self._asked.popleft()
            if not asked.waiter.done():
                taken.append(asked)
        return taken


class GroupedReads:
    """Reads of the tasks of one event loop. `connections`: how many statements run at once, each with its
    share of what waits. Where a statement fails the log reads each account alone, in a thread, with its own
    patience; so every call raises what it would raise there."""

    def __init__(self, log: PostgresEventLog, *, connections: int = 2) -> None:
        self._log = log
        self._connections = connections
        self._heads: _Waiting[_HeadAsked] = _Waiting(MAX_HEADS)
        self._histories: _Waiting[_HistoryAsked] = _Waiting(MAX_HISTORIES)
        self._resting: list[asyncio.Future[None]] = []
        self._closing = True

    async def __aenter__(self) -> Self:
        self._threads = ThreadPoolExecutor(self._connections, "reads")
        self._loop = asyncio.get_running_loop()
        self._closing = False
        self._readers = [asyncio.create_task(self._read()) for _ in range(self._connections)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def head(self, account_id: str) -> Head:
        """As EventLog.head."""
        asked = _HeadAsked(account_id, self._waiter())
        self._heads.add(asked)
        self._wake()
        return await asked.waiter

    async def read_account(
        self, account_id: str, after_version: int = 0, limit: int | None = None
    ) -> list[StoredEvent]:
        """As EventLog.read_account."""
        asked = _HistoryAsked(account_id, after_version, limit, self._waiter())
        self._histories.add(asked)
        self._wake()
        return await asked.waiter

    async def event(self, account_id: str, version: int) -> StoredEvent | None:
        """As EventLog.event."""
        found = await self.read_account(account_id, version - 1, 1)
        return found[0] if found and found[0].version == version else None

    async def find_command(self, account_id: str, command_id: str) -> list[StoredEvent]:
        """As EventLog.find_command."""
        return await self._in_thread(self._log.find_command, account_id, command_id)

    async def close(self) -> None:
        """Take no more reads, answer those that wait, and disconnect; the log stays open."""
        if self._closing:
            return
        self._closing = True
        while self._resting:
            self._wake()
        try:
            await asyncio.gather(*self._readers)
        finally:
            self._threads.shutdown(wait=False)

    def _waiter(self) -> Waiter:
        if self._closing:
            raise LogUnavailable(_CLOSED)
        return self._loop.create_future()

    def _wake(self) -> None:
        """Wake one resting reader, if there is one."""
        if self._resting:
            self._resting.pop().set_result(None)

    async def _read(self) -> None:
        """Read group after group, until nothing waits and it is closed."""
        connection: LoopConnection | None = None
        try:
            while await self._something_waits():
                if connection is None or connection.is_lost:
                    connection = await self._new_connection()
                if heads := self._heads.take(self._connections):
                    await self._answered(connection, heads, self._read_heads, self._head_alone)
                elif histories := self._histories.take(self._connections):
                    await self._answered(connection, histories, self._read_histories, self._history_alone)
        finally:
            if connection is not None:
                connection.close()

    async def _something_waits(self) -> bool:
        """Whether there is something to read, once there is; False once all is read and it is closed."""
        while not self._heads and not self._histories:
            if self._closing:
                return False
            called = self._loop.create_future()
            self._resting.append(called)
            try:
                await called
            except asyncio.CancelledError:
                self._resting = [other for other in self._resting if other is not called]
                raise
        return True

    async def _new_connection(self) -> LoopConnection | None:
        """A connection for reads; None if none can be made now: then the log, in a thread, waits for the
        server."""
        try:
            opened = await self._in_thread(lambda: prepared(self._log.connect(SETTINGS), STATEMENTS))
        except (LogUnavailable, psycopg.Error):
            return None
        return LoopConnection(opened)

    async def _answered(
        self,
        connection: LoopConnection | None,
        group: list[Asked],
        together: Callable[[LoopConnection, list[Asked]], Any],
        alone: Callable[[Asked], Any],
    ) -> None:
        """Read the group by one statement, and each alone where that fails; answer who waits."""
        try:
            try:
                if connection is None:
                    raise StatementFailed("there is no connection")
                with readable():
                    answers = await together(connection, group)
            except StatementFailed:
                answers = await self._in_thread(_each, alone, group)
        except Exception as error:  # noqa: BLE001 - each who waits is to raise it
            answers = [error] * len(group)
        except BaseException:
            for asked in group:
                asked.waiter.cancel()
            raise
        for asked, answer in zip(group, answers, strict=True):
            if asked.waiter.done():
                continue  # cancelled meanwhile
            if isinstance(answer, Exception):
                asked.waiter.set_exception(answer)
            else:
                asked.waiter.set_result(answer)

    async def _read_heads(self, connection: LoopConnection, group: list[_HeadAsked]) -> list[Head]:
        found = dict.fromkeys(range(len(group)), Head.NONE)
        for nth, *head in await connection.rows(b"read_heads", texts([a.account_id for a in group])):
            found[nth - 1] = Head(*head)
        return list(found.values())

    async def _read_histories(
        self, connection: LoopConnection, group: list[_HistoryAsked]
    ) -> list[list[StoredEvent]]:
        found: list[list[StoredEvent]] = [[] for _ in group]
        arguments = (
            texts([asked.account_id for asked in group]),
            bigints([asked.after_version for asked in group]),
            bigints([_ALL if asked.limit is None else asked.limit for asked in group]),
        )
        for nth, *event in await connection.rows(b"read_histories", *arguments):
            found[nth - 1].append(StoredEvent(*event))
        return found

    def _head_alone(self, asked: _HeadAsked) -> Head:
        return self._log.head(asked.account_id)

    def _history_alone(self, asked: _HistoryAsked) -> list[StoredEvent]:
        return self._log.read_account(asked.account_id, asked.after_version, asked.limit)

    async def _in_thread(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        return await self._loop.run_in_executor(self._threads, work, *arguments)


def _each(alone: Callable[[Asked], Any], group: Sequence[Asked]) -> list[Any]:
    """The answer for each, or the exception that its read raised."""
    return [_or_exception(alone, asked) for asked in group]


def _or_exception(alone: Callable[[Asked], Any], asked: Asked) -> Any:
    try:
        return alone(asked)
    except Exception as error:  # noqa: BLE001 - who waits for it is to raise it
        return error
