"""Room for a number of tasks: no more are let in, in order, and nobody who gives up keeps a place."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from eventlog.group_commit.room import Room


def _played(story: Callable[[Room], Awaitable[None]]) -> None:
    async def play() -> None:
        room = Room(2)
        await asyncio.wait_for(_coroutine(story, room), 5)
        assert [room.enter() for _ in range(3)] == [True, True, False], "all have left"

    asyncio.run(play())


async def _coroutine(story: Callable[[Room], Awaitable[None]], room: Room) -> None:
    await story(room)


async def _full(room: Room, waiting: int) -> list[asyncio.Task[None]]:
    """Two are in, and these wait outside."""
    assert room.enter()
    assert room.enter()
    tasks = [asyncio.create_task(room.entered()) for _ in range(waiting)]
    await asyncio.sleep(0)
    return tasks


def test_they_come_in_as_others_leave_in_order() -> None:
    async def story(room: Room) -> None:
        tasks = await _full(room, 3)
        for nth in range(3):
            room.leave()
            assert not room.enter(), "those who waited come first"
            await asyncio.sleep(0)
            assert [task.done() for task in tasks] == [other <= nth for other in range(3)]
        for _ in range(2):
            room.leave()

    _played(story)


@pytest.mark.parametrize("cancelled", [0, 1])
def test_one_that_is_cancelled_outside_leaves_its_turn_to_the_next(cancelled: int) -> None:
    async def story(room: Room) -> None:
        tasks = await _full(room, 2)
        tasks[cancelled].cancel()
        await asyncio.sleep(0)
        room.leave()
        await tasks[1 - cancelled]
        for _ in range(2):
            room.leave()

    _played(story)


def test_one_that_is_cancelled_as_it_is_let_in_gives_its_place_to_the_next() -> None:
    async def story(room: Room) -> None:
        first, second = await _full(room, 2)
        room.leave()  # to the first, which has not run since
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        await second
        for _ in range(2):
            room.leave()

    _played(story)
