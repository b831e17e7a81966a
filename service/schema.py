"""The service's own tables, and connections to tables in general."""

from __future__ import annotations

from pathlib import Path

from eventlog.errors import NotMigrated
from eventlog.migration_source import MigrationSource
from eventlog.postgres.connections import Connections
from eventlog.postgres.migrate import missing

SERVICE = MigrationSource("service", Path(__file__).parent / "migrations")


def connect(
    database_url: str, name: str, *, limit: int, patience: float, source: MigrationSource = SERVICE
) -> Connections:
    """Connections for the source's tables, each its own session with commits of its own.

    Raises NotMigrated, and LogUnavailable where the server does not answer.
    """
    connections = Connections(database_url, name, limit=limit, patience=patience)
    if lacking := connections.run(lambda connection: missing(connection, source)):
        connections.close()
        raise NotMigrated(lacking)
    return connections
