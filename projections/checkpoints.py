"""Checkpoints: up to which event of the log each projection's rows are made.

A checkpoint moves in the transaction that writes the rows, and only from where the writer found it: of two
projectors that fold the same page one wins, and the other's work is rolled back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from psycopg.rows import args_row

from eventlog import NO_HASH, EventLog, StoredEvent
from projections.errors import CheckpointForeign, FoldOutdated, UnknownProjection
from projections.tables import Connection, Projection


class Checkpoint(msgspec.Struct, frozen=True):
    """Where a projection stands: the position and the hash of the last event folded, 0 and zeros: none yet.

    `fold` is the version of the newest fold that wrote rows (0: none), `generation` counts its tables, `turn`
    every change of the checkpoint.
    """

    projection: str
    generation: int
    fold: int
    position: int
    hash: bytes
    turn: int


_COLUMNS: Final = ", ".join(Checkpoint.__struct_fields__)

_ALL: Final = f"select {_COLUMNS} from projections.checkpoints order by projection"  # noqa: S608

_OF: Final = f"""
    select {_COLUMNS} from projections.checkpoints where projection = any(%(names)s) order by projection
"""  # noqa: S608

# In order of their names, so that two projectors cannot wait for each other.
_LOCK: Final = f"{_OF} for update"

_MOVE: Final = """
    update projections.checkpoints
    set position = %(position)s, hash = %(hash)s, fold = %(fold)s, turn = turn + 1, moved_at = now()
    where projection = %(name)s
"""

_BEGIN: Final = """
    insert into projections.checkpoints (projection, generation, fold, position, hash)
    values (%(name)s, %(generation)s, %(fold)s, %(position)s, %(hash)s)
"""


def read_all(connection: Connection) -> list[Checkpoint]:
    """All of them, also those of running rebuilds (`entitlements_v2`)."""
    return _fetch(connection, _ALL, ())


def read(connection: Connection, names: Iterable[str]) -> list[Checkpoint]:
    """Those of these projections. Raises UnknownProjection."""
    return _fetch(connection, _OF, names)


def lock(connection: Connection, names: Iterable[str]) -> list[Checkpoint]:
    """The same, held until the transaction ends: nobody else moves them."""
    return _fetch(connection, _LOCK, names)


def move(connection: Connection, projection: Projection, position: int, event_hash: bytes) -> None:
    """Say that the rows are made up to this event. The checkpoint is locked."""
    fold = projection.fold.version
    bound = {"name": projection.name, "position": position, "hash": event_hash, "fold": fold}
    connection.execute(_MOVE, bound)


def begin(
    connection: Connection, projection: Projection, generation: int, position: int, event_hash: bytes
) -> None:
    """The checkpoint of a rebuild's tables."""
    bound = {
        "name": projection.name,
        "generation": generation,
        "fold": projection.fold.version,
        "position": position,
        "hash": event_hash,
    }
    connection.execute(_BEGIN, bound)


def check_log(log: EventLog, found: Sequence[Checkpoint]) -> None:
    """Raise CheckpointForeign unless the log holds each checkpoint's very event."""
    for position, event_hash in {(c.position, c.hash) for c in found}:
        if not is_of_log(log, position, event_hash):
            name = next(c.projection for c in found if (c.position, c.hash) == (position, event_hash))
            raise CheckpointForeign(name, position)


def is_of_log(log: EventLog, position: int, event_hash: bytes) -> bool:
    """Whether the log holds this event at this position; 0 is before every event."""
    if position == 0:
        return event_hash == NO_HASH
    held: StoredEvent | None = log.at_position(position)
    return held is not None and held.hash == event_hash


def check_folds(projections: Iterable[Projection], found: Iterable[Checkpoint]) -> None:
    """Raise FoldOutdated where a newer fold than this code's has written rows."""
    versions = {projection.name: projection.fold.version for projection in projections}
    for checkpoint in found:
        known = versions[checkpoint.projection]
        if checkpoint.fold > known:
            raise FoldOutdated(checkpoint.projection, known, checkpoint.fold)


def _fetch(connection: Connection, statement: str, names: Iterable[str]) -> list[Checkpoint]:
    wanted = list(names)
    with connection.cursor(row_factory=args_row(Checkpoint)) as cursor:
        found = cursor.execute(statement, {"names": wanted}).fetchall()
    missing = set(wanted) - {checkpoint.projection for checkpoint in found}
    if missing:
        raise UnknownProjection(min(missing), [c.projection for c in read_all(connection)])
    return found
