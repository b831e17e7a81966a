"""Databases with roles: each of Prorata's processes logs in as its own user, with the rights of its role.

    url = migrated(database_url, [EVENTLOG, SERVICE])
    PostgresEventLog(login(url, SERVICE_ROLE))

The servers of `scripts.servers` have a user for each role: `service` is a member of prorata_service.
"""

from __future__ import annotations

from collections.abc import Sequence

from eventlog.migration_source import MigrationSource
from eventlog.postgres.migrate import EVENTLOG, migrate
from prorata.roles import grant_rights, make_roles
from publishing.clients import Broker
from scripts.servers.postgres import login_of


def migrated(database_url: str, sources: Sequence[MigrationSource] = (EVENTLOG,)) -> str:
    """Migrate the superuser's database and grant the roles their rights; return its URL."""
    migrate(database_url, sources)
    make_roles(database_url)
    grant_rights(database_url)
    return database_url


def login(database_url: str, role: str) -> str:
    """The URL of the database for the user that is a member of the role."""
    host = database_url.partition("@")[2]
    return f"postgresql://{login_of(role)}@{host}"


def kafka_as(broker: Broker, role: str) -> Broker:
    """The broker for the user that is a member of the role in PostgreSQL, and has the rights of its processes
    at the broker; an open broker as it is."""
    if isinstance(broker, str):
        return broker
    from scripts.servers.kafka.secured import as_user

    return as_user(broker, login_of(role))
