"""The file of an exported log: a line that names the log, a line for each event in the order of positions,
and a last line with their numbers and the file's digest.

What `reading` yields is whole: every line has its place, every event its own hash and that of the one before
it, and the file ends where it was meant to. Any other file is refused with the line and the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, BinaryIO, Final, Literal, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from domain.errors import InvalidInput
from domain.texts import NO_PLAIN_TEXT, is_plain
from eventlog.chain import verify_account
from eventlog.codec import domain_codec
from eventlog.errors import EventUnreadable
from eventlog.records import MAX_ACCOUNT_ID_BYTES, Head, StoredEvent
from eventlog.shards import shard_of

MAX_LINE: Final = 64 * 1024 * 1024
"""Bytes of a line."""

LAST_POSITION: Final = 2**62
"""Above it a log could not go on."""

_HASH = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
_Version = Annotated[int, Meta(ge=1, le=LAST_POSITION)]
_YEARS: Final = range(2, 9999)


class FirstLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The log: its identity, and when it was made."""

    prorata_log: Literal[1]
    log_id: UUID
    created_at: datetime


class EventLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An event. `state`: its bytes as they are, which are JSON; as `state_hex` where they cannot stand in a
    line as they are. The shard follows from the account, and the hash before from the event before."""

    position: _Version
    account: str
    version: _Version
    event_id: UUID
    type: str
    schema_version: Annotated[int, Meta(ge=1, le=32_767)]
    recorded_at: datetime
    effective_at: datetime
    hash: _HASH
    command_id: str | None = None
    actor: str | None = None
    state: msgspec.Raw | UnsetType = UNSET
    state_hex: str | None = None


class LastLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The end: how many events and accounts, and the SHA-256 of all lines before."""

    events: int
    accounts: int
    sha256: _HASH


class Contents(msgspec.Struct, frozen=True):
    """What a file holds, once all of it was read."""

    log_id: UUID
    created_at: datetime
    events: int
    accounts: int
    last_position: int


_decode_first = msgspec.json.Decoder(FirstLine).decode
_decode_event = msgspec.json.Decoder(EventLine).decode
_decode_last = msgspec.json.Decoder(LastLine).decode
_encode = msgspec.json.Encoder().encode
_LAST: Final = re.compile(rb'\{"events":')
_HEX: Final = re.compile(r"([0-9a-f]{2})*")

L = TypeVar("L")


# ---- writing


def written(log_id: UUID, created_at: datetime, events: Iterable[StoredEvent]) -> Iterator[bytes]:
    """The lines of the file: equal logs give equal bytes."""
    digest, number, accounts = sha256(), 0, 0
    line = _encode(FirstLine(1, log_id, created_at)) + b"\n"
    digest.update(line)
    yield line
    for event in events:
        line = _encode(_line_of(event)) + b"\n"
        digest.update(line)
        number += 1
        accounts += event.version == 1
        yield line
    yield _encode(LastLine(number, accounts, digest.hexdigest())) + b"\n"


def _line_of(event: StoredEvent) -> EventLine:
    as_it_is = _stands_as_it_is(event.state)
    return EventLine(
        event.position,
        event.account_id,
        event.version,
        event.event_id,
        event.type,
        event.schema_version,
        event.recorded_at,
        event.effective_at,
        event.hash.hex(),
        event.command_id,
        event.actor,
        msgspec.Raw(event.state) if as_it_is else UNSET,
        None if as_it_is else event.state.hex(),
    )


def _stands_as_it_is(state: bytes) -> bool:
    """Whether the bytes are one JSON value in a single line, with nothing around it."""
    try:
        msgspec.json.decode(state)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False
    return state == state.strip() and b"\n" not in state and b"\r" not in state


# ---- reading


