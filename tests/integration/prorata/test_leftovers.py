"""Tables that a rebuild or a replay left are named as such, with what ends them."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from eventlog.postgres.migrate import migrate
from prorata.migrations import migrations
from prorata.processes.table import Connection
from prorata.status.leftovers import leftovers

REBUILD = (
    "insert into projections.rebuilds (projection, generation, code, events) values ('calendar', 2, '', 0)"
)
LOCK = "select pg_advisory_lock(hashtextextended('projections/rebuild/calendar', 0))"
CLAIM = """
    insert into consumers.partitions (consumer, topic, partition, claimed_until)
    values ('finance_ledger_next', 'billing.events.v1', 0, clock_timestamp() + interval '1 minute')
"""


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    """A session at a database with all tables."""
    migrate(database_url, migrations())
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def test_nothing_is_left_at_first(connection: Connection) -> None:
    connection.execute("create schema somebody_next")
    assert leftovers(connection) == ()


def test_a_rebuild_that_ended_early_is_told_from_one_that_runs(
    connection: Connection, database_url: str
) -> None:
    connection.execute(REBUILD)
    [left] = leftovers(connection)
    assert (left.name, left.unfinished, left.running) == ("calendar_v2", True, False)
    assert "`prorata rebuild calendar --discard` drops it" in left.remedy
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute(LOCK)
        [left] = leftovers(connection)
        assert left.running


def test_tables_that_a_rebuild_replaced_are_kept(connection: Connection) -> None:
    connection.execute("create table projections.accounts_v1 ()")
    [left] = leftovers(connection)
    assert (left.name, left.unfinished) == ("accounts_v1", False)
    assert left.remedy == "`prorata rebuild entitlements --discard` drops it"


def test_a_replay_that_ended_early_is_told_from_one_that_runs(connection: Connection) -> None:
    connection.execute("create schema finance_ledger_next")
    [left] = leftovers(connection)
    assert (left.name, left.unfinished, left.running) == ("finance_ledger_next", True, False)
    assert "`prorata replay finance_ledger --discard` drops it" in left.remedy
    connection.execute(CLAIM)
    [left] = leftovers(connection)
    assert left.running
