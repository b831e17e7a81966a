"""The records of the contract: CloudEvents 1.0 in Kafka's binary mode, and what each header means.

    record = event_record(topic, EventHeaders(log_id), stored, partition, prev=41, clock="wall")
    message = decode(topics.events, key, value, headers)      # PublishedEvent, PublishedState or Heartbeat
    message.is_intact()

An event's value is the bytes that the log keeps, unchanged, and its headers are every other field that the
chain's hash covers: whoever holds the records can verify an account's history (`eventlog.chain`) without us.
Headers that begin with `ce_` are CloudEvents' attributes and our extensions of them, which SDKs keep.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

import msgspec

from domain.events import Clock
from eventlog import NO_HASH, StoredEvent, hash_of, shard_of
from publishing.dataschema import dataschema
from publishing.errors import EnvelopeUnreadable
from publishing.headers import CONTENT, SOURCE, SPECIFICATION, EventHeaders
from publishing.topics import Topic
from publishing.wire import Headers, encoded, plain

HEARTBEAT_KEY: Final = b"\0heartbeat"
"""The key of every heartbeat. No account has it: ids hold no NUL."""

HEARTBEAT_TYPE: Final = "prorata.heartbeat"

_MOST: Final = (1 << 63) - 1
"""The highest position or revision that a bigint holds."""

_MOST_FOLD: Final = (1 << 31) - 1

_MOST_HEADERS: Final = 64
"""More than three times what we write."""


class Record(NamedTuple):
    """A record as it is sent; `headers` encoded."""

    topic: str
    partition: int
    key: bytes
    value: bytes
    headers: bytes

    @property
    def pairs(self) -> Headers:
        """The headers as a reader gets them."""
        return plain(self.headers)


class PublishedEvent(msgspec.Struct, frozen=True):
    """An event as it was read. `prev`: the position of the one before it in its partition, 0: none.

    `clock`: where its account lives (R97); None where its first event does not say it, and in what was
    published before release 2 of the contract. No hash covers it, as the account's first event says it too.
    """

    log_id: UUID
    prev: int
    event: StoredEvent
    clock: Clock | None = None

    @property
    def type(self) -> str:
        return self.event.type

    @property
    def account_id(self) -> str:
        return self.event.account_id

    def is_intact(self) -> bool:
        """Whether its fields give its hash: nothing of it was altered since it was appended."""
        return hash_of(self.log_id, self.event) == self.event.hash


class PublishedState(msgspec.Struct, frozen=True):
    """The whole state of a key after the event at position `revision`, by version `fold` of its fold.

    `clock`: where its account lives (R97); None in what was published before release 2 of the contract.
    """

    log_id: UUID
    type: str
    account_id: str
    fold: int
    revision: int
    value: bytes
    refreshed_at: int = 0
    clock: Clock | None = None

    @property
    def as_of(self) -> int:
        """The position up to which the log is known to say this: of a state that was sent again, the one at
        which it was."""
        return max(self.revision, self.refreshed_at)

    @property
    def order(self) -> tuple[int, int]:
        """Take what is not lower."""
        return self.fold, self.as_of


class Heartbeat(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything that was in the log at `log_time`, by its database's clock, is before this record.

    `position` is the last event published then. In a state topic no state before this record is of a higher
    revision, nor of a higher `fold`.
    """

    log_id: UUID
    position: int
    log_time: datetime
    fold: int | None = None

    def covers(self, position: int, fold: int = 0) -> bool:
        """Whether the relay had been at that position, with that version of the topic's fold."""
        return position <= self.position and (self.fold is None or fold <= self.fold)


Message: TypeAlias = PublishedEvent | PublishedState | Heartbeat

_CLOCKS: Final[Mapping[str, Clock]] = {"wall": "wall", "test": "test"}

_heartbeats: Final = msgspec.json.Decoder(Heartbeat)


def ce_id(log_id: UUID, position: int) -> str:
    """The same for the same event, however often it is sent: what a reader that keeps no order dedupes by."""
    return f"{log_id}/{position}"


def event_record(
    topic: Topic,
    headers: EventHeaders,
    stored: StoredEvent,
    partition: int,
    prev: int,
    clock: Clock | None = None,
) -> Record:
    """The event's record. `prev`: the position of the event before it in that partition, 0 for the first;
    `clock`: its account's, None where the account's first event says none."""
    account_id = stored.account_id.encode()
    written = headers.of(stored, account_id, prev, clock)
    return Record(topic.name, partition, account_id, stored.state, written)


def state_record(
    topic: Topic, key: str, state: PublishedState, partition: int, recorded_at: datetime
) -> Record:
    """A state's record. `recorded_at`: of the event that made it."""
    fold, revision = b"%d" % state.fold, b"%d" % state.revision
    headers: Headers = [
        CONTENT,
        SPECIFICATION,
        ("ce_id", f"{ce_id(state.log_id, state.revision)}/{topic.base}/{key}/{state.fold}".encode()),
        ("ce_source", SOURCE.encode() + str(state.log_id).encode()),
        ("ce_type", state.type.encode()),
        ("ce_subject", state.account_id.encode()),
        ("ce_time", recorded_at.isoformat().encode()),
        ("ce_dataschema", dataschema(topic.base).encode()),
        *(("fold", fold), ("ce_fold", fold)),
        *(("revision", revision), ("ce_revision", revision)),
    ]
    if state.refreshed_at:
        headers.append(("refreshed_at", b"%d" % state.refreshed_at))
    if state.clock is not None:
        headers.append(("ce_clock", state.clock.encode()))
    return Record(topic.name, partition, key.encode(), state.value, encoded(headers))


