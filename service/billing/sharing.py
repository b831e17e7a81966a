"""A run's share of the accounts: the parts that it claims, what is found in them, and giving them back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar, TypeVarTuple

from domain.calendar import Instant
from domain.events import Clock
from service.billing.claims import RENEW_EVERY, Claims
from service.billing.finding import MANY, Expected, Finder

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_LOOK_AGAIN: Final = 0.25
"""Seconds until a run asks again for parts that others hold."""


class _Part:
    """A part that the run holds."""

    __slots__ = ("complete", "found_all", "open")

    def __init__(self) -> None:
        self.open = 0
        """Accounts that were found and are still in hand."""
        self.found_all = False
        self.complete = True
        """No account was left to a later run."""


class Sharing:
    """Claims part after part, finds their accounts, and gives back those that are settled.

    `in_thread` runs what blocks. `found` takes a page of accounts of a part, and returns when there is room
    for the next one. A part stays claimed until all its accounts are settled.
    """

    def __init__(
        self,
        claims: Claims,
        finder: Finder,
        clock: Clock,
        until: Instant,
        in_thread: Callable[..., Awaitable[object]],
        stopped: Callable[[], bool],
    ) -> None:
        self._claims = claims
        self._finder = finder
        self._clock: Clock = clock
        self._until = until
        self._in_thread = in_thread
        self._stopped = stopped
        self._held: dict[int, _Part] = {}
        self._given_back: list[tuple[int, bool]] = []
        self.over = False
        """Nothing more will be found."""

    async def find(self, expected: Expected, found: Callable[[int, list[str]], Awaitable[int]]) -> None:
        """Find all that is due, in the parts that nobody else holds; wait for those that others hold until
        they are free or were billed by them. `found` returns how many it has taken in hand."""
        most = 1 if expected.accounts > MANY else len(expected.parts)
        wanted = set(expected.parts)
        since = await self._call(self._claims.began)
        while wanted and not self._stopped():
            asked = self._clock, self._until, since, frozenset(wanted), most
            claimed = await self._call(self._claims.claim, *asked)
            for part in claimed:
                self._held[part] = _Part()
            for part in claimed:
                wanted.discard(part)
                await self._find_in(part, found)
            if not claimed:
                wanted -= await self._call(self._claims.done, self._clock, self._until, since)
                if wanted:
                    await asyncio.sleep(_LOOK_AGAIN)
        self.over = True

    async def _find_in(self, part: int, found: Callable[[int, list[str]], Awaitable[int]]) -> None:
        held, pages = self._held[part], self._finder.due(self._clock, self._until, part)
        held.open += 1  # the search itself
        while not self._stopped():
            page = await self._call(next, pages, None)
            if page is None:
                held.found_all = True
                break
            held.open += len(page)
            taken = await found(part, page)
            held.open -= len(page) - taken
        self.settled(part, complete=held.found_all)

    def settled(self, part: int, *, complete: bool) -> None:
        """An account of the part is not in hand any more. `complete`: nothing of it is left to a later
        run."""
        held = self._held[part]
        held.open -= 1
        held.complete = held.complete and complete
        if held.open == 0:
            del self._held[part]
            self._given_back.append((part, held.complete))

    @property
    def rests(self) -> bool:
        """Whether everything that was found is settled, and nothing more will be found."""
        return self.over and not self._held

    async def renew(self) -> None:
        """Renew the leases and give back what is settled, until cancelled."""
        renewed = asyncio.get_running_loop().time()
        while True:
            await asyncio.sleep(_LOOK_AGAIN)
            await self.give_back()
            now = asyncio.get_running_loop().time()
            if self._held and now - renewed >= RENEW_EVERY:
                await self._call(self._claims.renew)
                renewed = now

    async def give_back(self) -> None:
        """Give the settled parts back."""
        given, self._given_back = self._given_back, []
        for complete in (True, False):
            parts = [part for part, of in given if of is complete]
            if parts:
                until = self._until if complete else None
                await self._call(self._claims.release, self._clock, parts, until)

    async def abandon(self) -> None:
        """Give everything back, settled or not."""
        self._given_back += [(part, False) for part in self._held]
        self._held.clear()
        await self.give_back()

    async def _call(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        return await self._in_thread(work, *arguments)  # type: ignore[return-value]
