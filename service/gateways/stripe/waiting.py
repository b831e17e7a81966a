"""Waiting as the caller does: with an event loop others go on meanwhile, without one the thread waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from service.completing import blocking_sleep

T = TypeVar("T")


def in_a_loop() -> bool:
    """Whether the caller runs in an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def sleep(seconds: float) -> None:
    """Sleep."""
    if in_a_loop():
        await asyncio.sleep(seconds)
    else:
        await blocking_sleep(seconds)


async def in_thread(threads: Executor, work: Callable[..., T], *arguments: object) -> T:
    """What the work returns, which blocks: done in one of the threads where there is an event loop."""
    if not in_a_loop():
        return work(*arguments)
    return await asyncio.get_running_loop().run_in_executor(threads, work, *arguments)
