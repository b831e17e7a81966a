"""Empty migrated databases, many and quickly: copies of one."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from eventlog.postgres.migrate import EVENTLOG, migrate
from projections import MIGRATIONS
from tests.support.servers import NewDatabase, SharedServers


@pytest.fixture(scope="session")
def new_database(servers: SharedServers) -> Iterator[NewDatabase]:
    """Makes a migrated database each time, dropped when its context ends."""
    host = servers.database_url.rpartition("/")[0]
    with psycopg.connect(servers.database_url, autocommit=True) as connection:

        @contextmanager
        def database(template: str) -> Iterator[str]:
            name = f"test_{secrets.token_hex(6)}"
            create = sql.SQL("create database {} template {}")
            connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
            yield f"{host}/{name}"
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))

        with database("template1") as migrated:
            migrate(migrated, [EVENTLOG, MIGRATIONS])
            yield lambda: database(migrated.rpartition("/")[2])
