"""A run of a chaos harness as `make` starts it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def assert_all_holds(what: str, name: str, faults: int, seed: int) -> None:
    """Assert that the run did this number of faults of the seed, and that every check held; `name` is in its
    last line."""
    done = subprocess.run(
        [sys.executable, "-m", "scripts.chaos", what, "--kills", str(faults), "--seed", str(seed)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    *_, last = done.stdout.splitlines()
    assert (done.returncode, last.endswith(": all holds")) == (0, True), done.stdout + done.stderr
    assert last.startswith(f"{name}: seed {seed}, {faults} faults in ")
