"""Group commit for asyncio as an EventLog, so that the log's contract can be tested on it."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from threading import Thread
from typing import Any, TypeVar

from eventlog import Append, Head, LogError, NewEvent, Outcome, StoredEvent
from eventlog.appending import utc_now
from eventlog.group_commit.asyncio import GroupedAppends
from eventlog.group_commit.asyncio_reads import GroupedReads
from eventlog.postgres.log import PostgresEventLog

Returned = TypeVar("Returned")


class AsyncioDoor(PostgresEventLog):
    """Appends through GroupedAppends and reads accounts through GroupedReads, in a thread's event loop;
    everything else is the log's."""

    def __init__(
        self, database_url: str, *, clock: Callable[[], datetime] = utc_now, connections: int = 2
    ) -> None:
        super().__init__(database_url, clock=clock)
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever)
        self._thread.start()
        self._appends = GroupedAppends(database_url, clock=clock, connections=connections)
        self._done(self._appends.__aenter__())
        self._reads = GroupedReads(self._appends.log, connections=connections)
        self._done(self._reads.__aenter__())

    @property
    def waiting(self) -> int:
        return self._appends.waiting

    def append(self, account_id: str, head: Head, events: Sequence[NewEvent]) -> list[StoredEvent]:
        [outcome] = self.append_many([Append(account_id, head, tuple(events))])
        if isinstance(outcome, LogError):
            raise outcome
        return outcome

    def append_many(self, appends: Sequence[Append]) -> list[Outcome]:
        return self._done(self._gathered(appends))

    def head(self, account_id: str) -> Head:
        return self._done(self._reads.head(account_id))

    def read_account(
        self, account_id: str, after_version: int = 0, limit: int | None = None
    ) -> list[StoredEvent]:
        return self._done(self._reads.read_account(account_id, after_version, limit))

    def event(self, account_id: str, version: int) -> StoredEvent | None:
        return self._done(self._reads.event(account_id, version))

    def find_command(self, account_id: str, command_id: str) -> list[StoredEvent]:
        return self._done(self._reads.find_command(account_id, command_id))

    def close(self) -> None:
        self._done(self._reads.close())
        self._done(self._appends.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        super().close()

    def _done(self, work: Coroutine[Any, Any, Returned]) -> Returned:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _gathered(self, appends: Sequence[Append]) -> list[Outcome]:
        each = [self._appends.append(append.account_id, append.head, append.events) for append in appends]
        outcomes: list[Outcome] = []
        for outcome in await asyncio.gather(*each, return_exceptions=True):
            assert isinstance(outcome, list | LogError), outcome
            outcomes.append(outcome)
        return outcomes
