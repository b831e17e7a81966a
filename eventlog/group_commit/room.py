"""How many are let in at once: the others wait outside, first come, first served.

    if not room.enter():
        await room.entered()
    ...
    room.leave()

An asyncio.Semaphore makes a coroutine, and looks at everybody who waits, also where there is room.
"""

import asyncio
from collections import deque


class Room:
    """Lets up to `most` tasks of one event loop in."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._outside: deque[asyncio.Future[None]] = deque()

    def enter(self) -> bool:
        """Enter, if there is room and nobody waits for it."""
        if self._free == 0 or self._outside:
            return False
        self._free -= 1
        return True

    async def entered(self) -> None:
        """Wait for room, and enter. Whoever is cancelled while waiting has not entered."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._outside.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self.leave()
            elif waiter in self._outside:
                self._outside.remove(waiter)
            raise

    def leave(self) -> None:
        """Make room for the next one."""
        while self._outside:
            waiter = self._outside.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._free += 1
