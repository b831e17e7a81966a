"""The migrations of all packages, in the order in which they are applied."""

from __future__ import annotations

from pathlib import Path

from eventlog.migration_source import MigrationSource
from eventlog.postgres.migrate import EVENTLOG
from projections import MIGRATIONS as PROJECTIONS
from prorata.keys.store import MIGRATIONS as KEYS
from prorata.portal.sessions import MIGRATIONS as PORTAL
from prorata.processes.table import MIGRATIONS as OPERATIONS
from service.persons import PERSONS
from service.schema import SERVICE

REPORTING = MigrationSource("reporting", Path(__file__).parent / "reporting")
"""Views over several packages' tables, and the comments of every table and column."""


def migrations() -> tuple[MigrationSource, ...]:
    """The migration sources; the log's comes first."""
    from consumers import MIGRATIONS as CONSUMERS
    from publishing import MIGRATIONS as PUBLISHING

    consumers = [MigrationSource(name, folder) for name, folder in CONSUMERS]
    own = (EVENTLOG, SERVICE, PERSONS, PROJECTIONS, PUBLISHING)
    return (*own, *consumers, OPERATIONS, KEYS, PORTAL, REPORTING)
