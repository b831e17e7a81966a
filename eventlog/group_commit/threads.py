"""Group commit for threads: appends that wait while a statement runs share the next one.

    log = GroupedEventLog(PostgresEventLog(database_url))
    stored = log.append("acme/a-1", head, [new_event])      # joins the appends of other threads

There is no background thread: one waiting caller stores the whole group. For asyncio tasks:
`eventlog.group_commit.asyncio`.
"""

from collections.abc import Iterator, Mapping, Sequence
from queue import SimpleQueue
from threading import Lock
from typing import Final, TypeAlias
from uuid import UUID

from eventlog.errors import LogUnavailable
from eventlog.group_commit.queue import AppendQueue, QueuedAppend
from eventlog.history import HistoryChunk
from eventlog.port import EventLog, Outcome
from eventlog.records import Append, FenceHolder, Head, NewEvent, StoredEvent

_LEAD: Final = None
"""The message that makes a waiting thread the one that stores the next group."""

Mail: TypeAlias = SimpleQueue[Outcome | Exception | None]


class GroupedEventLog:
    """An EventLog of which `append` joins the appends of other threads; all else goes to the log itself.

    `statements`: how many run at once, so that one which waits for a rival's transaction does not hold up the
    others. `max_events`: the most events in one statement. Each thread waits for its own append only.
    """

    def __init__(self, log: EventLog, *, statements: int = 2, max_events: int = 500) -> None:
        self._log = log
        self._lock = Lock()
        self._groups: AppendQueue[Mail] = AppendQueue(max_events=max_events)
        self._free = statements
        self._has_called = False
        """A thread was sent the lead and has not begun to store."""

    @property
    def log_id(self) -> UUID:
        return self._log.log_id

    @property
    def waiting(self) -> int:
        """The number of appends without an outcome."""
        return self._groups.waiting

    def append(self, account_id: str, head: Head, events: Sequence[NewEvent]) -> list[StoredEvent]:
        mail: Mail = SimpleQueue()
        queued = QueuedAppend(Append(account_id, head, tuple(events)), mail)
        try:
            with self._lock:
                self._groups.add(queued)
                self._call_leader()
            while (outcome := mail.get()) is _LEAD:
                self._lead()
        except BaseException:  # Ctrl-C
            self._leave(queued)
            raise
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def append_many(self, appends: Sequence[Append]) -> list[Outcome]:
        return self._log.append_many(appends)

    def append_together(self, appends: Sequence[Append]) -> list[list[StoredEvent]]:
        return self._log.append_together(appends)

    def head(self, account_id: str) -> Head:
        return self._log.head(account_id)

    def read_account(
        self, account_id: str, after_version: int = 0, limit: int | None = None
    ) -> list[StoredEvent]:
        return self._log.read_account(account_id, after_version, limit)

    def histories_up_to(self, versions: Mapping[str, int]) -> list[HistoryChunk]:
        return self._log.histories_up_to(versions)

    def event(self, account_id: str, version: int) -> StoredEvent | None:
        return self._log.event(account_id, version)

    def first_events(self, account_ids: Sequence[str]) -> list[StoredEvent]:
        return self._log.first_events(account_ids)

    def find_command(self, account_id: str, command_id: str) -> list[StoredEvent]:
        return self._log.find_command(account_id, command_id)

    def commands_named(self, begins: str, command_id: str, limit: int) -> list[StoredEvent]:
        return self._log.commands_named(begins, command_id, limit)

    def read_settled(self, after: int, limit: int, shards: range | None = None) -> list[StoredEvent]:
        return self._log.read_settled(after, limit, shards)

    def fence_holder(self) -> FenceHolder | None:
        return self._log.fence_holder()

    def at_position(self, position: int) -> StoredEvent | None:
        return self._log.at_position(position)

    def last_position(self) -> int:
        return self._log.last_position()

    def accounts(self, after: str = "") -> Iterator[str]:
        return self._log.accounts(after)

    def _lead(self) -> None:
        """Store the appends whose turn it is, then hand the lead to a thread that still waits."""
        with self._lock:
            self._has_called = False
            group = self._groups.take()
            self._call_leader()
        outcomes: Sequence[Outcome | Exception]
        outcomes = [LogUnavailable("the thread that stored it was interrupted")] * len(group)
        try:
            outcomes = self._log.append_many([queued.append for queued in group])
        except Exception as error:  # noqa: BLE001 - each who waits is to raise it
            outcomes = [error] * len(group)
        finally:
            with self._lock:
                self._groups.finish(group)
                self._free += 1
                self._call_leader()
            for queued, outcome in zip(group, outcomes, strict=True):
                queued.waiter.put(outcome)

    def _call_leader(self) -> None:
        """Call the next leader; the lock is held. The next leader is still queued, so it receives the lead
        before any outcome."""
        leader = self._groups.first()
        if leader is not None and self._free > 0 and not self._has_called:
            self._free -= 1
            self._has_called = True
            leader.waiter.put(_LEAD)

    def _leave(self, queued: QueuedAppend[Mail]) -> None:
        """Stop waiting for this append; if its thread had been sent the lead, hand that to another."""
        with self._lock:
            self._groups.withdraw(queued)
            while not queued.waiter.empty():
                if queued.waiter.get() is _LEAD:
                    self._has_called = False
                    self._free += 1
            self._call_leader()
