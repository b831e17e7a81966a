"""What many ask at the same moment is found out once, for all of them.

key = await self._looks(name, partial(self._look_up, given))
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Shared(Generic[K, V]):
    """What is being found out; of one event loop."""

    def __init__(self) -> None:
        self._under_way: dict[K, asyncio.Task[V]] = {}

    async def __call__(self, name: K, find: Callable[[], Coroutine[Any, Any, V]]) -> V:
        """What `find` returns or raises; where that is being found out already, what comes of that. A caller
        that is cancelled ends neither the work nor the others' wait."""
        task = self._under_way.get(name)
        if task is None:
            task = self._under_way[name] = asyncio.create_task(find())
            task.add_done_callback(partial(self._done, name))
        return await asyncio.shield(task)

    def _done(self, name: K, task: asyncio.Task[V]) -> None:
        del self._under_way[name]
        if not task.cancelled():
            task.exception()  # if everybody who waited was cancelled, it is not to be logged as overlooked
