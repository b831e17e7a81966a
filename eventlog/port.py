"""The log as the rest of Prorata sees it: `postgres` keeps it in PostgreSQL, `memory` is its twin."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, TypeAlias
from uuid import UUID

from eventlog.errors import LogError
from eventlog.history import HistoryChunk
from eventlog.records import Append, FenceHolder, Head, NewEvent, StoredEvent

Outcome: TypeAlias = list[StoredEvent] | LogError
"""What became of one append among many: its stored events, or the error that `append` would have raised
(VersionConflict when another one was first)."""


class EventLog(Protocol):
    """An append-only, hash-chained log of events, ordered for each account, safe to share between threads.

    Whatever is returned is committed. Any call may raise LogUnavailable: no connection in time.
    """

    @property
    def log_id(self) -> UUID:
        """The identity of this log, made at its creation; a restored backup has the same one."""
        ...

    def append(self, account_id: str, head: Head, events: Sequence[NewEvent]) -> list[StoredEvent]:
        """Store all events or none, right after `head`; raise VersionConflict unless the account ends there.

        The same events at the same place again are answered with what is stored, so an append may be repeated
        after a lost connection. `recorded_at` is now, or the head's where that is later.
        """
        ...

    def append_many(self, appends: Sequence[Append]) -> list[Outcome]:
        """Many appends in one statement, each all or nothing; one outcome for each, in the order given."""
        ...

    def append_together(self, appends: Sequence[Append]) -> list[list[StoredEvent]]:
        """Appends to different accounts, all of them or none; raise the first one's VersionConflict."""
        ...

    def head(self, account_id: str) -> Head:
        """Where the account ends now, Head.NONE if it has no event: one read of the primary key."""
        ...

    def read_account(
        self, account_id: str, after_version: int = 0, limit: int | None = None
    ) -> list[StoredEvent]:
        """The account's events after that version, in order."""
        ...

    def histories_up_to(self, versions: Mapping[str, int]) -> list[HistoryChunk]:
        """The events of each of these accounts that has any, up to its version (inclusive), with the hash of
        the last one."""
        ...

    def event(self, account_id: str, version: int) -> StoredEvent | None:
        """That one event of the account."""
        ...

    def first_events(self, account_ids: Sequence[str]) -> list[StoredEvent]:
        """The first event of each of these accounts that has one, in any order."""
        ...

    def find_command(self, account_id: str, command_id: str) -> list[StoredEvent]:
        """The events that this command appended, in order, however long the account's history is."""
        ...

    def commands_named(self, begins: str, command_id: str, limit: int) -> list[StoredEvent]:
        """Events that a command of this id appended to accounts whose id begins so, by account and version:
        for people who have nothing but the command's id. It reads the index of all commands of these
        accounts."""
        ...

    def read_settled(self, after: int, limit: int, shards: range | None = None) -> list[StoredEvent]:
        """Up to `limit` events above the position `after`, in order; none will ever appear between them.

        `after` is the position of an event that the reader has read, or 0. An empty list: nothing new, or a
        transaction that may still commit lower positions outlasted the wait (`fence_holder` names it).
        """
        ...

    def fence_holder(self) -> FenceHolder | None:
        """The oldest open transaction that holds back settled reads at this moment."""
        ...

    def at_position(self, position: int) -> StoredEvent | None:
        """The event at that position of the log, settled or not; None if none is (or not yet)."""
        ...

    def last_position(self) -> int:
        """The highest position in the log, 0 when empty. No checkpoint: lower ones may still appear."""
        ...

    def accounts(self, after: str = "") -> Iterator[str]:
        """Every account that has events and an id above `after`, in byte order of its id."""
        ...
