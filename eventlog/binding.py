"""Sealed rows as the arrays of an insert, in PostgreSQL's binary format.

psycopg dumps a list item by item in Python, which costs an append more than all else in it. Here each column
is put together by a few calls into C. An array is a header, then each item after its length; so a statement
must say each parameter's type, `$1::text[]`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import chain, repeat
from operator import attrgetter
from struct import Struct
from typing import Any, Final

from psycopg.adapt import AdaptersMap, Dumper
from psycopg.pq import Format

from eventlog.records import StoredEvent

TYPES: Final = {
    "account_id": "text",
    "version": "bigint",
    "shard": "smallint",
    "event_id": "uuid",
    "command_id": "text",
    "type": "text",
    "schema_version": "smallint",
    "recorded_at": "timestamptz",
    "effective_at": "timestamptz",
    "actor": "text",
    "state": "bytea",
    "previous_hash": "bytea",
    "hash": "bytea",
}
"""The columns that an insert fills, in the order in which `arrays` gives them."""

_OIDS: Final = {"bigint": 20, "smallint": 21, "text": 25, "bytea": 17, "timestamptz": 1184, "uuid": 2950}

_HEADER = Struct(">iiIii")  # dimensions, whether there are nulls, item type, length, first index
_LENGTH = Struct(">i").pack
_BIGINT = partial(Struct(">iq").pack, 8)
_SMALLINT = partial(Struct(">ih").pack, 2)
_NULL = _LENGTH(-1)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

_columns = attrgetter(*TYPES)


class Packed(bytes):
    """An argument that is in PostgreSQL's binary format already."""


class _PackedDumper(Dumper):
    format = Format.BINARY
    oid = 0

    def dump(self, obj: Packed) -> bytes:
        return obj


def take_packed(adapters: AdaptersMap) -> None:
    """Let a connection with these adapters take such arguments."""
    adapters.register_dumper(Packed, _PackedDumper)


def arrays(rows: Sequence[StoredEvent]) -> list[Packed]:
    """Each of the columns TYPES of one or more rows."""
    columns = zip(*map(_columns, rows), strict=True)
    packed = zip(TYPES.values(), columns, strict=True)
    return [_array(kind, len(rows), _ITEMS[kind](column)) for kind, column in packed]


def bigints(values: Sequence[int]) -> Packed:
    """An array of them."""
    return _array("bigint", len(values), map(_BIGINT, values))


def _array(kind: str, length: int, items: Iterable[bytes]) -> Packed:
    return Packed(b"".join((_HEADER.pack(1, 1, _OIDS[kind], length, 1), *items)))


def _texts(column: Sequence[str | None]) -> Iterable[bytes]:
    for text in column:
        if text is None:
            yield _NULL
        else:
            encoded = text.encode()
            yield _LENGTH(len(encoded))
            yield encoded


def _bytes(column: Sequence[bytes]) -> Iterable[bytes]:
    return chain.from_iterable(zip(map(_LENGTH, map(len, column)), column, strict=True))


def _uuids(column: Iterable[object]) -> Iterable[bytes]:
    return chain.from_iterable(zip(repeat(_LENGTH(16)), map(attrgetter("bytes"), column), strict=False))


def _instants(column: Iterable[datetime]) -> Iterable[bytes]:
    for instant in column:
        since = instant - _EPOCH
        yield _BIGINT((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)


_ITEMS: Final[Mapping[str, Callable[[Any], Iterable[bytes]]]] = {
    "bigint": lambda column: map(_BIGINT, column),
    "smallint": lambda column: map(_SMALLINT, column),
    "text": _texts,
    "bytea": _bytes,
    "timestamptz": _instants,
    "uuid": _uuids,
}
