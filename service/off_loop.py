"""What blocks, kept off the event loop: it is done by a few threads.

off_loop = ThreadsOffLoop()
found = await off_loop(partial(store.versions))
off_loop.close()
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar, cast

Returned = TypeVar("Returned")


class ThreadsOffLoop:
    """An OffLoop (`service.completing`) for the tasks of one event loop."""

    def __init__(self, threads: int = 8) -> None:
        self._threads = ThreadPoolExecutor(threads, "service")
        self._under_way: dict[str, asyncio.Future[Any]] = {}

    async def __call__(self, work: Callable[[], Returned], /, key: str | None = None) -> Returned:
        """What the work returns. A caller that is cancelled ends neither the work nor the others' wait."""
        loop = asyncio.get_running_loop()
        if key is None:
            return await loop.run_in_executor(self._threads, work)
        shared = self._under_way.get(key)
        if shared is None:
            shared = self._under_way[key] = loop.run_in_executor(self._threads, work)
            shared.add_done_callback(partial(self._done, key))
        return cast("Returned", await asyncio.shield(shared))

    def close(self) -> None:
        """End the threads, once they have done what they were given."""
        self._threads.shutdown()

    def _done(self, key: str, shared: asyncio.Future[Any]) -> None:
        del self._under_way[key]
        if not shared.cancelled():
            shared.exception()  # if everybody who waited was cancelled, it is not to be logged as overlooked
