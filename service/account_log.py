"""What the service asks of the log: one account's events, for tasks of an event loop."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Protocol

from eventlog.port import EventLog
from eventlog.records import Head, NewEvent, StoredEvent
from service.completing import OffLoop, blocking_call


class AccountLog(Protocol):
    """The calls of `eventlog.port.EventLog` that concern one account; each promises what that one does."""

    async def append(self, account_id: str, head: Head, events: Sequence[NewEvent]) -> list[StoredEvent]:
        """Store all events or none, right after `head`."""
        ...

    async def head(self, account_id: str) -> Head:
        """Where the account ends now."""
        ...

    async def read_account(
        self, account_id: str, after_version: int = 0, limit: int | None = None
    ) -> list[StoredEvent]:
        """The account's events after that version, in order."""
        ...

    async def event(self, account_id: str, version: int) -> StoredEvent | None:
        """That one event of the account."""
        ...

    async def find_command(self, account_id: str, command_id: str) -> list[StoredEvent]:
        """The events that this command appended, in order."""
        ...


class BlockingLog:
    """An AccountLog of a log whose calls block: as they are for scripts, the terminal and tests
    (`service.completing`), in threads for the tasks of an event loop, by its `off_loop`."""

    def __init__(self, log: EventLog, off_loop: OffLoop = blocking_call) -> None:
        self._log = log
        self._off_loop = off_loop

    async def append(self, account_id: str, head: Head, events: Sequence[NewEvent]) -> list[StoredEvent]:
        return await self._off_loop(partial(self._log.append, account_id, head, events))

    async def head(self, account_id: str) -> Head:
        return await self._off_loop(partial(self._log.head, account_id))

    async def read_account(
        self, account_id: str, after_version: int = 0, limit: int | None = None
    ) -> list[StoredEvent]:
        return await self._off_loop(partial(self._log.read_account, account_id, after_version, limit))

    async def event(self, account_id: str, version: int) -> StoredEvent | None:
        return await self._off_loop(partial(self._log.event, account_id, version))

    async def find_command(self, account_id: str, command_id: str) -> list[StoredEvent]:
        return await self._off_loop(partial(self._log.find_command, account_id, command_id))
