"""The watchdog: what takes too long is ended, what ends in time is left alone."""

from __future__ import annotations

import subprocess
import sys
from threading import Event

from publishing.watchdog import HUNG_EXIT, Watchdog


def test_a_block_that_takes_too_long_is_noticed_while_it_hangs() -> None:
    hung = Event()
    watchdog = Watchdog(on_hang=hung.set)
    with watchdog.limit(0.01):
        assert hung.wait(20)
    watchdog.close()


def test_blocks_that_end_in_time_are_left_alone() -> None:
    hung = Event()
    watchdog = Watchdog(on_hang=hung.set)
    for _ in range(1_000):
        with watchdog.limit(60):
            pass
    with watchdog.limit(0.01):
        assert hung.wait(20)
    watchdog.close()


def test_a_process_that_hangs_leaves_with_a_code_of_its_own() -> None:
    program = (
        "import threading; from publishing.watchdog import Watchdog\n"
        "with Watchdog().limit(0.01): threading.Event().wait()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == HUNG_EXIT
    assert f"leaving with code {HUNG_EXIT}" in ended.stderr
