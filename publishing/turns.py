"""For how long a thread keeps the interpreter while others wait for it.

    with TURNS.short():
        ...

Python's own 5 ms are too long for a relay: a transaction is half a dozen small steps of the Kafka client's
thread, and each of them waited so long for the thread that makes the next page meanwhile.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final

SHORT: Final = 0.0002
"""Seconds."""


class Turns:
    """The process's setting, which any number of relays may ask to be short at the same time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._relays = 0
        self._before = 0.0

    @contextmanager
    def short(self) -> Iterator[None]:
        """Turns are short until the last such block ends; then they are as they were before the first."""
        with self._lock:
            if not self._relays:
                self._before = sys.getswitchinterval()
                sys.setswitchinterval(min(self._before, SHORT))
            self._relays += 1
        try:
            yield
        finally:
            with self._lock:
                self._relays -= 1
                if not self._relays:
                    sys.setswitchinterval(self._before)


TURNS: Final = Turns()
