"""The synchronous door to what is written for asyncio.

    given = complete(service.handle("main/a1", request))

The service is `async def` throughout, so that a server waits for thousands of appends and charges at once.
A script, the terminal or a test gives it ports that block: then nothing in it ever suspends, and it runs to
its end without an event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
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
    same."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return await work, False
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task), False
    except asyncio.CancelledError:
        if task.cancelled():
            raise
        return await task, True


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
