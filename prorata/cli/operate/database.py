"""`prorata migrate`."""

from __future__ import annotations

from prorata.settings import Settings


def migrate() -> int:
    """Bring the database's schema up to date. May be run at any time, and by several at once."""
    from eventlog.postgres.migrate import migrate as apply
    from prorata.migrations import migrations

    applied = apply(Settings.of().database_url, migrations())
    for name in applied:
        print(f"applied {name}")
    print(f"{len(applied)} migrations applied" if applied else "nothing to apply: the schema is up to date")
    return 0
