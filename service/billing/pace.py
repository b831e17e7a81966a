"""How fast a payment provider is asked: so many questions a second, and none while it wants to be left alone.

pace = Pace(per_second=100, burst=20)
await pace.turn()       # returns when it is this caller's turn
pace.hold(30)           # the provider answered 429 with Retry-After: 30
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

_ROUNDING: Final = 1e-9


class Pace:
    """A token bucket for the tasks of one event loop, served in the order in which they come.

    `per_second`: how fast it fills, None: there is no limit; `burst`: how much it holds.
    """

    def __init__(
        self,
        per_second: float | None = None,
        burst: float = 1.0,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_second = per_second
        self._burst = max(1.0, burst)
        self._monotonic = monotonic
        self._tokens = self._burst
        self._filled_at = monotonic()
        self._held_until = float("-inf")
        self._queue = asyncio.Lock()

    def hold(self, seconds: float) -> None:
        """Let nobody have a turn for so long, or longer if that was asked for before."""
        self._held_until = max(self._held_until, self._monotonic() + seconds)

    @property
    def is_free(self) -> bool:
        """Nobody needs to wait for a turn now."""
        return self._per_second is None and self._monotonic() >= self._held_until

    async def turn(self) -> None:
        """Wait for a turn."""
        if self.is_free:
            return
        async with self._queue:
            wait = self._wait()
            while wait > 0:
                await asyncio.sleep(wait)
                wait = self._wait()

    def _wait(self) -> float:
        """Seconds until a turn may be had; 0: it is had now."""
        now = self._monotonic()
        if now < self._held_until:
            return self._held_until - now
        if self._per_second is None:
            return 0.0
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._per_second)
        self._filled_at = now
        if self._tokens >= 1.0 - _ROUNDING:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / self._per_second
