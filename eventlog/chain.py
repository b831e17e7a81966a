"""The hash chain of an account: what each event's hash covers, and a check that a history is whole.

The hash of an event is SHA-256 over these fields, in this order:

    field           bytes
    log id          16, the UUID in network order
    account id      UTF-8
    version         8, signed, big-endian
    event id        16, the UUID in network order
    command id      UTF-8, or None
    type            UTF-8
    schema version  8, signed, big-endian
    effective at    8, signed, big-endian: microseconds since 1970-01-01T00:00:00Z
    recorded at     8, the same
    actor           UTF-8, or None
    state           the stored bytes, unchanged
    previous hash   32; for an account's first event, zeros

Each field is preceded by its length in bytes as 4 bytes, big-endian; None is the length 0xFFFFFFFF and no
bytes, so it differs from an empty text. Neither position nor shard is covered: they say where a row lies, not
what happened. docs/eventlog.md has a vector to test a reader in another language with.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from struct import Struct
from typing import Final, Literal, TypeAlias
from uuid import UUID

from eventlog.records import Head, StoredEvent

HASHED: Final = (
    "account_id",
    "version",
    "event_id",
    "command_id",
    "type",
    "schema_version",
    "effective_at",
    "recorded_at",
    "actor",
    "state",
    "previous_hash",
)
"""The columns of a row that its hash covers, in this order, after the log's id."""

_ABSENT = b"\xff\xff\xff\xff"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400
_SIZE = Struct(">I").pack
_VERSION = Struct(">IqI").pack  # and the size of what follows it
_NUMBERS = Struct(">IqIqIq").pack
_SIXTEEN = b"\x00\x00\x00\x10"


def event_hash(
    log_id: UUID,
    account_id: str,
    version: int,
    event_id: UUID,
    command_id: str | None,
    event_type: str,
    schema_version: int,
    effective_at: datetime,
    recorded_at: datetime,
    actor: str | None,
    state: bytes,
    previous_hash: bytes,
) -> bytes:
    """The hash of an event, 32 bytes; through `previous_hash` it covers the account's history before it."""
    account, of_type = account_id.encode(), event_type.encode()
    effective, recorded = effective_at - _EPOCH, recorded_at - _EPOCH
    parts = (
        _SIXTEEN,
        log_id.bytes,
        _SIZE(len(account)),
        account,
        _VERSION(8, version, 16),
        event_id.bytes,
        _ABSENT if command_id is None else _sized(command_id.encode()),
        _SIZE(len(of_type)),
        of_type,
        _NUMBERS(
            8,
            schema_version,
            8,
            (effective.days * _DAY + effective.seconds) * 1_000_000 + effective.microseconds,
            8,
            (recorded.days * _DAY + recorded.seconds) * 1_000_000 + recorded.microseconds,
        ),
        _ABSENT if actor is None else _sized(actor.encode()),
        _SIZE(len(state)),
        state,
        _SIZE(len(previous_hash)),
        previous_hash,
    )
    return sha256(b"".join(parts)).digest()


def hash_of(log_id: UUID, event: StoredEvent) -> bytes:
    """The hash that this event should have, from its own fields."""
    return event_hash(
        log_id,
        event.account_id,
        event.version,
        event.event_id,
        event.command_id,
        event.type,
        event.schema_version,
        event.effective_at,
        event.recorded_at,
        event.actor,
        event.state,
        event.previous_hash,
    )


ProblemKind: TypeAlias = Literal[
    "altered", "missing", "inserted", "reordered", "repeated", "unlinked", "misplaced", "backdated"
]


@dataclass(frozen=True)
class Problem:
    """The first place where a history is not what was written; `version` is the one that belongs there."""

    account_id: str
    version: int
    kind: ProblemKind
    message: str

    def __str__(self) -> str:
        return f"{self.kind}: account {self.account_id!r}, version {self.version}: {self.message}"


def verify_account(log_id: UUID, events: Iterable[StoredEvent], after: Head = Head.NONE) -> Problem | None:
    """The first problem in one account's events, which should follow `after` in order; None if there is none.

    Events cut off the end leave a valid, shorter history: only a head known from elsewhere (a seal, a topic)
    shows that.
    """
    head, account_id = after, None
    remaining = iter(events)
    for event in remaining:
        if account_id is None:
            account_id = event.account_id
        problem = _problem_at(log_id, head, account_id, event, remaining)
        if problem:
            return problem
        head = event.head
    return None


def _problem_at(
    log_id: UUID, head: Head, account_id: str, event: StoredEvent, later: Iterator[StoredEvent]
) -> Problem | None:
    expected = head.version + 1

    def problem(kind: ProblemKind, message: str) -> Problem:
        return Problem(account_id, expected, kind, message)

    if event.account_id != account_id:
        return problem("misplaced", f"an event of account {event.account_id!r} stands here")
    if event.version < expected:
        return problem("repeated", f"version {event.version} stands here again")
    if event.version > expected:
        if any(other.version == expected for other in later):
            return problem("reordered", f"version {event.version} stands before it")
        return problem("missing", f"the history goes on with version {event.version}")
    if hash_of(log_id, event) != event.hash:
        return problem("altered", "its fields do not give its hash")
    if event.previous_hash != head.hash:
        return problem("unlinked", "its previous hash is another one: it, or what is before it, was replaced")
    if head.recorded_at is not None and event.recorded_at < head.recorded_at:
        return problem("backdated", "it is recorded before the event that it follows")
    return None


def _sized(value: bytes) -> bytes:
    return _SIZE(len(value)) + value
