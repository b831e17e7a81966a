"""The log in memory: the same promises as in PostgreSQL, for one process and as long as it lives."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from operator import attrgetter
from threading import RLock
from uuid import UUID, uuid4

from msgspec.structs import replace

from eventlog.appending import chained_rows, is_stored_as, utc_now
from eventlog.codec import kinds_of
from eventlog.errors import LogError, VersionConflict
from eventlog.history import HistoryChunk, chunk_of
from eventlog.port import Outcome
from eventlog.records import Append, FenceHolder, Head, NewEvent, StoredEvent
from eventlog.shards import neighbours


class MemoryEventLog:
    """An EventLog without a database. As in PostgreSQL, an append that loses burns a position."""

    def __init__(self, *, log_id: UUID | None = None, clock: Callable[[], datetime] = utc_now) -> None:
        self._log_id = log_id or uuid4()
        self._clock = clock
        self._lock = RLock()
        self._accounts: dict[str, list[StoredEvent]] = {}
        self._events: list[StoredEvent] = []
        self._handed_out = 0

    def close(self) -> None:
        """Do nothing: this log is closed where the one in PostgreSQL would be."""

    @property
    def log_id(self) -> UUID:
        return self._log_id

    def append(self, account_id: str, head: Head, events: Sequence[NewEvent]) -> list[StoredEvent]:
        [stored] = self.append_together([Append(account_id, head, tuple(events))])
        return stored

    def append_many(self, appends: Sequence[Append]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for append in appends:
            try:
                outcomes.append(self.append(append.account_id, append.head, append.events))
            except LogError as error:
                outcomes.append(error)
        return outcomes

    def append_together(self, appends: Sequence[Append]) -> list[list[StoredEvent]]:
        with self._lock:
            now = self._clock()
            rows_of_each = [chained_rows(self._log_id, append, now) for append in appends]
            if len({append.account_id for append in appends}) < len(appends):
                raise ValueError("append_together takes one append for each account")
            losers = [append for append in appends if self.head(append.account_id) != append.head]
            if not losers:
                return [self._store(rows) for rows in rows_of_each]
            self._handed_out += len(losers)
            earlier = [self._stored_earlier(append) for append in losers]
            found = [rows for rows in earlier if rows]
            if len(found) == len(appends):
                return found
            raise self._conflict(losers[0 if len(losers) < len(appends) else earlier.index(None)])

    def head(self, account_id: str) -> Head:
        with self._lock:
            events = self._accounts.get(account_id)
            return events[-1].head if events else Head.NONE

    def read_account(
        self, account_id: str, after_version: int = 0, limit: int | None = None
    ) -> list[StoredEvent]:
        with self._lock:
            return self._accounts.get(account_id, [])[after_version:][:limit]

    def histories_up_to(self, versions: Mapping[str, int]) -> list[HistoryChunk]:
        found = [self.read_account(account, 0, last) for account, last in versions.items()]
        return [chunk_of(events, kinds_of(events)) for events in found if events]

    def event(self, account_id: str, version: int) -> StoredEvent | None:
        found = self.read_account(account_id, version - 1, 1) if version >= 1 else []
        return found[0] if found else None

    def first_events(self, account_ids: Sequence[str]) -> list[StoredEvent]:
        found = [self.event(account_id, 1) for account_id in account_ids]
        return [event for event in found if event is not None]

    def find_command(self, account_id: str, command_id: str) -> list[StoredEvent]:
        return [event for event in self.read_account(account_id) if event.command_id == command_id]

    def commands_named(self, begins: str, command_id: str, limit: int) -> list[StoredEvent]:
        found = [
            event
            for account_id in self.accounts(begins)
            if account_id.startswith(begins)
            for event in self.find_command(account_id, command_id)
        ]
        return found[:limit]

    def read_settled(self, after: int, limit: int, shards: range | None = None) -> list[StoredEvent]:
        wanted = neighbours(shards)
        with self._lock:
            begin = bisect_right(self._events, after, key=attrgetter("position"))
            found = (event for event in islice(self._events, begin, None) if event.shard in wanted)
            return list(islice(found, limit))

    def fence_holder(self) -> FenceHolder | None:
        return None

    def at_position(self, position: int) -> StoredEvent | None:
        found = self.read_settled(position - 1, 1)
        return found[0] if found and found[0].position == position else None

    def last_position(self) -> int:
        with self._lock:
            return self._events[-1].position if self._events else 0

    def accounts(self, after: str = "") -> Iterator[str]:
        with self._lock:
            return iter(sorted([account for account in self._accounts if account > after]))

    def _store(self, rows: list[StoredEvent]) -> list[StoredEvent]:
        stored = []
        for row in rows:
            self._handed_out += 1
            stored.append(replace(row, position=self._handed_out))
        self._events += stored
        self._accounts.setdefault(stored[0].account_id, []).extend(stored)
        return stored

    def _stored_earlier(self, append: Append) -> list[StoredEvent] | None:
        found = self.read_account(append.account_id, append.head.version, len(append.events))
        return found if is_stored_as(append, found) else None

    def _conflict(self, append: Append) -> VersionConflict:
        return VersionConflict(append.account_id, append.head.version, self.head(append.account_id).version)
