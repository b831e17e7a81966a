"""The contract with everybody who subscribes, and the relay that keeps it.

    from publishing.relay import run_relay
    run_relay(log, "127.0.0.1:9092", database_url, once=True)

`topics`, `envelope` and `contract` are the contract, `schemas` its JSON Schemas; docs/publishing.md and
docs/subscribing.md say what is promised.
"""

from pathlib import Path
from typing import Final

from eventlog.migration_source import MigrationSource

MIGRATIONS: Final = MigrationSource("publishing", Path(__file__).parent / "migrations")
"""The relays' tables, leases and halts: for `eventlog.postgres.migrate.migrate`, after the log's own."""
