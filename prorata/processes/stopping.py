"""The signal that ends a process, which also tells whether the process's loops still turn.

stop = StopSignal()
while not stop.is_set():        # each look is a turn
    ...
stop.idle_seconds()             # of the loop that has not looked for longest
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from threading import Event, Thread, current_thread
from types import FrameType


class StopSignal(Event):
    """An Event that remembers when each thread last looked at it. Every loop of ours looks at its stop event
    once a turn, so a loop that hangs is one that does not look."""

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
        """Say that the loop of this thread turns, from inside of a long turn."""
        self._looked[current_thread()] = self._clock()

    def idle_seconds(self) -> float:
        """For how long the slowest of the living loops has not turned; before any has, since the start."""
        looked = list(self._looked.items())
        for thread, _ in looked:
            if not thread.is_alive():
                self._looked.pop(thread, None)
        last = min((at for thread, at in looked if thread.is_alive()), default=self._began)
        return max(0.0, self._clock() - last)


def stopping() -> StopSignal:
    """Set by SIGINT, SIGTERM, and SIGHUP where that is not ignored (nohup): the work at hand is finished,
    then the command ends with 0."""
    stop = StopSignal()

    def ask(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signum == signal.SIGHUP and signal.getsignal(signum) is signal.SIG_IGN:
            continue
        signal.signal(signum, ask)
    return stop
