"""Consumers of what is published: the runtime with exactly-once effects, and the entitlement cache.

from consumers.runtime import Consumer
from consumers.entitlement_cache import EntitlementCache, may_use
"""

from pathlib import Path
from typing import Final

MIGRATIONS: Final = tuple(
    (name, Path(__file__).parent / "migrations" / name)
    for name in ("consumers", "entitlement_cache", "finance_ledger", "webhooks")
)
"""Name and folder of each source of migrations, in order, for `eventlog.postgres.migrate`."""
