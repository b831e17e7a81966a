"""Find out what happened to a history that is not whole, from its own rows. Pure; slow, since few need it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from eventlog.audit.raw_rows import RawRow
from eventlog.chain import Problem, ProblemKind, verify_account
from eventlog.records import Head
from eventlog.shards import shard_of

_RENUMBERED_BY: Final = 256
"""An event is recognised under another version if that is at most this far away."""


def diagnosed(log_id: UUID, head: Head, last_position: int, rows: Sequence[RawRow]) -> Problem:
    """The problem at the first row, which should follow `head` and does not; the others come after it."""
    row = rows[0]
    expected = head.version + 1
    stored = row.stored()
    if stored is None and row.version == expected:
        return Problem(row.account_id, expected, "altered", "it holds a value that no event has")
    problem = None if stored is None else verify_account(log_id, [stored], after=head)
    if problem is None and row.version == expected:
        return _misplaced(row, last_position)
    if problem is None or problem.kind == "missing":
        return _missing(row, expected, rows)
    if problem.kind == "altered":
        return _altered(row, expected, rows)
    return problem


def never_handed_out(position: int, account_id: str, version: int) -> Problem:
    """The problem of an event above every position that the log's sequence has handed out."""
    return Problem(account_id, version, "misplaced", f"its position {position} was never handed out")


def _misplaced(row: RawRow, last_position: int) -> Problem:
    """The problem of an event that its chain holds, but that has a wrong shard or position."""
    if row.shard != shard_of(row.account_id):
        message = f"its shard is {row.shard}, the account's is {shard_of(row.account_id)}"
    else:
        message = f"its position {row.position} is not after {last_position}, that of the event before it"
    return Problem(row.account_id, row.version, "misplaced", message)


def _missing(row: RawRow, expected: int, rows: Sequence[RawRow]) -> Problem:
    kind: ProblemKind = "missing"
    message = f"the history goes on with version {row.version}"
    for other in rows:
        if other.written_as(expected):
            kind, message = "reordered", f"it stands at version {other.version}"
            break
    return Problem(row.account_id, expected, kind, message)


def _altered(row: RawRow, expected: int, rows: Sequence[RawRow]) -> Problem:
    """The problem of an event whose hash its fields do not give; they may give it under another version."""

    def problem(version: int, kind: ProblemKind, message: str) -> Problem:
        return Problem(row.account_id, version, kind, message)

    later = {other.version: other for other in rows[1:]}
    following = later.get(expected + 1)
    written = _written_version(row)
    if written is None:
        if following is not None and following.written_as(expected):
            return problem(expected, "inserted", f"what was written as it stands at version {expected + 1}")
        return problem(expected, "altered", "its fields do not give its hash")
    if written < expected:
        return problem(written, "inserted", f"what was written as it stands at version {expected}")
    if following is not None and following.written_as(written + 1):
        gone = f"{expected} to {written - 1}" if written - 1 > expected else f"{expected}"
        return problem(
            expected, "missing", f"what stands here was written as {written}: {gone} was taken out"
        )
    return problem(expected, "reordered", f"what was written as version {written} stands here")


def _written_version(row: RawRow) -> int | None:
    nearby = range(max(1, row.version - _RENUMBERED_BY), row.version + _RENUMBERED_BY + 1)
    return next((version for version in nearby if row.written_as(version)), None)
