"""Command line: `python -m scripts.chaos log|broker|service --kills 100 --seed 7 --minutes 10`."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable

from scripts.chaos import broker_run, log_run, service_run
from scripts.chaos.outcome import Outcome, Say

RUNS: dict[str, Callable[[int, int, float, Say], Outcome]] = {
    "log": log_run.run,
    "broker": broker_run.run,
    "service": service_run.run,
}


def main() -> int:
    """0: all holds; 1: something does not."""
    parser = argparse.ArgumentParser(prog="python -m scripts.chaos", description="Faults at seeded moments.")
    parser.add_argument(
        "part",
        choices=RUNS,
        help="log: around PostgreSQL; broker: the whole way, with Kafka and consumers; service: commands,"
        " billing runs and payments",
    )
    parser.add_argument("--kills", type=int, default=40, help="faults")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=20, help="no fault begins after so long")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    outcome = RUNS[arguments.part](arguments.seed, arguments.kills, 60 * arguments.minutes, _say)
    for line in outcome.lines():
        print(line, flush=True)
    return 1 if outcome.findings else 0


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
