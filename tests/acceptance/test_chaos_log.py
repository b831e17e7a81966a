"""A short run of `make chaos-log`, with kills of writers, a projector, a rebuilder and PostgreSQL."""

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.chaos.log_run import WEIGHTS
from scripts.chaos.plan import plan

ROOT = Path(__file__).parents[2]
SEED, KILLS = 1416, 5


@pytest.mark.timeout(300)
def test_after_kills_of_everything_nothing_is_lost_doubled_or_wrong() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.chaos", "log", "--kills", str(KILLS), "--seed", str(SEED)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    *_, last = done.stdout.splitlines()
    assert (done.returncode, last.endswith(": all holds")) == (0, True), done.stdout + done.stderr
    assert last.startswith(f"chaos-log: seed {SEED}, {KILLS} faults in ")


def test_its_plan_has_a_kill_of_each_kind() -> None:
    victims = {fault.victim.split()[0] for fault in plan(SEED, KILLS, WEIGHTS)}
    assert victims == {"postgresql", "appends", "commands", "projector", "rebuilder"}
