"""A projector's worker as `prorata project` runs it, but with small pages and little patience for one that
hangs.

python -m tests.support.projections.worker_process DATABASE_URL
"""

from __future__ import annotations

import signal
import sys
from contextlib import closing
from threading import Event

from eventlog.postgres.log import PostgresEventLog
from projections.live.lane_shares import Shares
from projections.live.projector import Projector

PATIENCE = 1
"""Seconds without a sign of life until its lanes are free."""


def main(database_url: str) -> None:
    """Work until SIGTERM."""
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with (
        closing(PostgresEventLog(database_url)) as log,
        Shares(database_url, beat=0.05, patience=PATIENCE) as shares,
        Projector(database_url, log, lanes=(), page=20, longest_page=2) as projector,
    ):
        projector.run(stop, shares)


if __name__ == "__main__":
    main(sys.argv[1])
