"""Group commit for asyncio as an EventLog, so that the log's contract can be tested on it."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from threading import Thread

from eventlog import Append, Head, LogError, NewEvent, Outcome, StoredEvent
from eventlog.appending import utc_now
from eventlog.group_commit.asyncio import GroupedAppends
from eventlog.postgres.log import PostgresEventLog


class AsyncioDoor(PostgresEventLog):
    """Appends through GroupedAppends in a thread's event loop; everything else is the log's."""

    def __init__(
        self, database_url: str, *, clock: Callable[[], datetime] = utc_now, connections: int = 2
    ) -> None:
        super().__init__(database_url, clock=clock)
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever)
        self._thread.start()
        self._appends = GroupedAppends(database_url, clock=clock, connections=connections)
        asyncio.run_coroutine_threadsafe(self._appends.__aenter__(), self._loop).result()

    @property
    def waiting(self) -> int:
        return self._appends.waiting

    def append(self, account_id: str, head: Head, events: Sequence[NewEvent]) -> list[StoredEvent]:
        [outcome] = self.append_many([Append(account_id, head, tuple(events))])
        if isinstance(outcome, LogError):
            raise outcome
        return outcome

    def append_many(self, appends: Sequence[Append]) -> list[Outcome]:
        return asyncio.run_coroutine_threadsafe(self._gathered(appends), self._loop).result()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._appends.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        super().close()

    async def _gathered(self, appends: Sequence[Append]) -> list[Outcome]:
        each = [self._appends.append(append.account_id, append.head, append.events) for append in appends]
        outcomes: list[Outcome] = []
        for outcome in await asyncio.gather(*each, return_exceptions=True):
            assert isinstance(outcome, list | LogError), outcome
            outcomes.append(outcome)
        return outcomes
