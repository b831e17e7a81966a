"""A writer of raw appends that compete for the same few accounts, until SIGTERM:

    python -m scripts.chaos.appending DOOR JOURNAL

DOOR: `threads` (half of them through GroupedEventLog, half one by one) or `tasks` (GroupedAppends). Appends
have one to four events, at heads that may be stale. One with an unknown outcome is repeated, or left.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from threading import Event
from typing import Final, TypeAlias
from uuid import UUID, uuid4

from domain import events as e
from domain.errors import TRY_AGAIN
from eventlog import EventLog, Head, LogUnavailable, NewEvent, StoredEvent, VersionConflict
from eventlog.codec import domain_codec
from eventlog.group_commit.asyncio import GroupedAppends
from eventlog.group_commit.threads import GroupedEventLog
from eventlog.postgres.log import PostgresEventLog
from prorata.processes.stopping import stopping
from prorata.settings import Settings
from scripts.chaos.journal import Journal, Lost, Row, Sent, Stored

TENANT: Final = "raw"
ACCOUNTS: Final = [f"{TENANT}/hot-{nth}" for nth in range(6)]
CALLERS: Final = 6
_PAUSES: Final = 0.02, 0.1
_PATIENCE: Final = 20.0
_BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)

Append: TypeAlias = Callable[[str, Head, list[NewEvent]], list[StoredEvent]]

_codec = domain_codec()


class AppendCaller:
    """One thread's or task's appends, and what it remembers of their outcomes."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._chance = Random()  # noqa: S311 - what it writes is not part of the plan
        self._heads: dict[str, Head] = {}
        self._unknown: tuple[str, Head, list[NewEvent]] | None = None

    @property
    def pause(self) -> float:
        """Seconds to the next append."""
        return self._chance.uniform(*_PAUSES)

    def next(self, head_of: Callable[[str], Head]) -> tuple[str, Head, list[NewEvent]]:
        """The next append; in a third of cases at a head that may be stale."""
        if (unknown := self._unknown) is not None:
            self._unknown = None
            if self._chance.random() < 0.7:
                return unknown
        account_id = self._chance.choice(ACCOUNTS)
        if self._chance.random() < 0.67 or account_id not in self._heads:
            self._heads[account_id] = head_of(account_id)
        head = self._heads[account_id]
        events = new_events(head.version, self._chance.randint(1, 4))
        self._journal.write(Sent(account_id, head.version, _ids(events)))
        return account_id, head, events

    def learn(self, given: tuple[str, Head, list[NewEvent]], outcome: list[StoredEvent] | Exception) -> None:
        """Write the append's outcome to the journal, and learn from it."""
        account_id, _, events = given
        if isinstance(outcome, VersionConflict):
            self._heads.pop(account_id, None)
            self._journal.write(Lost(_ids(events)))
        elif isinstance(outcome, Exception):
            self._unknown = given
        else:
            self._heads[account_id] = outcome[-1].head
            rows = [Row(stored.position, stored.version, stored.hash.hex()) for stored in outcome]
            self._journal.write(Stored(_ids(outcome), tuple(rows)))


def new_events(version: int, count: int) -> list[NewEvent]:
    """Events that fold after any such version: the account's opening, then changes of a price."""
    made = []
    for nth in range(version + 1, version + count + 1):
        at = _BEGIN + timedelta(minutes=nth)
        event: e.Event = (
            e.AccountOpened(at=at, currency="EUR", time_zone="UTC", clock="test")
            if nth == 1
            else e.PriceOverridden(at=at, product=f"product-{nth % 5}", tier=None, price=Decimal(nth))
        )
        kind, schema_version, state = _codec.encode(event)
        made.append(NewEvent(uuid4(), None, kind, schema_version, at, "chaos", state))
    return made


def by_threads(journal: Journal, stop: Event) -> None:
    """Append from threads until `stop` is set."""
    with closing(PostgresEventLog(Settings.of().database_url, patience=_PATIENCE)) as log:
        doors: list[EventLog] = [log, GroupedEventLog(log)]

        def call(nth: int) -> None:
            caller, door = AppendCaller(journal), doors[nth % 2]
            while not stop.wait(caller.pause):
                try:
                    given = caller.next(log.head)
                except LogUnavailable:
                    continue
                try:
                    outcome: list[StoredEvent] | Exception = door.append(*given)
                except (VersionConflict, LogUnavailable) as error:
                    outcome = error
                caller.learn(given, outcome)

        each(call, CALLERS, stop)


def by_tasks(journal: Journal, stop: Event) -> None:
    """Append from asyncio tasks until `stop` is set."""

    async def call(appends: GroupedAppends, log: EventLog) -> None:
        caller = AppendCaller(journal)
        while not stop.is_set():
            await asyncio.sleep(caller.pause)
            try:
                given = await asyncio.to_thread(caller.next, log.head)
            except LogUnavailable:
                continue
            caller.learn(given, await _outcome(appends.append(*given)))

    async def work(log: EventLog) -> None:
        url = Settings.of().database_url
        async with GroupedAppends(url, patience=_PATIENCE) as appends, asyncio.TaskGroup() as tasks:
            for _ in range(CALLERS):
                tasks.create_task(call(appends, log))

    with closing(PostgresEventLog(Settings.of().database_url, patience=_PATIENCE)) as log:
        asyncio.run(work(log))


async def _outcome(append: Awaitable[list[StoredEvent]]) -> list[StoredEvent] | Exception:
    try:
        return await append
    except (VersionConflict, LogUnavailable) as error:
        return error


def each(call: Callable[[int], None], callers: int, stop: Event) -> None:
    """Run the calls in threads until `stop` is set; if one fails, end the others and raise its error."""
    with ThreadPoolExecutor(callers) as pool:
        running = [pool.submit(call, nth) for nth in range(callers)]
        while not stop.is_set() and not any(one.done() for one in running):
            time.sleep(0.1)
        stop.set()
        for one in running:
            one.result()


def _ids(events: Sequence[NewEvent | StoredEvent]) -> tuple[UUID, ...]:
    return tuple([event.event_id for event in events])


def main(door: str, journal: str) -> int:
    """Append until SIGTERM; return the exit code."""
    stop = stopping()
    try:
        {"threads": by_threads, "tasks": by_tasks}[door](Journal(Path(journal)), stop)
    except LogUnavailable as error:
        print(error, file=sys.stderr)
        return TRY_AGAIN
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
