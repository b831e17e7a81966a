"""Several processes at one kind of work, under a parent that starts anew what dies and ends them together.

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
"""A function of a module: it runs until SIGTERM, and returns an exit code."""

IN_VAIN: Final = (2, 4)
"""Exit codes after which starting anew does not help: bad input, halted."""

PATIENCE: Final = 30.0
"""Seconds in which what was told to end does so."""

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_LOOK_EVERY = 0.2


class _Place(msgspec.Struct):
    """One of the processes: what stands there now, and when it may be started again."""

    process: SpawnProcess | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    pause: float = _SHORTEST_PAUSE


def supervise(work: Work, processes: int, stop: Event) -> int:
    """Keep so many processes at the work until `stop` is set; each one that dies is started anew, after half
    a second to half a minute. One that ends with a code IN_VAIN ends them all, and the code is returned.
    """
    places = [_Place() for _ in range(processes)]
    code = 0
    try:
        while not stop.is_set() and code not in IN_VAIN:
            for place in places:
                if place.process is None and time.monotonic() >= place.start_at:
                    _start(place, work)
            alive = [place.process.sentinel for place in places if place.process is not None]
            wait(alive, timeout=_LOOK_EVERY)
            code = max([_ended(place) for place in places])
    finally:
        _end(places)
    return code if code in IN_VAIN else 0


def _start(place: _Place, work: Work) -> None:
    place.process = get_context("spawn").Process(target=_run, args=(work,))
    place.started_at = time.monotonic()
    place.process.start()


def _run(work: Work) -> None:
    sys.exit(work())


def _ended(place: _Place) -> int:
    """The exit code of a process that ended by itself, 0 of one that runs or was killed."""
    if place.process is None or place.process.is_alive():
        return 0
    place.process.join()
    code, lived = place.process.exitcode or 0, time.monotonic() - place.started_at
    place.pause = _SHORTEST_PAUSE if lived > _LONGEST_PAUSE else min(2 * place.pause, _LONGEST_PAUSE)
    place.start_at = time.monotonic() + place.pause
    place.process = None
    if code not in IN_VAIN:
        print(f"prorata: a worker ended with {code}: started anew", file=sys.stderr, flush=True)
    return max(code, 0)


def _end(places: list[_Place]) -> None:
    running = [place.process for place in places if place.process is not None]
    for process in running:
        process.terminate()
    deadline = time.monotonic() + PATIENCE
    for process in running:
        process.join(max(0.0, deadline - time.monotonic()))
        if process.exitcode is None:
            process.kill()
            process.join()


def set_with_parent(stop: Event) -> None:
    """Set `stop` when the parent of this process has died: nobody would end it."""
    parent = parent_process()
    if parent is None:
        return
    sentinel = parent.sentinel

    def watch() -> None:
        wait([sentinel])
        stop.set()

    Thread(target=watch, name="watches-parent", daemon=True).start()
