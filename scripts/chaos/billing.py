"""A billing run over the accounts of the commands' test clock, again and again, until SIGTERM:

    python -m scripts.chaos.billing BEGAN

As `prorata bill --test-clock`, but for the clock, which runs a day a second from BEGAN.
"""

from __future__ import annotations

import sys

import psycopg

from domain.errors import TRY_AGAIN
from eventlog import LogUnavailable
from projections.live.projector import Projector
from projections.registry import projection_named
from prorata.processes.stopping import stopping
from prorata.settings import Settings
from prorata.wiring import running
from scripts.chaos.commanding import clock

_PAUSE = 0.2


def main(began: str) -> int:
    """Bill what is due until SIGTERM; return the exit code."""
    stop, settings = stopping(), Settings.of()
    try:
        with (
            running(settings) as system,
            Projector(settings.database_url, system.log, [projection_named("calendar")]) as calendar,
        ):
            while not stop.wait(_PAUSE):
                calendar.run_once(stop=stop)
                report = system.billing.run_due("test", clock(float(began)), lambda _: None)
                for failed in report.failed:
                    print(f"{failed.account_id}: {failed.reason}", file=sys.stderr)
    except (LogUnavailable, psycopg.OperationalError) as error:
        print(error, file=sys.stderr)
        return TRY_AGAIN
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
