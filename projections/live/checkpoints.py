"""Checkpoints: the last event that each projection's rows include, for each lane.

A checkpoint moves in the transaction that writes the rows, and only from where the writer found it: of two
projectors that fold the same page, one wins and the other's work is rolled back.
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
    """An event of the log by position and hash; position 0 with a hash of zeros is the point before all
    events."""

    position: int
    hash: bytes


BEFORE_ALL: Final = LogPoint(0, NO_HASH)


class Checkpoint(msgspec.Struct, frozen=True):
    """How far a projection is in one lane: its rows include every event of the lane's shards up to `position`
    (inclusive), at which an event of another lane may be.

    `fold` is the version of the newest fold that wrote rows (0: none), `generation` the number of its tables'
    generation; `turn` rises with every change of the checkpoint.
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
        """The shards that the lane consists of."""
        return shards_of(range(self.lane, self.lane + 1))


_COLUMNS: Final = ", ".join(Checkpoint.__struct_fields__)

_ALL: Final = f"select {_COLUMNS} from projections.checkpoints order by projection, lane"  # noqa: S608

_OF: Final = f"""
    select {_COLUMNS} from projections.checkpoints
    where projection = any(%(names)s) and lane = any(%(lanes)s) order by projection, lane
"""  # noqa: S608

# Rows are locked in one order, so that two projectors cannot deadlock.
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
    """All checkpoints, including those of running rebuilds (`entitlements_v2`)."""
    return _fetch(connection, _ALL, (), ALL_LANES)


def read(connection: Connection, names: Iterable[str], lanes: Iterable[int] = ALL_LANES) -> list[Checkpoint]:
    """The checkpoints of these projections in these lanes, ordered by name and lane. Raises
    UnknownProjection."""
    wanted = list(names)
    return _all_there(connection, wanted, _fetch(connection, _OF, wanted, lanes))


def read_made(
    connection: Connection, names: Iterable[str], lanes: Iterable[int] = ALL_LANES
) -> list[Checkpoint]:
    """Like `read`, but leaves out projections whose tables are not made yet."""
    return _fetch(connection, _OF, names, lanes)


def lock(connection: Connection, names: Iterable[str], lanes: Iterable[int] = ALL_LANES) -> list[Checkpoint]:
    """Like `read`, and lock the checkpoints until the transaction ends."""
    wanted = list(names)
    return _all_there(connection, wanted, _fetch(connection, _LOCK, wanted, lanes))


def move(connection: Connection, found: Sequence[Checkpoint], place: LogPoint, folds: Sequence[int]) -> bool:
    """Move the checkpoints to this place, noting the fold version of each, and lock them until the
    transaction ends. False: another process has moved one since it was read, and the transaction must be
    rolled back."""
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
    """Create the checkpoints of a rebuild's tables; `places` are in the order of the lanes."""
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
    """Raise CheckpointForeign unless the log holds the event, with its hash, that each checkpoint names."""
    for place in {checkpoint.place for checkpoint in found}:
        if not is_of_log(log, *place):
            name = next(c.projection for c in found if c.place == place)
            raise CheckpointForeign(name, place.position)


def is_of_log(log: EventLog, position: int, event_hash: bytes) -> bool:
    """Whether the log has an event with this hash at this position; always true at position 0."""
    if position == 0:
        return event_hash == NO_HASH
    held: StoredEvent | None = log.at_position(position)
    return held is not None and held.hash == event_hash


def check_folds(projections: Iterable[Projection], found: Iterable[Checkpoint]) -> None:
    """Raise FoldOutdated if a newer fold than this code's has written rows."""
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
