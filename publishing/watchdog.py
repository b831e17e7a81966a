"""A limit on calls that have none of their own: kafka-python's commit waits for ever."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, Thread
from typing import Final

HUNG_EXIT: Final = 75
"""The exit code of a process that its watchdog ended (EX_TEMPFAIL): start it again."""


def leave() -> None:
    """End the process at once: a thread that hangs cannot be stopped. The next one's `init_transactions`
    decides what becomes of the open transaction."""
    sys.stderr.write(f"a Kafka transaction did not end in time: leaving with code {HUNG_EXIT}\n")
    sys.stderr.flush()
    os._exit(HUNG_EXIT)


class Watchdog:
    """Calls `on_hang` when a limit passes: one thread for all the limits of a relay, one after the other."""

    def __init__(self, on_hang: Callable[[], None] = leave) -> None:
        self._on_hang = on_hang
        self._changed = Condition()
        self._deadline: float | None = None
        self._closed = False
        self._thread = Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    @contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        """The block ends within that time, or the process does."""
        self._set(time.monotonic() + seconds)
        try:
            yield
        finally:
            self._set(None)

    def close(self) -> None:
        """Watch no more."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _set(self, deadline: float | None) -> None:
        with self._changed:
            sleeping = self._deadline is None
            self._deadline = deadline
            if sleeping:
                self._changed.notify()

    def _watch(self) -> None:
        with self._changed:
            while not self._closed:
                wait = None if self._deadline is None else self._deadline - time.monotonic()
                if wait is not None and wait <= 0:
                    self._deadline = None
                    self._on_hang()
                else:
                    self._changed.wait(wait)
