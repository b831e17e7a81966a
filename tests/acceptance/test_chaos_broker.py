"""A short run of `make chaos`, with a fault of each kind: servers of its own, which no other test uses."""

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.chaos.broker_run import WEIGHTS
from scripts.chaos.plan import plan

ROOT = Path(__file__).parents[2]
SEED, FAULTS = 43737, 5


@pytest.mark.timeout(300)
def test_after_faults_on_the_whole_way_subscribers_have_what_the_log_says() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.chaos", "broker", "--kills", str(FAULTS), "--seed", str(SEED)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    *_, last = done.stdout.splitlines()
    assert (done.returncode, last.endswith(": all holds")) == (0, True), done.stdout + done.stderr
    assert last.startswith(f"chaos: seed {SEED}, {FAULTS} faults in ")


def test_its_plan_has_a_fault_of_each_kind_on_the_way() -> None:
    assert {(fault.kind, fault.victim) for fault in plan(SEED, FAULTS, WEIGHTS)} == {
        ("stall", "line to broker"),
        ("kill", "broker"),
        ("kill", "ledger two"),
        ("pause", "relay two"),
        ("drop", "line to postgresql"),
    }
