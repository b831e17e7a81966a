"""Headers in Kafka's own encoding, made at once: sixteen of them one by one cost kafka-python more than all
the rest of a record, and a relay twice the time.

    headers = EventHeaders(log_id).of(stored, account_id, prev=41)
    dict(plain(headers))["pos"]

`EncodedHeaders` is for kafka-python's producer alone: a list that says how many headers there are and holds
one pair, the first header's name and a value that has all the others, encoded, behind its own bytes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, TypeAlias
from uuid import UUID

from eventlog import StoredEvent

Headers: TypeAlias = list[tuple[str, bytes]]

CONTENT: Final = ("content-type", b"application/json")
SPECIFICATION: Final = ("ce_specversion", b"1.0")
SOURCE: Final = "urn:uuid:"
"""Before the log's id in `ce_source`."""

_FIRST, _FIRST_VALUE = CONTENT


class _WithTheOthers(bytes):
    """It says the length of the first value, which is what is written before it; all of its bytes are."""

    def __len__(self) -> int:
        return len(_FIRST_VALUE)


class EncodedHeaders(list[tuple[str, bytes]]):
    """`count` headers; `whole`: the first one's value, then the encoding of the others."""

    def __init__(self, count: int, whole: bytes) -> None:
        super().__init__([(_FIRST, _WithTheOthers(whole))])
        self._count = count

    def __len__(self) -> int:
        return self._count


def encoded(headers: Headers) -> EncodedHeaders:
    """The same headers. The first one is the content type."""
    if isinstance(headers, EncodedHeaders):
        return headers
    assert headers[0] == CONTENT
    pieces: list[bytes] = [_FIRST_VALUE]
    for name, value in headers[1:]:
        pieces += (_name(name), _length(len(value)), value)
    return EncodedHeaders(len(headers), b"".join(pieces))


def plain(headers: Headers) -> Headers:
    """The headers one by one."""
    if not isinstance(headers, EncodedHeaders):
        return headers
    whole = bytearray(headers[0][1])
    pairs, at = [CONTENT], len(_FIRST_VALUE)
    while at < len(whole):
        name, at = _text(whole, at)
        value, at = _text(whole, at)
        pairs.append((name.decode(), value))
    return pairs


def _text(whole: bytearray, at: int) -> tuple[bytes, int]:
    length = shift = 0
    while True:
        length |= (whole[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if whole[at - 1] < 0x80:
            break
    length >>= 1
    return bytes(whole[at : at + length]), at + length


@lru_cache(maxsize=4096)
def _length(length: int) -> bytes:
    """As a zigzag varint: seven bits a byte, the lowest first, each but the last with the eighth bit set."""
    left, written = length << 1, bytearray()
    while left > 0x7F:
        written.append(left & 0x7F | 0x80)
        left >>= 7
    written.append(left)
    return bytes(written)


@lru_cache(maxsize=256)
def _name(name: str) -> bytes:
    written = name.encode()
    return _length(len(written)) + written


_LENGTHS: Final = [_length(length) for length in range(256)]
"""Of texts that are not longer: an account's id has 200 bytes at most."""

_ID, _TYPE, _SUBJECT, _TIME = _name("ce_id"), _name("ce_type"), _name("ce_subject"), _name("ce_time")
_POS, _PREV, _VERSION, _SCHEMA_VERSION = (
    _name("pos"),
    _name("prev"),
    _name("version"),
    _name("schema_version"),
)
_EVENT_ID, _EFFECTIVE_AT = _name("event_id") + _length(36), _name("effective_at")
_PREVIOUS_HASH, _HASH = _name("previous_hash") + _length(64), _name("hash") + _length(64)
_COMMAND_ID, _ACTOR = _name("command_id"), _name("actor")


_ALWAYS: Final = 15


class EventHeaders:
    """The headers of a log's events."""

    def __init__(self, log_id: UUID) -> None:
        source = SOURCE.encode() + str(log_id).encode()
        specification, version = SPECIFICATION
        self._log_id = f"{log_id}/".encode()
        before_id = _FIRST_VALUE, _name(specification), _length(len(version)), version
        self._before_id = b"".join((*before_id, _name("ce_source"), _length(len(source)), source, _ID))

    def of(self, stored: StoredEvent, account_id: bytes, prev: int) -> EncodedHeaders:
        """The event's. `account_id`: the record's key."""
        lengths, position = _LENGTHS, b"%d" % stored.position
        ce_id, ce_type = self._log_id + position, stored.type.encode()
        recorded, effective = (
            stored.recorded_at.isoformat().encode(),
            stored.effective_at.isoformat().encode(),
        )
        before, version, schema = b"%d" % prev, b"%d" % stored.version, b"%d" % stored.schema_version
        pieces = [
            *(self._before_id, lengths[len(ce_id)], ce_id),
            *(_TYPE, _length(len(ce_type)), ce_type),
            *(_SUBJECT, lengths[len(account_id)], account_id),
            *(_TIME, lengths[len(recorded)], recorded),
            *(_POS, lengths[len(position)], position),
            *(_PREV, lengths[len(before)], before),
            *(_VERSION, lengths[len(version)], version),
            *(_SCHEMA_VERSION, lengths[len(schema)], schema),
            *(_EVENT_ID, str(stored.event_id).encode()),
            *(_EFFECTIVE_AT, lengths[len(effective)], effective),
            *(_PREVIOUS_HASH, stored.previous_hash.hex().encode()),
            *(_HASH, stored.hash.hex().encode()),
        ]
        count = _ALWAYS
        for name, text in ((_COMMAND_ID, stored.command_id), (_ACTOR, stored.actor)):
            if text is not None:
                value = text.encode()
                pieces += (name, _length(len(value)), value)
                count += 1
        return EncodedHeaders(count, b"".join(pieces))
