"""Read models: what the log says, as rows in PostgreSQL that anyone can query.

    migrate(database_url, [EVENTLOG, MIGRATIONS])
    with Projector(database_url, log) as projector:
        projector.run_once()
    entitlements.of_account(connection, "acme/a-1")      # invoices, access_windows, calendar likewise

Each read model has a module with its document, its fold and its queries. `projections.rebuild` makes its
tables anew, `projections.history.as_of` answers for the past. docs/projections.md lists their guarantees.
"""

from pathlib import Path
from typing import Final

from eventlog.migration_source import MigrationSource

MIGRATIONS: Final = MigrationSource("projections", Path(__file__).parent / "migrations")
"""The migrations that `eventlog.postgres.migrate.migrate` applies after the log's own."""
