"""Who pays: names, addresses, e-mail addresses and VAT ids, in versions outside the log (R92), and how they
are erased (R93). Events name a version and hold nothing of a person."""

from pathlib import Path
from typing import Final

from eventlog.migration_source import MigrationSource

PERSONS: Final = MigrationSource("persons", Path(__file__).parent / "migrations")