def heartbeat_record(topic: Topic, partition: int, heartbeat: Heartbeat) -> Record:
    """The heartbeat's record for that partition: small, since the events topic keeps each one."""
    headers: Headers = [
        CONTENT,
        SPECIFICATION,
        ("ce_id", heartbeat.log_time.isoformat().encode()),
        ("ce_source", SOURCE.encode() + str(heartbeat.log_id).encode()),
        ("ce_type", HEARTBEAT_TYPE.encode()),
        ("ce_dataschema", dataschema(HEARTBEAT_TYPE).encode()),
    ]
    return Record(topic.name, partition, HEARTBEAT_KEY, msgspec.json.encode(heartbeat), encoded(headers))


@lru_cache(maxsize=16)
def log_id_of(source: str) -> UUID:
    """The log that a `ce_source` names. Raises ValueError where it names none."""
    return UUID(source.removeprefix(SOURCE))


def decode(
    topic: Topic, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes | None]]
) -> Message:
    """What the record says, whoever wrote it. Raises EnvelopeUnreadable."""
    try:
        found = _texts(headers)
        if value is None:
            raise ValueError("it has no value")
        if found["ce_type"] == HEARTBEAT_TYPE:
            return _heartbeat(key, value)
        if topic.kind == "events":
            return _event(found, key, value)
        return _state(found, key, value)
    except (KeyError, ValueError, TypeError, OverflowError, msgspec.MsgspecError) as error:
        reason = f"header {error} is missing" if isinstance(error, KeyError) else str(error)
        raise EnvelopeUnreadable(topic.name, reason[:500]) from error


def _texts(headers: Sequence[tuple[str, bytes | None]]) -> dict[str, str]:
    if len(headers) > _MOST_HEADERS:
        raise ValueError(f"it has {len(headers)} headers")
    found = {name: content.decode() for name, content in headers if content is not None}
    if len(found) != len(headers):
        raise ValueError("a header is there twice, or has no value")
    return found


def _number(text: str, most: int = _MOST) -> int:
    """The number of a header. Raises ValueError where it is none that we would have written."""
    number = int(text) if len(text) < 20 else most + 1  # int() of a long one takes its time
    if not 0 <= number <= most:
        raise ValueError(f"a number of {len(text)} digits is out of range")
    return number


def _heartbeat(key: bytes | None, value: bytes) -> Heartbeat:
    heartbeat = _heartbeats.decode(value)
    if key != HEARTBEAT_KEY or not 0 <= heartbeat.position <= _MOST or heartbeat.log_time.tzinfo is None:
        raise ValueError("it is no heartbeat of a relay")
    return heartbeat


def _event(found: Mapping[str, str], key: bytes | None, value: bytes) -> PublishedEvent:
    account_id = found["ce_subject"]
    if key != account_id.encode():
        raise ValueError("its key is not the account's id")
    stored = StoredEvent(
        position=_number(found["pos"]),
        account_id=account_id,
        version=_number(found["version"]),
        shard=shard_of(account_id),
        event_id=UUID(found["event_id"]),
        command_id=found.get("command_id"),
        type=found["ce_type"],
        schema_version=_number(found["schema_version"]),
        recorded_at=datetime.fromisoformat(found["ce_time"]),
        effective_at=datetime.fromisoformat(found["effective_at"]),
        actor=found.get("actor"),
        state=value,
        previous_hash=_hash(found["previous_hash"]),
        hash=_hash(found["hash"]),
    )
    if stored.recorded_at.tzinfo is None or stored.effective_at.tzinfo is None:
        raise ValueError("an instant has no time zone")
    return PublishedEvent(log_id_of(found["ce_source"]), _number(found["prev"]), stored, _clock(found))


class _Document(msgspec.Struct):
    """What every state's value says of itself."""

    account: str
    revision: int
    fold: int
    clock: Clock | None = None


_documents: Final = msgspec.json.Decoder(_Document)


def _state(found: Mapping[str, str], key: bytes | None, value: bytes) -> PublishedState:
    account_id = found["ce_subject"]
    account, document = account_id.encode(), _documents.decode(value)
    if key != account and (key is None or not key.startswith(account + b"/")):
        raise ValueError("its key is not the account's")
    state = PublishedState(
        log_id=log_id_of(found["ce_source"]),
        type=found["ce_type"],
        account_id=account_id,
        fold=_number(found["fold"], _MOST_FOLD),
        revision=_number(found["revision"]),
        value=value,
        refreshed_at=_number(found.get("refreshed_at", "0")),
        clock=_clock(found),
    )
    said = account_id, state.revision, state.fold, state.clock
    if (document.account, document.revision, document.fold, document.clock) != said:
        raise ValueError("its value is of another account, revision, fold or clock than its headers say")
    return state


def _clock(found: Mapping[str, str]) -> Clock | None:
    said = found.get("ce_clock")
    if said is not None and said not in _CLOCKS:
        raise ValueError(f"there is no clock {said!r}")
    return None if said is None else _CLOCKS[said]


def _hash(text: str) -> bytes:
    content = bytes.fromhex(text)
    if len(content) != len(NO_HASH):
        raise ValueError(f"a hash of {len(content)} bytes")
    return content
