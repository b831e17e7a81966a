"""The feed of the event stream: bounded for each subscriber, one reader of the log for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TypeVar
from uuid import uuid4

import pytest

from eventlog.memory import MemoryEventLog
from eventlog.records import NewEvent
from prorata.http import feed
from prorata.http.feed import Feed
from prorata.http.settled import SettledLog
from prorata.http.traffic import Traffic

T = TypeVar("T")
AT = datetime(2026, 3, 20, tzinfo=UTC)


async def run(work: Callable[[], T]) -> T:
    await asyncio.sleep(0)
    return work()


class World:
    """A log in memory and a feed of it."""

    def __init__(self) -> None:
        self.log = MemoryEventLog()
        self.traffic = Traffic()
        self.feed = Feed(SettledLog(self.log), self.traffic, run)

    def append(self, account: str, size: int = 10) -> None:
        event = NewEvent(uuid4(), None, "plan_paused", 1, AT, None, b'{"x":"' + b"y" * size + b'"}')
        self.log.append(account, self.log.head(account), [event])


def ids(chunk: bytes) -> list[int]:
    return [int(line.removeprefix(b"id: ")) for line in chunk.split(b"\n") if line.startswith(b"id: ")]


async def taken(stream: AsyncGenerator[bytes, None], many: int) -> list[int]:
    found: list[int] = []
    async with asyncio.timeout(10):
        while len(found) < many:
            found += ids(await anext(stream))
    return found


def test_a_tenant_gets_its_own_events_alone_in_order() -> None:
    async def main() -> None:
        world = World()
        for nth in range(6):
            world.append(f"{'ab'[nth % 2]}/x{nth}")
        stream = world.feed.stream("a", 0)
        assert await taken(stream, 3) == [1, 3, 5]
        world.append("b/later")
        world.append("a/later")
        assert await taken(stream, 1) == [8]
        await stream.aclose()

    asyncio.run(main())


def test_who_comes_while_events_come_misses_none_and_gets_none_twice() -> None:
    async def main() -> None:
        world = World()
        world.append("a/x")
        found: list[list[int]] = []

        async def subscribe(after: int) -> None:
            stream = world.feed.stream("a", after)
            found.append(await taken(stream, 200 - after))
            await stream.aclose()

        async def write() -> None:
            for _ in range(199):
                world.append("a/x")
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(write())
            for after in (0, 0, 50, 100, 150):
                tasks.create_task(subscribe(after))
                await asyncio.sleep(0.01)
        assert sorted(found) == sorted(list(range(after + 1, 201)) for after in (0, 0, 50, 100, 150))

    asyncio.run(main())


def test_one_that_takes_nothing_is_cut_off_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MOST_WAITING", 50_000)
    monkeypatch.setattr(feed, "LOOKS", 0.001)

    async def main() -> None:
        world = World()
        world.append("a/x")
        slow, quick = world.feed.stream("a", 0), world.feed.stream("a", 0)

        async def slow_reader() -> list[int]:
            found = await taken(slow, 1)
            world.append("a/x")
            found += await taken(slow, 1)
            with suppress(asyncio.CancelledError):  # as its task is that waits for the network
                await asyncio.sleep(60)
            return found

        reading = asyncio.create_task(slow_reader())
        found = await taken(quick, 2)
        for _ in range(99):
            world.append("a/x", size=1_000)
            found += await taken(quick, 1)
        assert found == list(range(1, 102))
        before = await reading
        assert before == list(range(1, len(before) + 1)), "what it was sent has no gap"
        assert len(before) < 101
        again = world.feed.stream("a", before[-1])
        assert await taken(again, 101 - len(before)) == list(range(len(before) + 1, 102))
        await again.aclose()
        await quick.aclose()
        assert world.traffic.cut_off._value.get() == 1

    asyncio.run(main())


def test_one_that_takes_nothing_of_what_was_is_cut_off_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MOST_SENDING", 0.05)
    monkeypatch.setattr(feed, "LOOKS_AT_READERS", 0.01)

    async def main() -> None:
        world = World()
        world.append("a/x")

        async def read() -> None:
            stream = world.feed.stream("a", 0)
            await taken(stream, 1)
            await asyncio.sleep(60)
            await stream.aclose()

        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(read())

    asyncio.run(main())


def test_a_quiet_stream_is_kept_alive_and_ends_with_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "HEARTBEAT", 0.01)

    async def main() -> None:
        world = World()
        stream = world.feed.stream("a", 0)
        assert await anext(stream) == b"retry: 1000\n\n"
        assert (await anext(stream)).startswith(b": ")
        world.traffic.end()
        async with asyncio.timeout(5):
            assert [chunk async for chunk in stream if not chunk.startswith(b":")] == []

    asyncio.run(main())


def test_nobody_reads_the_log_while_nobody_subscribes() -> None:
    async def main() -> None:
        world = World()
        world.append("a/x")
        stream = world.feed.stream("a", 0)
        await taken(stream, 1)
        await stream.aclose()
        await asyncio.sleep(3 * feed.LOOKS)
        assert world.feed._following is None

    asyncio.run(main())
