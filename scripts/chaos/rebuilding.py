"""Rebuild one read model after another and swap it with the live one, until SIGTERM:

    python -m scripts.chaos.rebuilding JOURNAL

It uses one process and two, in turn. A difference between the live and the rebuilt tables is a finding.
"""

from __future__ import annotations

import sys
import time
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Final

import psycopg

from domain.errors import TRY_AGAIN
from eventlog import LogUnavailable
from eventlog.postgres.log import PostgresEventLog
from projections.errors import HeldBack, RebuildRunning
from projections.rebuild.rebuilding import drop_old, rebuild
from projections.registry import PROJECTIONS
from prorata.processes.stopping import stopping
from prorata.settings import Settings
from scripts.chaos.journal import Journal, Noticed

_PAUSE: Final = 0.2


def main(path: str) -> int:
    """Rebuild until SIGTERM; return the exit code."""
    stop, journal, url = stopping(), Journal(Path(path)), Settings.of().database_url
    try:
        with closing(PostgresEventLog(url, patience=20)) as log:
            # Start anywhere: most of these processes are killed before they have rebuilt all.
            for nth in count(int(time.time())):
                if stop.is_set():
                    return 0
                projection = PROJECTIONS[nth % len(PROJECTIONS)]
                try:
                    for difference in rebuild(url, log, projection, processes=1 + nth // 4 % 2):
                        journal.write(Noticed(f"rebuild: {difference}"))
                    drop_old(url, projection)
                except (RebuildRunning, HeldBack, LogUnavailable, psycopg.OperationalError) as error:
                    print(f"{projection.name}: {error}", file=sys.stderr, flush=True)
                    stop.wait(_PAUSE)
    except LogUnavailable as error:
        print(error, file=sys.stderr)
        return TRY_AGAIN
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
