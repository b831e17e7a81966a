"""The synchronous door to what is written for asyncio.

    given = complete(service.handle("main/a1", request))

The service is `async def` throughout, so that a server waits for thousands of appends and charges at once.
A script, the terminal or a test gives it ports that block: then nothing in it ever suspends, and it runs to
its end without an event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from types import coroutine
from typing import Any, Protocol, TypeVar

Returned = TypeVar("Returned")


def complete(work: Coroutine[Any, Any, Returned]) -> Returned:
    """What the coroutine returns, whose ports block.

    Raises what it raises; RuntimeError where it suspends all the same.
    """
    try:
        work.send(None)
    except StopIteration as done:
        returned: Returned = done.value
        return returned
    work.close()
    raise RuntimeError(f"{work!r} waits for an event loop, and was given none")


async def to_the_end(work: Coroutine[Any, Any, Returned]) -> tuple[Returned, bool]:
    """What the coroutine returns, and whether its caller's task was cancelled meanwhile: it goes on all the
    same, as a task of its own, which may set itself time limits."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return await work, False
    return await own_task_to_the_end(asyncio.ensure_future(work).__await__())


@coroutine
def own_task_to_the_end(
    work: Coroutine[Any, Any, Returned] | Generator[Any, None, Returned],
) -> Generator[Any, None, tuple[Returned, bool]]:
    """As `to_the_end`, but in the caller's own task, which costs a third of another one. What the work waits
    for must end by itself: `asyncio.timeout` in it would end nothing."""
    cancelled, told = False, None
    while True:
        try:
            awaited = work.send(None) if told is None else work.throw(told)
        except StopIteration as done:
            return done.value, cancelled
        told = None
        is_future = asyncio.isfuture(awaited)
        try:
            yield _Undisturbed(awaited) if is_future else awaited
        except asyncio.CancelledError:
            cancelled = cancelled or not (is_future and awaited.cancelled())
        except BaseException as error:  # noqa: BLE001 - it is the work's to handle
            told = error


class _Undisturbed:
    """Stands for a future for which a task waits: the task's cancellation does not end that, and is told to
    the task once the future is done."""

    __slots__ = ("_asyncio_future_blocking", "_future")

    def __init__(self, future: asyncio.Future[Any]) -> None:
        self._future = future
        future._asyncio_future_blocking = False
        self._asyncio_future_blocking = True

    def cancel(self, msg: Any = None) -> bool:  # noqa: ARG002 - as asyncio.Future
        return False

    def cancelled(self) -> bool:
        return self._future.cancelled()

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._future.get_loop()

    def add_done_callback(self, callback: Callable[[Any], object], *, context: Context | None = None) -> None:
        self._future.add_done_callback(callback, context=context)


async def blocking_sleep(seconds: float) -> None:
    """Sleep, and let nothing else go on meanwhile."""
    time.sleep(seconds)  # noqa: ASYNC251 - it is to block


class OffLoop(Protocol):
    """Runs what blocks: where tasks share an event loop, in a thread. Calls of the same `key` that come while
    one is under way get what that one returns, or raises."""

    async def __call__(self, work: Callable[[], Returned], /, key: str | None = None) -> Returned: ...


async def blocking_call(
    work: Callable[[], Returned],
    /,
    key: str | None = None,  # noqa: ARG001 - nothing else is under way
) -> Returned:
    """What the work returns, and let nothing else go on meanwhile."""
    return work()
