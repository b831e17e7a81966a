"""The log for a server's tasks: appends that share a commit, reads that share a statement.

async with AsyncioAccountLog(database_url) as log:
    stored = await log.append("main/a1", await log.head("main/a1"), events)
"""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

from eventlog.group_commit.asyncio import GroupedAppends
from eventlog.group_commit.asyncio_reads import GroupedReads
from eventlog.postgres.log import PostgresEventLog
from eventlog.records import Head, NewEvent, StoredEvent

T = TypeVar("T")
Answered: TypeAlias = Coroutine[Any, Any, T]


class AsyncioAccountLog:
    """An AccountLog for the tasks of one event loop, none of whose calls blocks it."""

    def __init__(self, database_url: str, *, patience: float = 10.0) -> None:
        self._appends = GroupedAppends(database_url, patience=patience)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Connect. Raises LogUnavailable or WrongDatabase."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._appends)
            self._reads = await stack.enter_async_context(GroupedReads(self._appends.log))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def log(self) -> PostgresEventLog:
        """The log itself, for what concerns no single account; its calls block."""
        return self._appends.log

    # These return the coroutine of what does the work: one less to go through for each call.

    def append(self, account_id: str, head: Head, events: Sequence[NewEvent]) -> Answered[list[StoredEvent]]:
        return self._appends.append(account_id, head, events)

    def head(self, account_id: str) -> Answered[Head]:
        return self._reads.head(account_id)

    def read_account(
        self, account_id: str, after_version: int = 0, limit: int | None = None
    ) -> Answered[list[StoredEvent]]:
        return self._reads.read_account(account_id, after_version, limit)

    def event(self, account_id: str, version: int) -> Answered[StoredEvent | None]:
        return self._reads.event(account_id, version)

    def find_command(self, account_id: str, command_id: str) -> Answered[list[StoredEvent]]:
        return self._reads.find_command(account_id, command_id)
