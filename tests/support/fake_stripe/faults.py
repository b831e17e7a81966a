"""How the fake is told to fail, and moments at which a test does something meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from threading import Lock
from typing import Literal

import msgspec

Kind = Literal["lost", "cut", "error", "error_after", "limited", "slow", "late", "before", "after"]
"""`lost`: done, and the connection is cut. `cut`: not done. `error`: 500, not done; `error_after`: 500, done.
`limited`: 429 with Retry-After. `slow`: done, answered seconds later. `late`: done seconds later, too.
`before`, `after`: `call` is called in the server's thread, before or after it is done."""


class Fault(msgspec.Struct):
    """One way to fail, for the next `times` requests that match."""

    kind: Kind
    request: str
    times: int
    seconds: float = 0.0
    call: Callable[[], object] | None = None


class Faults:
    """What is to fail next; a request meets the first fault that matches it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._faults: list[Fault] = []

    def add(
        self,
        kind: Kind,
        request: str = "*",
        *,
        times: int = 1,
        seconds: float = 0.0,
        call: Callable[[], object] | None = None,
    ) -> None:
        """`request` is a pattern such as `POST /v1/payment_intents/*/confirm`."""
        with self._lock:
            self._faults.append(Fault(kind, request, times, seconds, call))

    def clear(self) -> None:
        """Nothing fails from now on."""
        with self._lock:
            self._faults.clear()

    def take(self, request: str) -> Fault | None:
        """The fault that this request meets; it counts as met."""
        with self._lock:
            for fault in self._faults:
                if fault.times > 0 and _matches(request, fault.request):
                    fault.times -= 1
                    return fault
        return None


def _matches(request: str, pattern: str) -> bool:
    """Whether the pattern is the request's, `*` standing for one name of the path; a lone `*` for all."""
    parts, wanted = request.split("/"), pattern.split("/")
    return pattern == "*" or (len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted)))
