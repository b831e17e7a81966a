"""The service's own tables, and connections to tables in general."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TypeVar

from eventlog.errors import LogUnavailable, NotMigrated
from eventlog.migration_source import MigrationSource
from eventlog.postgres.connect import Connection
from eventlog.postgres.connections import Connections
from eventlog.postgres.migrate import missing

SERVICE = MigrationSource("service", Path(__file__).parent / "migrations")

T = TypeVar("T")


class ConnectionsLater:
    """Connections that are made when they are first needed; then they are as those of `connect`."""

    def __init__(self, database_url: str, name: str, *, limit: int, patience: float) -> None:
        self._connect = partial(connect, database_url, name, limit=limit, patience=patience)
        self._lock = Lock()
        self._made: Connections | None = None
        self._closed = False

    def run(self, work: Callable[[Connection], T]) -> T:
        """As Connections.run. Raises what `connect` raises, too."""
        made = self._made
        if made is None:
            with self._lock:
                if self._closed:
                    raise LogUnavailable("it was closed")
                made = self._made = self._made or self._connect()
        return made.run(work)

    def close(self) -> None:
        """Close them, if they were made; later calls raise LogUnavailable."""
        with self._lock:
            self._closed = True
            if self._made is not None:
                self._made.close()


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
