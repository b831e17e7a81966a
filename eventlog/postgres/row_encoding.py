"""Encode rows as one parameter of an insert: an array of `sealed_event` in PostgreSQL's binary format.

psycopg dumps a list item by item in Python, which would take most of an append's time; here a few calls into
C make a row. An array is a header and its length-prefixed items; a composite item is its number of columns,
then each with its type and length. With an array for each column, the server would run a function scan for
each.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from struct import Struct
from typing import Final

from psycopg.adapt import AdaptersMap, Dumper
from psycopg.pq import Format

from eventlog.records import StoredEvent

COLUMNS: Final = StoredEvent.__struct_fields__[1:]
"""The columns that an insert fills, all but the position, in the order of the type `sealed_event`."""

_BIGINT_OID, _TEXT_OID, _RECORD_OID, _BYTEA_OID, _INSTANT_OID = 20, 25, 2249, 17, 1184

_array = Struct(">iiIii").pack  # dimensions, whether there are nulls, item type, length, first index
_bigint = Struct(">iq").pack
_length = Struct(">i").pack
_column = Struct(">Ii").pack  # type, length; the bytes follow, none for a null, of length -1

_BIGINT, _SMALLINT, _UUID = _column(_BIGINT_OID, 8), _column(21, 2), _column(2950, 16)
_INSTANT, _HASH = _column(1184, 8), _column(17, 32)
_TEXT, _BYTES = _TEXT_OID.to_bytes(4, "big"), (17).to_bytes(4, "big")

# A row's size, number of columns, and its columns up to the length of the next one that has no fixed length.
_to_account = Struct(">iI4si").pack
_to_command = Struct(">8sq8sh8s16s4si").pack
_to_type = Struct(">4si").pack
_to_actor = Struct(">8sh8sq8sq4si").pack
_to_state = Struct(">4si").pack
_to_end = Struct(">8s32s8s32s").pack

_NULL = (-1).to_bytes(4, "big", signed=True)

_FIXED = 4 + 8 + 16 + 10 + 24 + 8 + 8 + 10 + 16 + 16 + 8 + 8 + 40 + 40
"""The length in bytes of an encoded row without its texts and its state."""

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class Packed(bytes):
    """Bytes of an argument that is already encoded in PostgreSQL's binary format."""


class _PackedDumper(Dumper):
    format = Format.BINARY
    oid = 0

    def dump(self, obj: Packed) -> bytes:
        return obj


def take_packed(adapters: AdaptersMap) -> None:
    """Let a connection with these adapters take `Packed` arguments."""
    adapters.register_dumper(Packed, _PackedDumper)


def row_array(rows: Sequence[StoredEvent]) -> Packed:
    """Encode one or more rows as an array. Its item type is `record`; the server casts it to
    `sealed_event`."""
    parts = [_array(1, 0, _RECORD_OID, len(rows), 1)]
    for row in rows:
        account_id, kind, state = row.account_id.encode(), row.type.encode(), row.state
        command_id, command_size = _optional(row.command_id)
        actor, actor_size = _optional(row.actor)
        size = _FIXED + len(account_id) + len(command_id) + len(kind) + len(actor) + len(state)
        parts += (
            _to_account(size, len(COLUMNS), _TEXT, len(account_id)),
            account_id,
            _to_command(
                *(_BIGINT, row.version, _SMALLINT, row.shard, _UUID, row.event_id.bytes, _TEXT, command_size)
            ),
            command_id,
            _to_type(_TEXT, len(kind)),
            kind,
            _to_actor(
                *(_SMALLINT, row.schema_version, _INSTANT, _microseconds(row.recorded_at)),
                *(_INSTANT, _microseconds(row.effective_at), _TEXT, actor_size),
            ),
            actor,
            _to_state(_BYTES, len(state)),
            state,
            _to_end(_HASH, row.previous_hash, _HASH, row.hash),
        )
    return Packed(b"".join(parts))


def bigints(values: Sequence[int]) -> Packed:
    """Encode integers as a `bigint[]`."""
    header = _array(1, 0, _BIGINT_OID, len(values), 1)
    return Packed(b"".join((header, *(_bigint(8, value) for value in values))))


def texts(values: Sequence[str]) -> Packed:
    """Encode texts as a `text[]`."""
    encoded = [value.encode() for value in values]
    header = _array(1, 0, _TEXT_OID, len(values), 1)
    return Packed(header + b"".join([part for text in encoded for part in (_length(len(text)), text)]))


def byte_strings(values: Sequence[bytes]) -> Packed:
    """Encode byte strings as a `bytea[]`."""
    header = _array(1, 0, _BYTEA_OID, len(values), 1)
    return Packed(header + b"".join([part for value in values for part in (_length(len(value)), value)]))


def instants(values: Sequence[datetime | None]) -> Packed:
    """Encode instants as a `timestamptz[]`."""
    header = _array(1, 1, _INSTANT_OID, len(values), 1)
    rows = [_NULL if value is None else _bigint(8, _microseconds(value)) for value in values]
    return Packed(header + b"".join(rows))


def _optional(text: str | None) -> tuple[bytes, int]:
    if text is None:
        return b"", -1
    encoded = text.encode()
    return encoded, len(encoded)


def _microseconds(instant: datetime) -> int:
    since = instant - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
