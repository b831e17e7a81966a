"""Connections that are made when they are first needed: a command that charges nobody never asks the
gateway's."""

import psycopg
import pytest

from eventlog.errors import LogUnavailable, NotMigrated
from prorata.settings import Settings
from prorata.wiring import running
from service.schema import ConnectionsLater

CONNECTED = """
    select application_name from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and application_name like 'prorata %'
"""


def _connected(database_url: str) -> set[str]:
    with psycopg.connect(database_url) as session:
        return {name for (name,) in session.execute(CONNECTED).fetchall()}


def test_they_are_made_once_and_end_with_their_close(service_url: str, database_url: str) -> None:
    later = ConnectionsLater(service_url, "prorata later", limit=2, patience=5.0)
    assert "prorata later" not in _connected(database_url)

    for _ in range(2):
        [[one]] = later.run(lambda connection: connection.execute("select 1").fetchall())
        assert one == 1
    assert "prorata later" in _connected(database_url)

    later.close()
    with pytest.raises(LogUnavailable):
        later.run(lambda connection: connection.execute("select 1"))


def test_closed_before_they_were_needed_they_are_never_made(service_url: str) -> None:
    later = ConnectionsLater(service_url, "prorata later", limit=2, patience=5.0)
    later.close()
    with pytest.raises(LogUnavailable):
        later.run(lambda connection: connection.execute("select 1"))


def test_a_database_without_the_tables_is_refused_when_they_are_needed(database_url: str) -> None:
    later = ConnectionsLater(database_url, "prorata later", limit=2, patience=5.0)
    with pytest.raises(NotMigrated):
        later.run(lambda connection: connection.execute("select 1"))


def test_a_command_connects_to_the_log_and_the_catalogues_alone(service_url: str, database_url: str) -> None:
    with running(Settings(database_url=service_url)) as system:
        assert system.service.account("main/nobody") is None
        assert _connected(database_url) == {"prorata log", "prorata catalogues"}
