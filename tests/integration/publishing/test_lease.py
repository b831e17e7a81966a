"""The lease of a stream: one holder at a time, by the database's clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from eventlog.postgres.connect import Connection, connect
from publishing.errors import LeaseLost
from publishing.lease import Lease


@pytest.fixture
def connection(migrated_url: str) -> Iterator[Connection]:
    """The connection of a relay."""
    with connect(migrated_url, "test") as connection:
        yield connection


def expire(connection: Connection) -> None:
    """Let every lease run out."""
    connection.execute("update publishing.leases set expires_at = clock_timestamp() - interval '1 second'")


def test_a_held_lease_is_not_given_to_another(connection: Connection) -> None:
    ours, rival = Lease(connection, "events", seconds=60), Lease(connection, "events", seconds=60)
    assert ours.acquire()
    assert not rival.acquire()
    assert Lease(connection, "state", seconds=60).acquire()
    assert rival.holder().startswith("process ")


def test_one_that_ran_out_is_taken_over_and_its_old_holder_is_told(connection: Connection) -> None:
    ours, rival = Lease(connection, "events", seconds=60), Lease(connection, "events", seconds=60)
    assert ours.acquire()
    expire(connection)
    assert rival.acquire()
    with pytest.raises(LeaseLost):
        ours.renew()
    ours.release()  # changes nothing: it is not ours
    assert not ours.acquire()


def test_renewing_returns_the_databases_time_and_works_until_somebody_took_it(
    connection: Connection,
) -> None:
    ours = Lease(connection, "events", seconds=60)
    assert ours.acquire()
    expire(connection)
    now = ours.renew()
    assert abs((datetime.now(UTC) - now).total_seconds()) < 5
    assert not Lease(connection, "events", seconds=60).acquire()


def test_a_released_one_is_free_at_once(connection: Connection) -> None:
    ours = Lease(connection, "events", seconds=60)
    assert ours.acquire()
    ours.release()
    assert Lease(connection, "events", seconds=60).acquire()


def test_the_relays_role_may_hold_leases_and_nothing_more(relay_url: str) -> None:
    with connect(relay_url, "test") as connection:
        assert Lease(connection, "events", seconds=60).acquire()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("delete from publishing.leases")
