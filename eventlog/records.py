"""What goes into the log and what comes out of it: plain frozen records, no behaviour."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

MAX_ACCOUNT_ID_BYTES = 200
"""The longest `tenant/account` that the log takes, in UTF-8 bytes."""

NO_HASH = bytes(32)
"""What stands where the hash of a previous event would, before an account's first one."""


class NewEvent(msgspec.Struct, frozen=True):
    """An event to be appended. The caller makes `event_id` once: it tells a repeated append from a rival."""

    event_id: UUID
    command_id: str | None
    type: str
    schema_version: int
    effective_at: datetime
    actor: str | None
    state: bytes


class StoredEvent(msgspec.Struct, frozen=True, gc=False):
    """One row of the log: `position` orders the whole log, `version` the account; instants are in UTC."""

    position: int
    account_id: str
    version: int
    shard: int
    event_id: UUID
    command_id: str | None
    type: str
    schema_version: int
    recorded_at: datetime
    effective_at: datetime
    actor: str | None
    state: bytes
    previous_hash: bytes
    hash: bytes

    @property
    def head(self) -> "Head":
        """The account's head as it was right after this event."""
        return Head(self.version, self.hash, self.recorded_at)


class Head(msgspec.Struct, frozen=True):
    """Where an account's history ends: what an append builds on."""

    version: int
    hash: bytes
    recorded_at: datetime | None

    NONE: ClassVar["Head"]
    """The head of an account without events: version 0, 32 zero bytes."""


Head.NONE = Head(version=0, hash=NO_HASH, recorded_at=None)


class Append(msgspec.Struct, frozen=True):
    """Events for one account, all of them or none, on top of `head`."""

    account_id: str
    head: Head
    events: tuple[NewEvent, ...]


class FenceHolder(msgspec.Struct, frozen=True):
    """An open transaction that has written to the log, so that positions up to its own are not settled.

    What the database does not show to this role is None, and role to state also for a prepared one.
    """

    transaction: str
    pid: int | None
    role: str | None
    application: str | None
    state: str | None
    began_at: datetime | None

    def held_for(self, now: datetime) -> float:
        """Seconds since it began, at most for so long has it held the fence; 0.0 where that is not shown."""
        return 0.0 if self.began_at is None else max(0.0, (now - self.began_at).total_seconds())

    def __str__(self) -> str:
        since = f" since {self.began_at.isoformat()}" if self.began_at else ""
        if self.pid is None:
            return f"a prepared transaction ({self.transaction}){since}: see pg_prepared_xacts"
        return f"backend {self.pid} (role {self.role}, application {self.application!r}, {self.state}){since}"
