"""The relays' own tables in PostgreSQL, leases and halts: where their migrations are."""

from pathlib import Path
from typing import Final

from eventlog.postgres.migrate import MigrationSource

MIGRATIONS: Final = MigrationSource("publishing", Path(__file__).parent / "migrations")
"""For `eventlog.postgres.migrate.migrate`, after the log's own."""
