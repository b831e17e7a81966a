"""Run a rebuild in a process that kills itself at its n-th statement.

python -m tests.support.projections.rebuilding URL PROJECTION STATEMENT [PROCESSES]
"""

import os
import signal
import sys
from typing import Any

import psycopg

from eventlog.postgres.log import PostgresEventLog
from projections.rebuild import filling
from projections.rebuild.rebuilding import rebuild
from projections.registry import projection_named

EVENTS_IN_A_UNIT, PAGE, BATCH = 15, 4, 3
"""Sizes so small that few accounts make many units, pages and batches."""


class KilledConnection(psycopg.Connection[Any]):
    """A connection whose process dies right before the n-th statement of all such connections, including
    COPY."""

    left = 0

    def cursor(self, *arguments: Any, **options: Any) -> Any:
        KilledConnection.left -= 1
        if KilledConnection.left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().cursor(*arguments, **options)


def small_units(monkeypatch: Any = None) -> None:
    """Make units, pages and batches small, for a process or for a test."""
    for module, name, value in (
        (sys.modules[rebuild.__module__], "EVENTS_IN_A_UNIT", EVENTS_IN_A_UNIT),
        (filling, "PAGE", PAGE),
        (filling, "BATCH", BATCH),
    ):
        if monkeypatch is None:
            setattr(module, name, value)
        else:
            monkeypatch.setattr(module, name, value)


def rebuild_until(url: str, name: str, statement: int, processes: int = 1) -> None:
    """Rebuild the read model in this process, up to the n-th statement; exit 1 if there are differences."""
    small_units()
    log = PostgresEventLog(url)
    KilledConnection.left = statement
    psycopg.connect = KilledConnection.connect
    found = list(rebuild(url, log, projection_named(name), processes=processes))
    log.close()
    sys.exit(1 if found else 0)


def main() -> None:
    url, name, statement, *processes = sys.argv[1:]
    rebuild_until(url, name, int(statement), int(*processes or "1"))


if __name__ == "__main__":
    main()
