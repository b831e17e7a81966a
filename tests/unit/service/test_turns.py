"""Turns at an account: first come, first served, and nobody waits for ever."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from service.turns import LoopTurns


def _played(story: Callable[[LoopTurns], Awaitable[None]], patience: float = 60.0) -> None:
    async def play() -> None:
        turns = LoopTurns(patience)
        await story(turns)
        assert len(turns) == 0, "an account that nobody works on costs nothing"

    asyncio.run(play())


async def _until_queued() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def test_callers_of_one_account_have_their_turns_in_the_order_they_came() -> None:
    async def story(turns: LoopTurns) -> None:
        order: list[int] = []

        async def call(nth: int) -> None:
            assert await turns.take("a")
            order.append(nth)
            await asyncio.sleep(0)
            turns.pass_on("a")

        await asyncio.gather(*[call(nth) for nth in range(20)])
        assert order == list(range(20))

    _played(story)


def test_only_one_caller_has_the_turn_at_a_time() -> None:
    async def story(turns: LoopTurns) -> None:
        working = 0

        async def call() -> None:
            nonlocal working
            await turns.take("a")
            working += 1
            assert working == 1
            await asyncio.sleep(0)
            working -= 1
            turns.pass_on("a")

        await asyncio.gather(*[call() for _ in range(20)])

    _played(story)


def test_who_waits_at_one_account_holds_up_no_other() -> None:
    async def story(turns: LoopTurns) -> None:
        await turns.take("hot")
        waiting = [asyncio.ensure_future(turns.take("hot")) for _ in range(10)]
        await _until_queued()

        assert await turns.take("other")
        turns.pass_on("other")
        assert not any(each.done() for each in waiting)

        for each in waiting:
            turns.pass_on("hot")
            assert await each
        turns.pass_on("hot")

    _played(story)


@pytest.mark.parametrize("cancelled", [0, 1, 2])
def test_a_caller_that_is_cancelled_leaves_and_the_others_keep_their_order(cancelled: int) -> None:
    async def story(turns: LoopTurns) -> None:
        await turns.take("a")
        waiting = [asyncio.ensure_future(turns.take("a")) for _ in range(3)]
        await _until_queued()
        waiting[cancelled].cancel()
        await _until_queued()

        for nth in range(3):
            if nth != cancelled:
                turns.pass_on("a")
                await _until_queued()
                assert [each.done() for each in waiting[nth + 1 :]] == [
                    later == cancelled for later in range(nth + 1, 3)
                ]
                assert await waiting[nth]
        turns.pass_on("a")

    _played(story)


def test_a_turn_that_comes_to_a_caller_as_it_is_cancelled_is_passed_on() -> None:
    async def story(turns: LoopTurns) -> None:
        await turns.take("a")
        first, second = (asyncio.ensure_future(turns.take("a")) for _ in range(2))
        await _until_queued()
        turns.pass_on("a")  # to the first, which has not run since
        first.cancel()

        with pytest.raises(asyncio.CancelledError):
            await first
        assert await asyncio.wait_for(second, 1)
        turns.pass_on("a")

    _played(story)


def test_nobody_waits_longer_than_the_patience_for_one_who_keeps_the_turn() -> None:
    async def story(turns: LoopTurns) -> None:
        loop = asyncio.get_running_loop()
        await turns.take("a")
        began = loop.time()

        assert await asyncio.gather(*[turns.take("a") for _ in range(3)]) == [False] * 3
        assert 0.05 <= loop.time() - began < 1
        turns.pass_on("a")

    _played(story, patience=0.05)


def test_a_queue_of_short_turns_loses_nobody_however_long_it_is() -> None:
    async def story(turns: LoopTurns) -> None:
        async def call() -> bool:
            has_turn = await turns.take("a")
            await asyncio.sleep(0.02)
            if has_turn:
                turns.pass_on("a")
            return has_turn

        assert await asyncio.gather(*[call() for _ in range(20)]) == [True] * 20

    _played(story, patience=0.2)
