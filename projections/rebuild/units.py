"""The units of a rebuild: spans of accounts whose rows are written in one transaction, and which of them are
done.

A rebuild that was interrupted or killed keeps its finished units, and the next one resumes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec
from psycopg.rows import args_row

import domain
import projections
from eventlog import codec
from eventlog.history import AccountRange
from projections.tables import Connection, Projection


class UnfinishedRebuild(msgspec.Struct, frozen=True):
    """A rebuild that has not ended. `code`: what `code_of` returned; `events`: an upper bound of the events
    that are folded into its units."""

    generation: int
    code: str
    events: int
    indexed: bool


class UnitsDone(msgspec.Struct, frozen=True):
    """How far a rebuild is: `units` of `of_units` are done, with `events` events folded in them."""

    units: int
    of_units: int
    events: int

    @property
    def left(self) -> int:
        """The number of units that are not done."""
        return self.of_units - self.units


class ClaimedUnit(msgspec.Struct, frozen=True):
    """A unit that this transaction holds, and the accounts in it."""

    unit: int
    span: AccountRange


_FIND: Final = """
    select generation, code, events, indexed from projections.rebuilds where projection = %(projection)s
"""

_BEGIN: Final = """
    insert into projections.rebuilds (projection, generation, code, events)
    values (%(projection)s, %(generation)s, %(code)s, %(events)s)
"""

_BEGIN_UNITS: Final = """
    insert into projections.rebuild_units (projection, unit, after, last)
    select %(projection)s, unit, after, last
    from unnest(%(after)s::text[], %(last)s::text[]) with ordinality units (after, last, unit)
"""

_INDEXED: Final = "update projections.rebuilds set indexed = true where projection = %(projection)s"

_FORGET: Final = "delete from projections.rebuilds where projection = %(projection)s"

_DONE: Final = """
    select count(events), count(*), coalesce(sum(events), 0)::bigint
    from projections.rebuild_units where projection = %(projection)s
"""

# The row lock is held until the transaction ends. A process that waited for a unit which is done meanwhile
# gets no row, although there may be more units.
_CLAIM: Final = """
    select unit, after, last from projections.rebuild_units
    where projection = %(projection)s and events is null order by unit limit 1 for update
"""
_CLAIM_FREE: Final = f"{_CLAIM} skip locked"

_FINISH: Final = """
    update projections.rebuild_units set events = %(events)s
    where projection = %(projection)s and unit = %(unit)s
"""


def find(connection: Connection, projection: str) -> UnfinishedRebuild | None:
    """The unfinished rebuild of the projection; None if there is none."""
    with connection.cursor(row_factory=args_row(UnfinishedRebuild)) as cursor:
        return cursor.execute(_FIND, {"projection": projection}).fetchone()


def begin(
    connection: Connection, projection: str, begun: UnfinishedRebuild, spans: Sequence[AccountRange]
) -> None:
    """Record that a rebuild begins, and its units."""
    connection.execute(_BEGIN, {"projection": projection, **msgspec.structs.asdict(begun)})
    after, last = [span.after for span in spans], [span.last for span in spans]
    connection.execute(_BEGIN_UNITS, {"projection": projection, "after": after, "last": last})


def indexed(connection: Connection, projection: str) -> None:
    """Record that the new tables have their indexes."""
    connection.execute(_INDEXED, {"projection": projection})


def forget(connection: Connection, projection: str) -> None:
    """Remove the rebuild and its units: it has ended."""
    connection.execute(_FORGET, {"projection": projection})


def done(connection: Connection, projection: str) -> UnitsDone:
    """How far the projection's rebuild is."""
    with connection.cursor(row_factory=args_row(UnitsDone)) as cursor:
        counted = cursor.execute(_DONE, {"projection": projection}).fetchone()
    assert counted is not None
    return counted


def claim(connection: Connection, projection: str, *, wait: bool) -> ClaimedUnit | None:
    """Lock a unit that is not done until the transaction ends: a free one, or with `wait` the first one, once
    it is free. None if there is none."""
    while True:
        found = connection.execute(_CLAIM if wait else _CLAIM_FREE, {"projection": projection}).fetchone()
        if found is not None:
            unit, after, last = found
            return ClaimedUnit(unit, AccountRange(after, last))
        if not wait or not done(connection, projection).left:
            return None


def finish(connection: Connection, projection: str, unit: int, events: int) -> None:
    """Record that the unit's rows are written in this transaction."""
    connection.execute(_FINISH, {"projection": projection, "unit": unit, "events": events})


def code_of(projection: Projection) -> str:
    """The fold's version and a digest of the code that makes the rows; only the same code may resume a
    rebuild."""
    return f"{projection.fold.name}/{projection.fold.version}/{_sources()}"


@lru_cache(maxsize=1)
def _sources() -> str:
    here = Path(str(projections.__file__)).parent
    files = [*Path(str(domain.__file__)).parent.glob("*.py"), *here.rglob("*.py"), Path(codec.__file__)]
    texts = [path.read_bytes() for path in sorted(files)]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:16]
