"""What happened to a history that is not whole, as far as its own rows tell: pure, and slow, for the few."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from eventlog.audit.raw_rows import RawRow
from eventlog.chain import Problem, ProblemKind, verify_account
from eventlog.records import Head
from eventlog.shards import shard_of

_RENUMBERED_BY: Final = 256
"""An event is recognised under another version when that is at most so far away."""


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
    """The event stands above every position that the log has given."""
    return Problem(account_id, version, "misplaced", f"its position {position} was never handed out")


def _misplaced(row: RawRow, last_position: int) -> Problem:
    """In the chain it is whole: it only lies at a wrong place."""
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
    """Its hash is not that of its fields. It may be that of the same fields under another version."""

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
