"""What blocks is done by threads, and what several ask for at once is done once."""

import asyncio
from collections.abc import Awaitable, Callable
from threading import Event, get_ident

import pytest

from service.off_loop import ThreadsOffLoop


def _played(story: Callable[[ThreadsOffLoop], Awaitable[None]]) -> None:
    off_loop = ThreadsOffLoop()
    try:
        asyncio.run(asyncio.wait_for(_coroutine(story, off_loop), 10))
    finally:
        off_loop.close()


async def _coroutine(story: Callable[[ThreadsOffLoop], Awaitable[None]], off_loop: ThreadsOffLoop) -> None:
    await story(off_loop)


def test_work_is_done_by_another_thread() -> None:
    async def story(off_loop: ThreadsOffLoop) -> None:
        assert await off_loop(get_ident) != get_ident()

    _played(story)


def test_calls_of_one_key_at_once_share_what_one_of_them_returns() -> None:
    async def story(off_loop: ThreadsOffLoop) -> None:
        go_on, done = Event(), list[int]()

        def work() -> int:
            go_on.wait()
            done.append(1)
            return len(done)

        asked = [asyncio.ensure_future(off_loop(work, "look")) for _ in range(50)]
        await asyncio.sleep(0)
        go_on.set()
        assert await asyncio.gather(*asked) == [1] * 50
        assert await off_loop(work, "look") == 2, "the next one is done anew"

    _played(story)


def test_what_the_shared_work_raises_is_raised_to_all() -> None:
    async def story(off_loop: ThreadsOffLoop) -> None:
        def work() -> None:
            raise ValueError("the server is away")

        outcomes = await asyncio.gather(*[off_loop(work, "look") for _ in range(5)], return_exceptions=True)
        assert [str(outcome) for outcome in outcomes] == ["the server is away"] * 5

    _played(story)


def test_one_that_is_cancelled_ends_nobody_elses_wait() -> None:
    async def story(off_loop: ThreadsOffLoop) -> None:
        go_on = Event()
        first, second = (asyncio.ensure_future(off_loop(go_on.wait, "look")) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        go_on.set()
        assert await second

    _played(story)
