"""The stop signal of a process, which also knows whether the process's loops still turn.

stop = StopSignal()
while not stop.is_set():        # each call is a turn
    ...
stop.idle_seconds()             # since the last turn of the slowest loop
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from threading import Event, Thread, current_thread
from types import FrameType


class StopSignal(Event):
    """An Event that records when each thread last looked at it. Every loop checks its stop event once a turn,
    so one that no longer does so hangs."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._began = clock()
        self._looked: dict[Thread, float] = {}

    def is_set(self) -> bool:
        self.turn()
        return super().is_set()

    def wait(self, timeout: float | None = None) -> bool:
        self.turn()
        return super().wait(timeout)

    def turn(self) -> None:
        """Record, within a long turn, that this thread's loop still turns."""
        self._looked[current_thread()] = self._clock()

    def idle_seconds(self) -> float:
        """Seconds since the last turn of the slowest live loop; before any turn, since the start."""
        looked = list(self._looked.items())
        for thread, _ in looked:
            if not thread.is_alive():
                self._looked.pop(thread, None)
        last = min((at for thread, at in looked if thread.is_alive()), default=self._began)
        return max(0.0, self._clock() - last)


def stopping() -> StopSignal:
    """A stop signal that SIGINT, SIGTERM, and SIGHUP unless it is ignored (nohup), set: the command finishes
    the work at hand and ends with 0."""
    stop = StopSignal()

    def ask(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signum == signal.SIGHUP and signal.getsignal(signum) is signal.SIG_IGN:
            continue
        signal.signal(signum, ask)
    return stop
