"""Rows of the log as the very bytes that their hashes cover, streamed for a check of all of them.

COPY in binary precedes each value by its length, and NULL is FFFFFFFF: what the hash covers is laid out like
that (`eventlog.chain`), so the server hands out the hashed bytes and the client only has to hash them.
"""
# ruff: noqa: S608  (only constants are joined into the statements)

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import chain
from struct import Struct
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg
from psycopg import sql

from eventlog.chain import HASHED
from eventlog.records import StoredEvent

Connection = psycopg.Connection[Any]

SETTINGS: Final[Mapping[str, str]] = {
    "enable_sort": "off",
    "enable_bitmapscan": "off",
    "max_parallel_workers_per_gather": "0",
}
"""Of a session that streams rows by the primary key, in bounded memory on either side."""

HEAD: Final = Struct(">hiiiqiq")
"""The layout of a row's first bytes: (_, _, shard, _, version, _, recorded at, in microseconds since
2000)."""

TAIL: Final = 12 + 36
"""The length of a row's last bytes: position and hash, each length-prefixed. The hash covers what is
between."""

_COPY_HEADER: Final = 19
_END: Final = b"\xff\xff"
_LENGTH: Final = Struct(">i").unpack_from
_EIGHT: Final = Struct(">q")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_2000: Final = datetime(2000, 1, 1, tzinfo=UTC)

# PostgreSQL sends an instant as microseconds since 2000: one that lies 30 years later is sent as those since
# 1970. What lies beyond every year that the log takes becomes NULL, which no hash covers.
_SINCE_1970: Final = (
    "case when {0} < timestamptz '9999-12-31 00:00Z' then {0} + interval '262968 hours' end"  # 10,957 days
)
_AS_HASHED: Final = {
    "schema_version": "schema_version::bigint",
    "effective_at": _SINCE_1970.format("effective_at"),
    "recorded_at": _SINCE_1970.format("recorded_at"),
}
# No NULL at the beginning, also where somebody let a column be NULL: each part lies where it is looked for.
_ROWS: Final = (
    "copy (select coalesce(shard, -1), coalesce(version, 0), coalesce(recorded_at, '-infinity'),"
    " {log_id}::uuid, "
    + ", ".join(_AS_HASHED.get(column, column) for column in HASHED)
    + ", coalesce(position, 0), hash from public.events where {within} order by account_id, version)"
    " to stdout (format binary)"
)

# About as many rows, of blocks taken at random, so that accounts with many events are cut out more often.
_SAMPLE: Final = """
    select account_id from public.events tablesample system (%(percent)s) order by account_id
"""
_ESTIMATE: Final = """
    select greatest(reltuples, pg_relation_size(oid) / 2000, 1)::bigint
    from pg_class where oid = 'public.events'::regclass
"""


class WalkPart(NamedTuple):
    """A part of a walk: the accounts from `first` (inclusive) to `end` (exclusive) in byte order; None leaves
    that side open."""

    first: str | None = None
    end: str | None = None

    @classmethod
    def only(cls, account_id: str) -> WalkPart:
        """The part that holds one account: no text lies between an id and the id followed by U+0001."""
        return cls(account_id, account_id + "\x01")

    @property
    def condition(self) -> sql.Composable:
        """The SQL condition that selects the part's rows."""
        bounds = (("account_id >= {}", self.first), ("account_id < {}", self.end))
        conditions = [sql.SQL(text).format(bound) for text, bound in bounds if bound is not None]
        return sql.SQL(" and ").join([sql.SQL("true"), *conditions])


def rows(connection: Connection, log_id: UUID, part: WalkPart) -> Iterator[bytes]:
    """The part's rows by account and version, as they are committed now."""
    statement = sql.SQL(_ROWS).format(log_id=str(log_id), within=part.condition)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        data = map(bytes, copy)
        first = next(data)[_COPY_HEADER:]
        yield from filter(_END.__ne__, chain((first,), data))


def estimate(connection: Connection) -> int:
    """About how many events the log holds."""
    [[rows]] = connection.execute(_ESTIMATE).fetchall()
    return int(rows)


def parts(connection: Connection, count: int) -> list[WalkPart]:
    """All accounts in about so many parts of about as many events; none is in two."""
    if count < 2:
        return [WalkPart(None, None)]
    percent = min(100.0, 51_200.0 * count / estimate(connection))
    sample = [account for (account,) in connection.execute(_SAMPLE, {"percent": percent}).fetchall()]
    cuts = sorted({sample[len(sample) * nth // count] for nth in range(1, count)} if sample else ())
    return [WalkPart(*ends) for ends in zip([None, *cuts], [*cuts, None], strict=True)]


class RawRow:
    """One row, taken apart: for the few that something is wrong with."""

    def __init__(self, row: bytes) -> None:
        self._row = row
        _, _, self.shard, _, self.version, _, _ = HEAD.unpack_from(row)
        names = ("log_id", *HASHED, "position", "hash")
        self._fields = dict(zip(names, _values(row, HEAD.size), strict=True))
        self.position = _number(self._fields["position"])
        self.account_id = (self._fields["account_id"] or b"").decode(errors="backslashreplace")

    def written_as(self, version: int) -> bool:
        """Whether its hash is that of this very event under another version of its account."""
        at = HEAD.size + 20 + 4 + len(self._fields["account_id"] or b"") + 4
        other = self._row[HEAD.size : at] + _EIGHT.pack(version) + self._row[at + 8 : -TAIL]
        return sha256(other).digest() == self._fields["hash"]

    def stored(self) -> StoredEvent | None:
        """The event as other readers see it; None if it holds a value that the log never takes."""
        try:
            return self._stored()
        except (OverflowError, ValueError):
            return None

    def _stored(self) -> StoredEvent:
        fields = self._fields
        return StoredEvent(
            self.position,
            _text(fields["account_id"]),
            self.version,
            self.shard,
            UUID(bytes=_present(fields["event_id"])),
            None if fields["command_id"] is None else _text(fields["command_id"]),
            _text(fields["type"]),
            _number(fields["schema_version"]),
            _EPOCH + timedelta(microseconds=_number(fields["recorded_at"])),
            _EPOCH + timedelta(microseconds=_number(fields["effective_at"])),
            None if fields["actor"] is None else _text(fields["actor"]),
            _present(fields["state"]),
            _present(fields["previous_hash"]),
            _present(fields["hash"]),
        )


def instant(since_2000: int) -> datetime:
    """The instant that a row's head gives as microseconds since 2000."""
    return _EPOCH_2000 + timedelta(microseconds=since_2000)


def _values(row: bytes, at: int) -> Sequence[bytes | None]:
    fields: list[bytes | None] = []
    while at < len(row):
        [length] = _LENGTH(row, at)
        at += 4
        fields.append(None if length < 0 else row[at : at + length])
        at += max(length, 0)
    return fields


def _present(value: bytes | None) -> bytes:
    if value is None:
        raise ValueError("NULL where the log takes none")
    return value


def _text(value: bytes | None) -> str:
    return _present(value).decode()


def _number(value: bytes | None) -> int:
    [number] = _EIGHT.unpack(_present(value))
    return int(number)
