"""The walk over raw rows that checks every chain at full speed, and makes the leaves of a seal on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, TypeAlias
from uuid import UUID

from eventlog.audit.diagnosis import diagnosed
from eventlog.audit.raw_rows import HEAD, TAIL, RawRow, instant
from eventlog.audit.seal import SealedAccount
from eventlog.chain import Problem
from eventlog.records import NO_HASH, Head
from eventlog.shards import shard_of

MOST_PROBLEMS: Final = 100
"""A walk reports this many problems; further ones are only counted."""

_LOOK_AHEAD: Final = 256
"""The number of rows, from the first bad one on, that the diagnosis looks at."""

_LONG_AGO: Final = -(2**63)
_THIRTY_TWO: Final = b"\0\0\0\x20"
_LOG_ID: Final = 4 + 16


Highest: TypeAlias = tuple[int, str, int]
"""The highest position seen, with its account and version."""


@dataclass(frozen=True)
class Leaf:
    """An account as a seal covers it: its head at the seal's position, and the hash over every event up to
    it."""

    account_id: str
    events: int
    position: int
    hash: bytes
    leaf: bytes


@dataclass
class Walked:
    """What a walk saw of some accounts, in byte order of their ids."""

    events: int = 0
    accounts: int = 0
    problems: list[Problem] = field(default_factory=list)
    more_problems: int = 0
    leaves: list[Leaf] = field(default_factory=list)
    highest: Highest = (0, "", 0)

    def add(self, problem: Problem) -> None:
        """Keep the problem, or only count it once MOST_PROBLEMS are kept."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)
        else:
            self.more_problems += 1


def walk(raw_rows: Iterable[bytes], log_id: UUID, *, until: int = 0) -> Walked:
    """Check rows that come by account and version; make leaves of the events up to the position `until`."""
    walked = Walked()
    rows = iter(raw_rows)
    row: bytes | None = next(rows, None)
    while row is not None:
        row = _walk_account(walked, row, rows, log_id, until)
    return walked


def _walk_account(
    walked: Walked, first: bytes, rows: Iterator[bytes], log_id: UUID, until: int
) -> bytes | None:
    """Walk the account that begins with this row; return the first row of the next one."""
    begin, unpack, integer = HEAD.size, HEAD.unpack_from, int.from_bytes
    key = _account_key(first)
    account_id = key[_LOG_ID + 4 :].decode(errors="backslashreplace")
    shard = shard_of(account_id)
    sealed = SealedAccount(key[_LOG_ID:])
    version, position, recorded_at, previous = 0, 0, _LONG_AGO, _THIRTY_TWO + NO_HASH
    suspects: list[bytes] = []
    row: bytes | None = first
    while row is not None and row.startswith(key, begin):
        walked.events += 1
        its_position = integer(row[-44:-36], "big", signed=True)
        if its_position <= until:
            sealed.add(row[-TAIL:])
        if not suspects:
            _, _, its_shard, _, its_version, _, its_recorded_at = unpack(row)
            its_hash = row[-36:]
            if (
                its_hash == _THIRTY_TWO + sha256(row[begin:-TAIL]).digest()
                and row.endswith(previous, 0, -TAIL)
                and its_version == version + 1
                and its_recorded_at >= recorded_at
                and its_position > position
                and its_shard == shard
            ):
                version, position, recorded_at, previous = (
                    its_version,
                    its_position,
                    its_recorded_at,
                    its_hash,
                )
            else:
                suspects.append(row)
        elif len(suspects) < _LOOK_AHEAD:
            suspects.append(row)
        row = next(rows, None)
    walked.accounts += 1
    walked.highest = max(walked.highest, (position, account_id, version))
    if sealed.events:
        walked.leaves.append(_leaf(account_id, sealed))
    if suspects:
        head = Head(version, previous[4:], instant(recorded_at)) if version else Head.NONE
        walked.add(diagnosed(log_id, head, position, [RawRow(suspect) for suspect in suspects]))
    return row


def _leaf(account_id: str, sealed: SealedAccount) -> Leaf:
    position, own_hash = int.from_bytes(sealed.last[4:12], "big", signed=True), sealed.last[16:]
    return Leaf(account_id, sealed.events, position, own_hash, sealed.digest())


def _account_key(row: bytes) -> bytes:
    """The prefix that the hashed bytes of an account's rows share: the log's id and the account's id."""
    start = HEAD.size + _LOG_ID
    return row[HEAD.size : start + 4 + int.from_bytes(row[start : start + 4], "big")]
