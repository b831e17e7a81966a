"""What many ask at the same moment is found out once: keys and accounts, each asked for by every request."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from prorata.http.keyring import Keyring
from prorata.http.shared import Shared
from prorata.keys.key import ApiKey
from prorata.keys.store import KeyStore


class Found:
    """Counts how often it was looked for; answers once it may."""

    def __init__(self) -> None:
        self.times = 0
        self.may = asyncio.Event()
        self.fails = False

    async def __call__(self) -> int:
        self.times += 1
        await self.may.wait()
        if self.fails:
            raise RuntimeError("away")
        return self.times


async def _asked(shared: Shared[str, int], found: Found, many: int) -> list[asyncio.Task[int]]:
    asked = [asyncio.create_task(shared("a", found)) for _ in range(many)]
    await asyncio.sleep(0)
    return asked


def test_many_that_ask_at_once_get_what_was_found_once_and_the_next_one_asks_anew() -> None:
    async def play() -> None:
        shared, found = Shared[str, int](), Found()
        asked = await _asked(shared, found, 64)
        found.may.set()
        assert await asyncio.gather(*asked) == [1] * 64
        assert await shared("a", found) == 2

    asyncio.run(play())


def test_a_failure_reaches_all_who_wait_and_is_not_kept() -> None:
    async def play() -> None:
        shared, found = Shared[str, int](), Found()
        found.fails = True
        asked = await _asked(shared, found, 8)
        found.may.set()
        told = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(one) for one in told] == [RuntimeError] * 8
        found.fails = False
        assert await shared("a", found) == 2

    asyncio.run(play())


def test_one_who_waits_no_more_ends_nobody_elses_wait() -> None:
    async def play() -> None:
        shared, found = Shared[str, int](), Found()
        first, second = await _asked(shared, found, 2)
        first.cancel()
        await asyncio.sleep(0)
        found.may.set()
        assert await second == 1
        with pytest.raises(asyncio.CancelledError):
            await first

    asyncio.run(play())


class Store(KeyStore):
    """One key, and how often it was looked for."""

    def __init__(self, key: ApiKey) -> None:
        self.key, self.times = key, 0

    def find(self, given: str) -> ApiKey | None:
        self.times += 1
        return self.key


def test_a_key_that_is_to_be_looked_for_again_is_looked_for_once_by_all_requests_of_the_moment() -> None:
    async def play() -> None:
        now = [0.0]
        store = Store(ApiKey("key_1", "acme", "shop", "owner", "abcd", (), datetime.now(UTC)))
        ring = Keyring(store, rate=1_000, monotonic=lambda: now[0])
        for round_ in (1, 2, 3):
            keys = await asyncio.gather(*(ring.admit("Bearer prk_x", "127.0.0.1") for _ in range(64)))
            assert set(keys) == {store.key}
            assert store.times == round_
            now[0] += 6.0

    asyncio.run(play())
