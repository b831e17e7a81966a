"""A test's own PostgreSQL: what can be done to it, and what it keeps."""

from pathlib import Path

import psycopg
import pytest

from scripts.servers import postgres
from scripts.servers.postgres import PostgresServer
from scripts.servers.run import Run


@pytest.mark.parametrize("hard", [False, True])
def test_what_was_committed_is_there_after_a_restart_on_its_port(
    own_postgres: PostgresServer, hard: bool
) -> None:
    address = own_postgres.create_database("ledger")
    with psycopg.connect(address) as connection:
        connection.execute("create table entries as select 42 as amount")
    own_postgres.restart(hard=hard)
    with psycopg.connect(address) as connection:
        assert connection.execute("select amount from entries").fetchall() == [(42,)]


def test_a_killed_server_leaves_its_clients_without_an_answer(own_postgres: PostgresServer) -> None:
    with psycopg.connect(own_postgres.url()) as connection:
        own_postgres.kill()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(own_postgres.url())


def test_a_paused_server_answers_when_it_is_resumed(own_postgres: PostgresServer) -> None:
    with psycopg.connect(own_postgres.url()) as connection:
        own_postgres.pause()
        connection.pgconn.send_query(b"select 42")
        with pytest.raises(psycopg.OperationalError, match="timeout"):
            psycopg.connect(own_postgres.url(), connect_timeout=2)
        own_postgres.resume()
        answer = connection.pgconn.get_result()
        assert answer is not None
        assert answer.get_value(0, 0) == b"42"
        assert connection.pgconn.get_result() is None


def test_a_pid_file_that_names_a_stranger_is_no_obstacle(
    own_postgres: PostgresServer,
) -> None:
    own_postgres.stop()
    (own_postgres.data / "postmaster.pid").write_text(f"1\n{own_postgres.data}\n")
    own_postgres.start()
    psycopg.connect(own_postgres.url()).close()


def test_settings_and_roles_are_as_asked_for_and_durability_is_on(servers_run: Run) -> None:
    server = PostgresServer(servers_run.directory / "postgres", {"work_mem": "64MB"}, roles=["guest"])
    with server, psycopg.connect(server.url(role="guest"), autocommit=True) as connection:
        for setting, value in {"work_mem": "64MB", "fsync": "on", "synchronous_commit": "on"}.items():
            assert connection.execute("select current_setting(%s)", [setting]).fetchone() == (value,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("create database another")


def test_it_starts_from_binaries_in_a_folder_that_is_closed_to_others(
    servers_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRORATA_CACHE", str(tmp_path))  # so that initdb runs from there too
    monkeypatch.setattr(postgres, "is_reachable", lambda _: False)
    with PostgresServer(servers_run.directory / "postgres") as server:
        psycopg.connect(server.url()).close()


def test_a_server_that_ends_at_once_is_reported_with_its_log(servers_run: Run) -> None:
    server = PostgresServer(servers_run.directory / "postgres", {"port_of_call": "Hamburg"})
    with pytest.raises(RuntimeError, match='unrecognized configuration parameter "port_of_call"'):
        server.start()
    assert server.process is None


def test_the_template_is_made_anew_where_making_it_was_cut_short(
    servers_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRORATA_CACHE", str(tmp_path))
    partial = tmp_path / f"postgres-{postgres.VERSION}" / "template.partial"
    partial.mkdir(parents=True)
    (partial / "PG_VERSION").touch()
    with PostgresServer(servers_run.directory / "postgres") as server:
        psycopg.connect(server.url()).close()
    assert not partial.exists()
