"""Work that a cancelled caller takes to its end all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeAlias

import pytest

from service.completing import complete, own_task_to_the_end, to_the_end

ToTheEnd: TypeAlias = Callable[[Coroutine[Any, Any, str]], Awaitable[tuple[str, bool]]]

both_ways = pytest.mark.parametrize("ends", [to_the_end, own_task_to_the_end])


class Waits:
    """Work of two waits, the second of which is told by the first."""

    def __init__(self) -> None:
        self.first: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.second: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def __call__(self) -> str:
        found = await self.first
        await asyncio.sleep(0)
        return found + await self.second


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@both_ways
def test_what_the_work_returns_is_returned(ends: ToTheEnd) -> None:
    async def scene() -> tuple[str, bool]:
        work = Waits()
        caller = asyncio.ensure_future(ends(work()))
        await turns()
        work.first.set_result("a")
        await turns()
        work.second.set_result("b")
        return await caller

    assert asyncio.run(scene()) == ("ab", False)


@both_ways
def test_a_caller_that_is_cancelled_at_every_wait_is_told_so_at_the_end(ends: ToTheEnd) -> None:
    async def scene() -> tuple[str, bool]:
        work = Waits()
        caller = asyncio.ensure_future(ends(work()))
        await turns()
        caller.cancel()
        await turns()
        assert not caller.done()
        assert not work.first.cancelled()
        work.first.set_result("a")
        await turns()
        caller.cancel()
        work.second.set_result("b")
        return await caller

    assert asyncio.run(scene()) == ("ab", True)


@both_ways
def test_what_the_work_raises_is_raised_also_to_one_who_was_cancelled(ends: ToTheEnd) -> None:
    async def scene(*, cancelled: bool) -> None:
        work = Waits()
        caller = asyncio.ensure_future(ends(work()))
        await turns()
        if cancelled:
            caller.cancel()
            await turns()
        work.first.set_exception(LookupError("lost"))
        with pytest.raises(LookupError, match="lost"):
            await caller

    asyncio.run(scene(cancelled=False))
    asyncio.run(scene(cancelled=True))


@both_ways
def test_work_whose_own_wait_is_cancelled_ends_cancelled(ends: ToTheEnd) -> None:
    async def scene() -> None:
        work = Waits()
        caller = asyncio.ensure_future(ends(work()))
        await turns()
        work.first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller

    asyncio.run(scene())


@both_ways
def test_work_that_handles_what_it_is_told_goes_on(ends: ToTheEnd) -> None:
    async def handles(waits: Waits) -> str:
        try:
            return await waits.first
        except LookupError:
            return await waits.second

    async def scene() -> tuple[str, bool]:
        waits = Waits()
        caller = asyncio.ensure_future(ends(handles(waits)))
        await turns()
        waits.first.set_exception(LookupError("lost"))
        await turns()
        caller.cancel()
        await turns()
        waits.second.set_result("found")
        return await caller

    assert asyncio.run(scene()) == ("found", True)


@both_ways
def test_without_an_event_loop_it_runs_through(ends: ToTheEnd) -> None:
    async def at_once() -> str:
        return "done"

    async def caller() -> tuple[str, bool]:
        return await ends(at_once())

    assert complete(caller()) == ("done", False)


def test_a_time_limit_of_the_work_itself_holds_in_a_task_of_its_own() -> None:
    async def limited() -> str:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.get_running_loop().create_future()
        except TimeoutError:
            return "over"
        raise AssertionError

    assert asyncio.run(to_the_end(limited())) == ("over", False)
