"""Run several processes of one kind under a parent that restarts those that die and ends all together.

supervise(work, 4, stop)    # `work` runs in each, until the event that it is given is set
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from threading import Event, Thread
from typing import Final, TypeAlias

import msgspec

Work: TypeAlias = Callable[[], int]
"""A module-level function that runs until SIGTERM and returns an exit code."""

NO_RESTART_AFTER: Final = (2, 4)
"""Exit codes after which a restart does not help: bad input, halted."""

PATIENCE: Final = 30.0
"""Seconds that a process has to end before it is killed."""

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_LOOK_EVERY = 0.2


class _Slot(msgspec.Struct):
    """One of the processes to keep running: the present one, and when the next may be started."""

    process: SpawnProcess | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    pause: float = _SHORTEST_PAUSE


def supervise(work: Work, processes: int, stop: Event) -> int:
    """Keep this number of processes at the work until `stop` is set. One that dies is restarted after half a
    second to half a minute; one that ends with a code in NO_RESTART_AFTER ends them all, and the code is
    returned.
    """
    slots = [_Slot() for _ in range(processes)]
    code = 0
    try:
        while not stop.is_set() and code not in NO_RESTART_AFTER:
            for slot in slots:
                if slot.process is None and time.monotonic() >= slot.start_at:
                    _start(slot, work)
            alive = [slot.process.sentinel for slot in slots if slot.process is not None]
            wait(alive, timeout=_LOOK_EVERY)
            code = max([_ended(slot) for slot in slots])
    finally:
        _end(slots)
    return code if code in NO_RESTART_AFTER else 0


def _start(slot: _Slot, work: Work) -> None:
    slot.process = get_context("spawn").Process(target=_run, args=(work,))
    slot.started_at = time.monotonic()
    slot.process.start()


def _run(work: Work) -> None:
    sys.exit(work())


def _ended(slot: _Slot) -> int:
    """The exit code if the process ended by itself; 0 if it runs or was killed. Schedules its restart."""
    if slot.process is None or slot.process.is_alive():
        return 0
    slot.process.join()
    code, lived = slot.process.exitcode or 0, time.monotonic() - slot.started_at
    slot.pause = _SHORTEST_PAUSE if lived > _LONGEST_PAUSE else min(2 * slot.pause, _LONGEST_PAUSE)
    slot.start_at = time.monotonic() + slot.pause
    slot.process = None
    if code not in NO_RESTART_AFTER:
        print(f"prorata: a worker ended with {code}: started anew", file=sys.stderr, flush=True)
    return max(code, 0)


def _end(slots: list[_Slot]) -> None:
    running = [slot.process for slot in slots if slot.process is not None]
    for process in running:
        process.terminate()
    deadline = time.monotonic() + PATIENCE
    for process in running:
        process.join(max(0.0, deadline - time.monotonic()))
        if process.exitcode is None:
            process.kill()
            process.join()


def set_with_parent(stop: Event) -> None:
    """Set `stop` when the parent of this process has died, as nobody else would end it."""
    parent = parent_process()
    if parent is None:
        return
    sentinel = parent.sentinel

    def watch() -> None:
        wait([sentinel])
        stop.set()

    Thread(target=watch, name="watches-parent", daemon=True).start()
