"""A stage of the run: what is given to it is worked on, several at once, by as many tasks as `run` it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Stage(Generic[Item]):
    """A queue, and the work that is done on what waits in it: on all of it, but at most on `most` at once."""

    def __init__(self, work: Callable[[list[Item]], Awaitable[None]], *, most: int) -> None:
        self._work = work
        self._most = most
        self._waiting: deque[Item] = deque()
        self._called = asyncio.Event()
        self._rests = asyncio.Event()
        self._under_way = 0

    def __len__(self) -> int:
        """Items that are not worked on yet."""
        return len(self._waiting)

    def add(self, item: Item) -> None:
        """Have it worked on in its turn."""
        self._waiting.append(item)
        self._called.set()

    async def run(self) -> None:
        """Work until cancelled."""
        waiting = self._waiting
        while True:
            while not waiting:
                self._called.clear()
                await self._called.wait()
            self._under_way += 1
            await self._work([waiting.popleft() for _ in range(min(len(waiting), self._most))])
            self._under_way -= 1
            self._rests.set()

    async def drained(self) -> None:
        """Wait until nothing waits and nothing is worked on."""
        while self._waiting or self._under_way:
            self._rests.clear()
            await self._rests.wait()
