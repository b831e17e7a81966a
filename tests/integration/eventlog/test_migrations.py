"""Migrations are applied once, in order, whoever runs them and however often."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from eventlog import MigrationChanged, MigrationMisnamed
from eventlog.migration_source import MigrationSource
from eventlog.postgres.migrate import EVENTLOG, migrate, missing
from scripts.servers.postgres import PostgresServer

OF_THE_LOG = ["eventlog/0001_events", "eventlog/0002_sealed_event", "eventlog/0003_commands"]


@pytest.fixture
def source(tmp_path: Path) -> MigrationSource:
    """A package's own migrations: two of them."""
    (tmp_path / "0001_balances.sql").write_text(
        "create table balances (id int); insert into balances values (1);"
    )
    (tmp_path / "0002_notes.sql").write_text("alter table balances add note text default '100 %s';")
    return MigrationSource("projections", tmp_path)


def _count(url: str, table: str) -> int:
    with psycopg.connect(url) as connection:
        [[count]] = connection.execute(f"select count(*) from {table}").fetchall()
    assert isinstance(count, int)
    return count


def test_sources_are_applied_in_the_order_given_and_once(database_url: str, source: MigrationSource) -> None:
    assert migrate(database_url, [EVENTLOG, source]) == [
        "eventlog/0001_events",
        "eventlog/0002_sealed_event",
        "eventlog/0003_commands",
        "projections/0001_balances",
        "projections/0002_notes",
    ]
    assert migrate(database_url, [EVENTLOG, source]) == []
    assert _count(database_url, "balances") == 1


def test_the_log_alone_is_the_default(database_url: str) -> None:
    assert migrate(database_url) == OF_THE_LOG


def test_a_new_file_is_applied_after_the_others(database_url: str, source: MigrationSource) -> None:
    migrate(database_url, [source])
    (source.folder / "0003_more.sql").write_text("insert into balances values (2);")
    with psycopg.connect(database_url) as connection:
        assert missing(connection, source) == ("projections/0003_more",)
    assert migrate(database_url, [source]) == ["projections/0003_more"]
    assert _count(database_url, "balances") == 2


def test_everything_is_missing_before_the_first_run(database_url: str, source: MigrationSource) -> None:
    with psycopg.connect(database_url) as connection:
        assert missing(connection, source) == ("projections/0001_balances", "projections/0002_notes")


def test_a_file_that_was_changed_after_it_was_applied_stops_everything(
    database_url: str, source: MigrationSource
) -> None:
    migrate(database_url, [source])
    with (source.folder / "0001_balances.sql").open("a") as file:
        file.write("-- a remark")
    (source.folder / "0003_more.sql").write_text("insert into balances values (2);")
    with pytest.raises(MigrationChanged, match="projections/0001_balances"):
        migrate(database_url, [source])
    assert _count(database_url, "balances") == 1


def test_a_number_that_was_passed_already_is_refused(database_url: str, source: MigrationSource) -> None:
    late = source.folder / "0001_balances.sql"
    late.rename(source.folder / "0003_balances.sql")
    (source.folder / "0002_notes.sql").write_text("create table notes (id int)")
    migrate(database_url, [source])
    (source.folder / "0001_late.sql").write_text("create table late (id int)")
    with pytest.raises(MigrationMisnamed, match="projections/0001_late comes before one that was applied"):
        migrate(database_url, [source])


@pytest.mark.parametrize("name", ["balances.sql", "1_balances.sql", "0003-balances.sql", "0003_Balances.sql"])
def test_a_name_that_says_no_order_is_refused(database_url: str, source: MigrationSource, name: str) -> None:
    (source.folder / name).write_text("select 1")
    with pytest.raises(MigrationMisnamed, match=r"is not named like 0001_what_it_does.sql"):
        migrate(database_url, [source])


def test_a_number_has_one_file(database_url: str, source: MigrationSource) -> None:
    (source.folder / "0002_other.sql").write_text("select 1")
    with pytest.raises(MigrationMisnamed, match="has the number of 0002_notes"):
        migrate(database_url, [source])


def test_a_migration_that_fails_leaves_nothing_and_those_before_it_stay(
    database_url: str, source: MigrationSource
) -> None:
    bad = source.folder / "0002_notes.sql"
    bad.write_text("insert into balances values (2); select nonsense;")
    with pytest.raises(psycopg.errors.UndefinedColumn):
        migrate(database_url, [source])
    assert _count(database_url, "balances") == 1
    bad.write_text("insert into balances values (2);")
    assert migrate(database_url, [source]) == ["projections/0002_notes"]


def test_many_who_migrate_one_database_at_once_apply_each_file_once(
    database_url: str, source: MigrationSource
) -> None:
    with ThreadPoolExecutor(6) as pool:
        applied = list(pool.map(lambda _: migrate(database_url, [EVENTLOG, source]), range(6)))
    assert sorted(map(len, applied)) == [0, 0, 0, 0, 0, 5]
    assert _count(database_url, "balances") == 1


def test_many_databases_of_a_new_server_are_migrated_at_once(own_postgres: PostgresServer) -> None:
    """They all make the same role, which belongs to the server."""
    urls = [own_postgres.create_database(f"d{nth}") for nth in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(migrate, urls)) == [OF_THE_LOG] * 8