class Reading:
    """Reads a file once, from its beginning: `events`, then what it `holds`. Of each account it keeps in
    memory where it ended.

    Raises InvalidInput `invalid_export` with the line and the reason, for the first fault.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = sha256()
        self._number = 0
        self._heads: dict[str, Head] = {}
        self._codec = domain_codec()
        self._position = 0
        self._last: LastLine | None = None
        self.first: FirstLine = self._decoded(_decode_first, self._next())
        if self.first.created_at.tzinfo is None:
            raise self._fault("created_at has no time zone")

    def events(self) -> Iterator[StoredEvent]:
        """Each event, in the order of positions."""
        count = 0
        while not _LAST.match(line := self._next()):
            yield self._event(self._decoded(_decode_event, line))
            count += 1
        last: LastLine = self._decoded(_decode_last, line)
        if (last.events, last.accounts) != (count, len(self._heads)):
            found = f"{count:,} events of {len(self._heads):,} accounts"
            said = f"{last.events:,} events of {last.accounts:,} accounts"
            raise self._fault(f"it says {said}, and here are {found}")
        if last.sha256 != self._before:
            raise self._fault("the digest is another: lines before it were altered")
        if self._file.read(1):
            raise self._fault("something follows the last line")
        self._last = last

    @property
    def holds(self) -> Contents:
        """What was read; the events come first."""
        assert self._last is not None, "the events come first"
        first, last = self.first, self._last
        return Contents(first.log_id, first.created_at, last.events, last.accounts, self._position)

    def _next(self) -> bytes:
        """The next line. `_before` is the digest of those before it."""
        line = self._file.readline(MAX_LINE + 1)
        self._number += 1
        if len(line) > MAX_LINE:
            raise self._fault(f"a line has at most {MAX_LINE:,} bytes")
        if not line.endswith(b"\n"):
            raise self._fault("the file ends before its last line: it was cut off")
        self._before = self._digest.hexdigest() if _LAST.match(line) else ""
        self._digest.update(line)
        return line

    def _decoded(self, decode: Callable[[bytes], L], line: bytes) -> L:
        try:
            return decode(line)
        except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError) as error:
            raise self._fault(str(error)) from None

    def _event(self, line: EventLine) -> StoredEvent:
        if (reason := _unfit(line)) is not None:
            raise self._fault(reason)
        if line.position <= self._position:
            raise self._fault(f"position {line.position} is not after {self._position}")
        head = self._heads.get(line.account, Head.NONE)
        event = StoredEvent(
            line.position,
            line.account,
            line.version,
            shard_of(line.account),
            line.event_id,
            line.command_id,
            line.type,
            line.schema_version,
            line.recorded_at.astimezone(UTC),
            line.effective_at.astimezone(UTC),
            line.actor,
            b"" if line.state is UNSET else bytes(line.state),
            head.hash,
            bytes.fromhex(line.hash),
        )
        if line.state_hex is not None:
            event = replace(event, state=bytes.fromhex(line.state_hex))
        problem = verify_account(self.first.log_id, [event], head)
        if problem is not None:
            raise self._fault(str(problem))
        try:
            self._codec.read(event)
        except EventUnreadable as error:
            raise self._fault(str(error)) from None
        self._position = line.position
        self._heads[line.account] = event.head
        return event

    def _fault(self, reason: str) -> InvalidInput:
        return InvalidInput("invalid_export", f"line {self._number}", reason)


def _unfit(line: EventLine) -> str | None:
    """Why no log takes such an event; None: one does."""
    texts = (line.account, line.type, line.command_id or "", line.actor or "")
    if not all(map(is_plain, texts)):
        return NO_PLAIN_TEXT
    if not 1 <= len(line.account.encode()) <= MAX_ACCOUNT_ID_BYTES:
        return f"an account id has 1 to {MAX_ACCOUNT_ID_BYTES} bytes"
    for instant in (line.recorded_at, line.effective_at):
        if instant.tzinfo is None or instant.year not in _YEARS:
            return "an instant has a time zone, and is of the years 2 to 9998"
    if (line.state is UNSET) == (line.state_hex is None):
        return "an event has either state or state_hex"
    if line.state_hex is not None and not _HEX.fullmatch(line.state_hex):
        return "state_hex is not in hexadecimal digits"
    return None
