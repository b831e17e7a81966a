"""Keep the read models up with a long log, and see how much room their rows take: `python -m scripts.soak`.

The accounts of the benchmarks' workload live their years one event after another, and a projector follows in
small pages, as it does where commands come all day. A table does not bloat if a row takes as many bytes after
a million events as after the first hundred thousand, whatever has happened to it since.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Annotated, Final

import msgspec
import psycopg
from cyclopts import App, Parameter, validators
from psycopg import sql

from eventlog import Head
from eventlog.postgres.log import PostgresEventLog
from projections.live.projector import Projector
from projections.registry import PROJECTIONS
from projections.tables import Connection
from prorata.settings import Settings
from scripts.bench import scratch
from scripts.bench.generate import append_batch
from scripts.bench.workload import BATCH, batches

BLOATED: Final = 3
"""Times the bytes of a packed row (one that was copied once and never changed) that a row may take."""

FEW: Final = 1_000
"""A table with fewer rows is not judged: it has some pages in any case."""

app = App(name="python -m scripts.soak", help=__doc__, version_flags=[], result_action="return_value")
_positive = validators.Number(gte=1)


class Room(msgspec.Struct, frozen=True):
    """The room that a table takes: bytes a row of it and of its indexes, of a packed row, and the share of
    its updates that touched no index (None: no row was updated)."""

    table: str
    rows: int
    bytes_a_row: float
    index_bytes_a_row: float
    packed: float
    in_place: float | None

    @property
    def bloated(self) -> bool:
        """Whether it takes far more than its rows need."""
        return self.rows >= FEW and self.bytes_a_row > BLOATED * self.packed


def soak(database_url: str, events: int, *, every: int, page: int) -> Iterator[int]:
    """Append this number of events, the projector in step with them; yield how many there are after each
    `every` of them."""
    heads: dict[str, Head] = {}
    with (
        closing(PostgresEventLog(database_url, connections=2)) as log,
        Projector(database_url, log, PROJECTIONS, page=page) as projector,
    ):
        for nth, batch in enumerate(batches(events), 1):
            append_batch(log, heads, batch)
            projector.run_once()
            done = min(events, nth * BATCH)
            if done % every < BATCH:
                yield done


_COUNTED: Final = """
    select pg_table_size(relid), pg_indexes_size(relid), n_tup_upd, n_tup_hot_upd
    from pg_stat_user_tables where relid = %(table)s::regclass
"""


def rooms(connection: Connection, tables: list[tuple[str, str]] | None = None) -> Iterator[Room]:
    """What each of these tables takes, as (schema, name); else those of the read models."""
    if tables is None:
        tables = [("projections", table.name) for projection in PROJECTIONS for table in projection.tables]
    for schema, name in tables:
        table = sql.Identifier(schema, name)
        bound = {"table": table.as_string(connection)}
        [[rows]] = connection.execute(sql.SQL("select count(*) from {}").format(table)).fetchall()
        [[size, indexes, updated, in_place]] = connection.execute(_COUNTED, bound).fetchall()
        with connection.transaction(force_rollback=True):
            copied = "create temp table packed on commit drop as select * from {}"
            connection.execute(sql.SQL(copied).format(table))
            [[packed]] = connection.execute("select pg_table_size('pg_temp.packed')").fetchall()
        each = max(1, rows)
        share = in_place / updated if updated else None
        yield Room(f"{schema}.{name}", rows, size / each, indexes / each, packed / each, share)


@app.default
def main(
    *,
    events: Annotated[int, Parameter(help="Events of the log.", validator=_positive)] = 1_000_000,
    every: Annotated[int, Parameter(help="Events between two looks.", validator=_positive)] = 200_000,
    page: Annotated[int, Parameter(help="Events of a projector's page.", validator=_positive)] = 500,
) -> int:
    """Print what a row of each read model takes, again and again; 1 if one takes far more than it needs."""
    bloated = False
    with (
        scratch.database(Settings.of().database_url) as url,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        for done in soak(url, events, every=every, page=page):
            print(f"after {done:,} events")
            for room in rooms(connection):
                print(f"  {_line(room)}", flush=True)
                bloated = bloated or room.bloated
        others = [name for name in _all(connection) if name[0] != "projections" or name[1] == "checkpoints"]
        print("other tables")
        for room in rooms(connection, others):
            print(f"  {_line(room)}", flush=True)
    return int(bloated)


def _all(connection: Connection) -> list[tuple[str, str]]:
    found = connection.execute(
        "select schemaname, relname from pg_stat_user_tables where n_live_tup > 0 order by 1, 2"
    )
    return [(schema, name) for schema, name in found]


def _line(room: Room) -> str:
    share = "never changed" if room.in_place is None else f"{room.in_place:.0%} changed in place"
    return (
        f"{room.table:<36} {room.rows:>9,} rows of {room.bytes_a_row:>5.0f} bytes (packed {room.packed:.0f}),"
        f" indexes {room.index_bytes_a_row:>4.0f}, {share}{', BLOATED' * room.bloated}"
    )


if __name__ == "__main__":
    sys.exit(app())
