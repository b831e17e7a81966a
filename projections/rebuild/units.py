"""What a rebuild has done so far: its units, spans of accounts whose rows are written in one transaction.

A rebuild that was interrupted or killed leaves tables that are full up to its last unit, and goes on there.
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


class Begun(msgspec.Struct, frozen=True):
    """A rebuild that has not ended. `events`: at most so many are to be folded into its units."""

    generation: int
    code: str
    events: int
    indexed: bool


class Done(msgspec.Struct, frozen=True):
    """How far it is: units of all units, and the events folded in them."""

    units: int
    of_units: int
    events: int

    @property
    def left(self) -> int:
        """How many units are not done."""
        return self.of_units - self.units


class Claimed(msgspec.Struct, frozen=True):
    """A unit, and its accounts."""

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

# Held until the transaction ends. Who waits for one that is done meanwhile is given none, while more may be
# left.
_CLAIM: Final = """
    select unit, after, last from projections.rebuild_units
    where projection = %(projection)s and events is null order by unit limit 1 for update
"""
_CLAIM_FREE: Final = f"{_CLAIM} skip locked"

_FINISH: Final = """
    update projections.rebuild_units set events = %(events)s
    where projection = %(projection)s and unit = %(unit)s
"""


def find(connection: Connection, projection: str) -> Begun | None:
    """The rebuild of that projection which has begun and not ended."""
    with connection.cursor(row_factory=args_row(Begun)) as cursor:
        return cursor.execute(_FIND, {"projection": projection}).fetchone()


def begin(connection: Connection, projection: str, begun: Begun, spans: Sequence[AccountRange]) -> None:
    """Note that it begins, and its units."""
    connection.execute(_BEGIN, {"projection": projection, **msgspec.structs.asdict(begun)})
    after, last = [span.after for span in spans], [span.last for span in spans]
    connection.execute(_BEGIN_UNITS, {"projection": projection, "after": after, "last": last})


def indexed(connection: Connection, projection: str) -> None:
    """Note that its tables have their indexes."""
    connection.execute(_INDEXED, {"projection": projection})


def forget(connection: Connection, projection: str) -> None:
    """It has ended."""
    connection.execute(_FORGET, {"projection": projection})


def done(connection: Connection, projection: str) -> Done:
    """How far it is."""
    with connection.cursor(row_factory=args_row(Done)) as cursor:
        counted = cursor.execute(_DONE, {"projection": projection}).fetchone()
    assert counted is not None
    return counted


def claim(connection: Connection, projection: str, *, wait: bool) -> Claimed | None:
    """A unit that is not done, held until the transaction ends: one that nobody holds, or with `wait` the
    first one, as soon as nobody does. None: there is none."""
    while True:
        found = connection.execute(_CLAIM if wait else _CLAIM_FREE, {"projection": projection}).fetchone()
        if found is not None:
            unit, after, last = found
            return Claimed(unit, AccountRange(after, last))
        if not wait or not done(connection, projection).left:
            return None


def finish(connection: Connection, projection: str, unit: int, events: int) -> None:
    """The rows of its accounts are written, in this transaction."""
    connection.execute(_FINISH, {"projection": projection, "unit": unit, "events": events})


def code_of(projection: Projection) -> str:
    """The fold's version, and a digest of the code that makes the rows: no other code goes on from them."""
    return f"{projection.fold.name}/{projection.fold.version}/{_sources()}"


@lru_cache(maxsize=1)
def _sources() -> str:
    here = Path(str(projections.__file__)).parent
    files = [*Path(str(domain.__file__)).parent.glob("*.py"), *here.rglob("*.py"), Path(codec.__file__)]
    texts = [path.read_bytes() for path in sorted(files)]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:16]
