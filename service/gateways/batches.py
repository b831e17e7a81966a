"""Questions of many tasks, asked together: whoever asks while a batch is under way is in the next one.

    batches = Batches(answer_all, threads=2, most=500)
    answer = await batches.ask(question)

No event loop waits for a batch, which a thread works on. Without a loop the question is a batch by itself,
worked on by the caller.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

Asked = TypeVar("Asked")
Given = TypeVar("Given")


class Batches(Generic[Asked, Given]):
    """Asks in batches. `work` answers each of its questions, in order; `threads`: how many batches are under
    way at once for a loop; `most`: questions in one."""

    def __init__(
        self, work: Callable[[Sequence[Asked]], Sequence[Given]], *, threads: int = 2, most: int = 500
    ) -> None:
        self._work = work
        self._at_once = threads
        self._most = most
        self._threads = ThreadPoolExecutor(threads, "batches")
        self._lock = Lock()
        self._queues: WeakKeyDictionary[asyncio.AbstractEventLoop, _Queue[Asked, Given]] = WeakKeyDictionary()

    async def ask(self, asked: Asked) -> Given:
        """The answer. Raises what the whole batch raised."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            [given] = self._work([asked])
            return given
        with self._lock:
            queue = self._queues.get(loop)
            if queue is None:
                queue = self._queues[loop] = _Queue()
        future: asyncio.Future[Given] = loop.create_future()
        queue.waiting.append((asked, future))
        loop.call_soon(self._start, loop, queue)
        return await future

    def close(self) -> None:
        """End the threads, once they have answered what was asked."""
        self._threads.shutdown()

    def _start(self, loop: asyncio.AbstractEventLoop, queue: _Queue[Asked, Given]) -> None:
        if not queue.waiting or queue.under_way >= self._at_once:
            return
        batch = [queue.waiting.popleft() for _ in range(min(self._most, len(queue.waiting)))]
        queue.under_way += 1
        done = loop.run_in_executor(self._threads, self._work, [asked for asked, _ in batch])
        done.add_done_callback(partial(self._answered, loop, queue, [future for _, future in batch]))

    def _answered(
        self,
        loop: asyncio.AbstractEventLoop,
        queue: _Queue[Asked, Given],
        futures: Sequence[asyncio.Future[Given]],
        done: asyncio.Future[Sequence[Given]],
    ) -> None:
        queue.under_way -= 1
        error = asyncio.CancelledError() if done.cancelled() else done.exception()
        given = () if error is not None else done.result()
        for nth, future in enumerate(futures):
            if future.done():  # its task was cancelled meanwhile
                continue
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(given[nth])
        self._start(loop, queue)


class _Queue(Generic[Asked, Given]):
    """What the tasks of one loop ask."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[Asked, asyncio.Future[Given]]] = deque()
        self.under_way = 0
