"""Checkpoints: up to which event of the log each projection's rows are made, lane by lane.

A checkpoint moves in the transaction that writes the rows, and only from where the writer found it: of two
projectors that fold the same page one wins, and the other's work is rolled back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec
from psycopg.rows import args_row

from eventlog import NO_HASH, EventLog, StoredEvent
from projections.errors import CheckpointForeign, FoldOutdated, UnknownProjection
from projections.live.lanes import ALL_LANES, LANES, shards_of
from projections.tables import Connection, Projection


class LogPoint(NamedTuple):
    """An event of the log by its position and hash; 0 and zeros stand before every event."""

    position: int
    hash: bytes


BEFORE_ALL: Final = LogPoint(0, NO_HASH)


class Checkpoint(msgspec.Struct, frozen=True):
    """Where a projection stands in one lane: every event of the lane's shards up to the one at `position`,
    which may be another lane's, is in its rows.

    `fold` is the version of the newest fold that wrote rows (0: none), `generation` counts its tables, `turn`
    every change of the checkpoint.
    """

    projection: str
    lane: int
    generation: int
    fold: int
    position: int
    hash: bytes
    turn: int

    @property
    def place(self) -> LogPoint:
        return LogPoint(self.position, self.hash)

    @property
    def shards(self) -> range:
        """The shards of the log that are in the lane."""
        return shards_of(range(self.lane, self.lane + 1))


_COLUMNS: Final = ", ".join(Checkpoint.__struct_fields__)

_ALL: Final = f"select {_COLUMNS} from projections.checkpoints order by projection, lane"  # noqa: S608

_OF: Final = f"""
    select {_COLUMNS} from projections.checkpoints
    where projection = any(%(names)s) and lane = any(%(lanes)s) order by projection, lane
"""  # noqa: S608

# In one order for all, so that two projectors cannot wait for each other.
_LOCK: Final = f"{_OF} for update"

_MOVE: Final = """
    with held as (
        select projection, lane from projections.checkpoints
        join unnest(%(projections)s::text[], %(lanes)s::smallint[]) wanted (projection, lane)
            using (projection, lane)
        order by projection, lane for update of checkpoints
    )
    update projections.checkpoints checkpoint
    set position = %(position)s, hash = %(hash)s, fold = found.fold, turn = found.turn + 1, moved_at = now()
    from held
    join unnest(%(projections)s::text[], %(lanes)s::smallint[], %(turns)s::bigint[], %(folds)s::integer[])
        found (projection, lane, turn, fold) using (projection, lane)
    where (checkpoint.projection, checkpoint.lane, checkpoint.turn) = (held.projection, held.lane, found.turn)
"""

_BEGIN: Final = """
    insert into projections.checkpoints (projection, lane, generation, fold, position, hash)
    select %(name)s, lane - 1, %(generation)s, %(fold)s, position, hash
    from unnest(%(positions)s::bigint[], %(hashes)s::bytea[]) with ordinality places (position, hash, lane)
"""


def read_all(connection: Connection) -> list[Checkpoint]:
    """All of them, also those of running rebuilds (`entitlements_v2`)."""
    return _fetch(connection, _ALL, (), ALL_LANES)


def read(connection: Connection, names: Iterable[str], lanes: Iterable[int] = ALL_LANES) -> list[Checkpoint]:
    """Those of these projections in these lanes, in order of name and lane. Raises UnknownProjection."""
    wanted = list(names)
    return _all_there(connection, wanted, _fetch(connection, _OF, wanted, lanes))


def read_made(
    connection: Connection, names: Iterable[str], lanes: Iterable[int] = ALL_LANES
) -> list[Checkpoint]:
    """The same, but for projections whose tables are not made yet."""
    return _fetch(connection, _OF, names, lanes)


def lock(connection: Connection, names: Iterable[str], lanes: Iterable[int] = ALL_LANES) -> list[Checkpoint]:
    """The same as `read`, held until the transaction ends: nobody else moves them."""
    wanted = list(names)
    return _all_there(connection, wanted, _fetch(connection, _LOCK, wanted, lanes))


def move(connection: Connection, found: Sequence[Checkpoint], place: LogPoint, folds: Sequence[int]) -> bool:
    """Say that the rows are made up to this place, by a fold of that version each, and hold them until the
    transaction ends. False: somebody moved one since it was found, and the transaction must be undone."""
    bound = {
        "projections": [checkpoint.projection for checkpoint in found],
        "lanes": [checkpoint.lane for checkpoint in found],
        "turns": [checkpoint.turn for checkpoint in found],
        "folds": list(folds),
        "position": place.position,
        "hash": place.hash,
    }
    return connection.execute(_MOVE, bound).rowcount == len(found)


def begin(
    connection: Connection, projection: Projection, generation: int, places: Sequence[LogPoint]
) -> None:
    """The checkpoints of a rebuild's tables, lane by lane."""
    assert len(places) == LANES
    bound = {
        "name": projection.name,
        "generation": generation,
        "fold": projection.fold.version,
        "positions": [place.position for place in places],
        "hashes": [place.hash for place in places],
    }
    connection.execute(_BEGIN, bound)


def check_log(log: EventLog, found: Sequence[Checkpoint]) -> None:
    """Raise CheckpointForeign unless the log holds each checkpoint's very event."""
    for place in {checkpoint.place for checkpoint in found}:
        if not is_of_log(log, *place):
            name = next(c.projection for c in found if c.place == place)
            raise CheckpointForeign(name, place.position)


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


def _fetch(
    connection: Connection, statement: str, names: Iterable[str], lanes: Iterable[int]
) -> list[Checkpoint]:
    with connection.cursor(row_factory=args_row(Checkpoint)) as cursor:
        return cursor.execute(statement, {"names": list(names), "lanes": list(lanes)}).fetchall()


def _all_there(connection: Connection, names: list[str], found: list[Checkpoint]) -> list[Checkpoint]:
    missing = set(names) - {checkpoint.projection for checkpoint in found}
    if missing:
        known = dict.fromkeys(checkpoint.projection for checkpoint in read_all(connection))
        raise UnknownProjection(min(missing), known)
    return found
