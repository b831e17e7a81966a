"""Writers in separate processes that compete for the same few accounts."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from uuid import UUID

import psycopg

from eventlog import Head, NewEvent, StoredEvent, VersionConflict
from eventlog.group_commit.asyncio import GroupedAppends
from eventlog.group_commit.threads import GroupedEventLog
from eventlog.postgres.log import PostgresEventLog
from tests.support.eventlog.sample_events import new_events
from tests.support.eventlog.sessions import insert

ACCOUNTS = [f"acme/hot-{nth}" for nth in range(4)]
CALLERS, APPENDS_OF_EACH = 6, 25


@dataclass(frozen=True)
class Ledger:
    """The event ids of the appends that won, and of those that lost."""

    won: list[list[UUID]]
    lost: list[list[UUID]]


class Caller:
    """Appends one to four events at a head that may be stale, repeatedly, and keeps the answers."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._heads: dict[str, Head] = {}
        self.won: list[list[UUID]] = []
        self.lost: list[list[UUID]] = []

    def next(self, head_of: Callable[[str], Head]) -> tuple[str, Head, list[NewEvent]]:
        """The head to append at: two in three times the present one, else the last seen."""
        account_id = self._random.choice(ACCOUNTS)
        if self._random.random() < 0.67 or account_id not in self._heads:
            self._heads[account_id] = head_of(account_id)
        return account_id, self._heads[account_id], new_events(self._random.randint(1, 4))

    def learn(self, given: list[NewEvent], outcome: list[StoredEvent] | None) -> None:
        """Keep the answer: the rows stored, or None for a conflict."""
        ids = [event.event_id for event in given]
        (self.lost if outcome is None else self.won).append(ids)
        if outcome is not None:
            assert [event.event_id for event in outcome] == ids
            self._heads[outcome[0].account_id] = outcome[-1].head


def by_threads(database_url: str, seed: int) -> Ledger:
    """Contend through GroupedEventLog, with a thread for each caller."""
    inner = PostgresEventLog(database_url)
    log = GroupedEventLog(inner)

    def call(caller: Caller) -> None:
        for _ in range(APPENDS_OF_EACH):
            account_id, head, events = caller.next(log.head)
            try:
                caller.learn(events, log.append(account_id, head, events))
            except VersionConflict:
                caller.learn(events, None)

    callers = [Caller(100 * seed + nth) for nth in range(CALLERS)]
    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(call, callers))
    inner.close()
    return _ledger(callers)


def by_tasks(database_url: str, seed: int) -> Ledger:
    """Contend through GroupedAppends, with a task for each caller."""
    log = PostgresEventLog(database_url)

    async def call(appends: GroupedAppends, caller: Caller) -> None:
        for _ in range(APPENDS_OF_EACH):
            account_id, head, events = await asyncio.to_thread(caller.next, log.head)
            try:
                caller.learn(events, await appends.append(account_id, head, events))
            except VersionConflict:
                caller.learn(events, None)

    async def contend(callers: list[Caller]) -> None:
        async with GroupedAppends(database_url) as appends:
            await asyncio.gather(*(call(appends, caller) for caller in callers))

    callers = [Caller(100 * seed + nth) for nth in range(CALLERS)]
    asyncio.run(contend(callers))
    log.close()
    return _ledger(callers)


def by_hand(database_url: str, seed: int) -> list[int]:
    """Run transactions of one to five inserts, some rolled back; return the committed positions."""
    random, committed = Random(seed), list[int]()
    with psycopg.connect(database_url) as session:
        for nth in range(100):
            rows = range(random.randint(1, 5))
            positions = [insert(session, f"acme/hand-{seed}-{nth}-{row}") for row in rows]
            if random.random() < 0.3:
                session.rollback()
            else:
                session.commit()
                committed += positions
    return committed


def _ledger(callers: list[Caller]) -> Ledger:
    return Ledger(
        [ids for caller in callers for ids in caller.won], [ids for caller in callers for ids in caller.lost]
    )
