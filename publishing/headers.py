"""The headers of an event's record, encoded.

headers = EventHeaders(log_id).of(stored, account_id, prev=41)
dict(plain(headers))["pos"]
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from uuid import UUID

from eventlog import StoredEvent
from publishing.wire import encoded, text, varint

CONTENT: Final = ("content-type", b"application/json")
SPECIFICATION: Final = ("ce_specversion", b"1.0")
SOURCE: Final = "urn:uuid:"
"""Before the log's id in `ce_source`."""

_SAME: Final = 3
"""Headers that are the same for each event of a log."""

_ALWAYS: Final = 15
"""Headers of every event. By which command, and by whom, is not always known."""

_LENGTHS: Final = [varint(length) for length in range(256)]
"""Of texts that are not longer: an account's id has 200 bytes at most."""


@lru_cache
def _text(content: str) -> bytes:
    return text(content.encode())


_ID, _TYPE, _SUBJECT, _TIME = _text("ce_id"), _text("ce_type"), _text("ce_subject"), _text("ce_time")
_POS, _PREV, _VERSION, _SCHEMA_VERSION = (
    _text("pos"),
    _text("prev"),
    _text("version"),
    _text("schema_version"),
)
_EVENT_ID, _EFFECTIVE_AT = _text("event_id") + varint(36), _text("effective_at")
_PREVIOUS_HASH, _HASH = _text("previous_hash") + varint(64), _text("hash") + varint(64)
_COMMAND_ID, _ACTOR = _text("command_id"), _text("actor")


class EventHeaders:
    """The headers of a log's events."""

    def __init__(self, log_id: UUID) -> None:
        self._log_id = f"{log_id}/".encode()
        same = encoded([CONTENT, SPECIFICATION, ("ce_source", f"{SOURCE}{log_id}".encode())])
        how_many = len(varint(_SAME))
        self._before_id = {
            count: varint(count) + same[how_many:] + _ID for count in range(_ALWAYS, _ALWAYS + 3)
        }

    def of(self, stored: StoredEvent, account_id: bytes, prev: int) -> bytes:
        """The event's. `account_id`: the record's key."""
        lengths, position = _LENGTHS, b"%d" % stored.position
        ce_id = self._log_id + position
        recorded = stored.recorded_at.isoformat().encode()
        effective = stored.effective_at.isoformat().encode()
        before, version, schema = b"%d" % prev, b"%d" % stored.version, b"%d" % stored.schema_version
        pieces = [
            *(b"", lengths[len(ce_id)], ce_id),
            *(_TYPE, _text(stored.type)),
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
        for name, value in ((_COMMAND_ID, stored.command_id), (_ACTOR, stored.actor)):
            if value is not None:
                pieces += (name, text(value.encode()))
                count += 1
        pieces[0] = self._before_id[count]
        return b"".join(pieces)
