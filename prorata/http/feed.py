"""The settled log of a tenant as server-sent events, for those without Kafka.

One reader a process follows the log for all subscribers, and encodes what is new once for each tenant. A
subscriber first catches up from where it was, then hangs on. What waits to be sent to it is bounded: one that
reads too slowly is cut off, and resumes with `Last-Event-ID`, the position of the last event that it has.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from functools import partial
from typing import Final, Protocol, TypeVar

import msgspec

from domain.errors import Failure
from eventlog.records import StoredEvent
from prorata.http.settled import PAGE, SettledLog, of_tenant
from prorata.http.traffic import Traffic

HEARTBEAT: Final = 10.0
"""Seconds without an event after which a comment is sent, so that both sides know of the other."""

LOOKS: Final = 0.05
"""Seconds between two looks at the log while nothing is new."""

LOOKS_AT_READERS: Final = 1.0
"""Seconds between two looks at who takes nothing."""

MOST_WAITING: Final = 2_097_152
"""Bytes that wait for a subscriber at most; 500 events a second are some 400 KB."""

MOST_SENDING: Final = 20.0
"""Seconds for which a subscriber may not take what is sent to it."""

_BEAT: Final = b": still here\n\n"
_FIRST: Final = b"retry: 1000\n\n"

T = TypeVar("T")

_logger = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode


class Run(Protocol):
    """Does what blocks, on a thread."""

    async def __call__(self, work: Callable[[], T], /) -> T: ...


class Subscriber:
    """Someone who reads the stream. `position`: of the last event that is sent or waits to be."""

    def __init__(self, tenant: str, position: int) -> None:
        self.tenant, self.position = tenant, position
        self.waiting: deque[bytes] = deque()
        self.size = 0
        self.is_cut_off = False
        self.news = asyncio.Event()
        self.task = asyncio.current_task()
        self.sending_since: float | None = None

    def give(self, chunk: bytes, position: int) -> None:
        """Let the chunk be sent, whose last event is at that position."""
        self.position = position
        self.waiting.append(chunk)
        self.size += len(chunk)
        self.news.set()

    def take(self) -> bytes:
        """All that waits."""
        chunk = b"".join(self.waiting)
        self.waiting.clear()
        self.size = 0
        self.news.clear()
        return chunk

    def cut_off(self) -> None:
        """End it, though it takes nothing."""
        self.is_cut_off = True
        self.news.set()
        if self.sending_since is not None and self.task is not None:
            self.task.cancel()


class Feed:
    """Follows the settled log for all subscribers of a process, as long as there are some."""

    def __init__(self, settled: SettledLog, traffic: Traffic, run: Run) -> None:
        self._settled = settled
        self._traffic = traffic
        self._run = run
        self._open: set[Subscriber] = set()
        self._subscribers: set[Subscriber] = set()
        """Those of the open ones that have caught up."""
        self._watching: asyncio.Task[None] | None = None
        self._position = 0
        self._following: asyncio.Task[None] | None = None

    async def stream(self, tenant: str, after: int) -> AsyncGenerator[bytes, None]:
        """Every event of the tenant above that position, once, as server-sent events, until the reader
        leaves, is cut off, or the server ends."""
        subscriber = Subscriber(tenant, after)
        self._traffic.subscribers.inc()
        self._open.add(subscriber)
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch())
        try:
            yield _FIRST
            async for chunk in self._caught_up(subscriber):
                yield chunk
            async for chunk in self._live(subscriber):
                yield chunk
        finally:
            self._open.discard(subscriber)
            self._subscribers.discard(subscriber)
            self._traffic.subscribers.dec()

    async def _caught_up(self, subscriber: Subscriber) -> AsyncIterator[bytes]:
        """What is there already. As it ends, the subscriber hangs on to what is followed."""
        loop = asyncio.get_running_loop()
        position = subscriber.position
        while not self._traffic.draining:
            page = await self._run(partial(self._settled.page, position))
            position = page[-1].position if page else position
            if own := of_tenant(page, subscriber.tenant):
                subscriber.sending_since = loop.time()
                yield await self._run(partial(self._encoded, own))
                subscriber.sending_since = None
            if len(page) < PAGE and self._hangs_on(subscriber, position):
                return

    def _hangs_on(self, subscriber: Subscriber, position: int) -> bool:
        """Whether the subscriber, which has all up to the position, gets the rest from the follower."""
        if self._following is None:
            self._position = position
            self._following = asyncio.create_task(self._follow())
        elif self._position > position:
            return False
        subscriber.position = position
        self._subscribers.add(subscriber)
        return True

    async def _live(self, subscriber: Subscriber) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        ended = asyncio.create_task(self._traffic.ended.wait())
        try:
            while not self._traffic.draining and not subscriber.is_cut_off:
                news = asyncio.create_task(subscriber.news.wait())
                await asyncio.wait([news, ended], timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
                news.cancel()
                chunk = subscriber.take() or _BEAT
                subscriber.sending_since = loop.time()
                yield chunk
                subscriber.sending_since = None
        finally:
            ended.cancel()

    async def _follow(self) -> None:
        """Give what is new to the subscribers, until there are none."""
        try:
            while self._subscribers:
                try:
                    page = await self._run(partial(self._settled.page, self._position))
                    by_tenant = await self._run(partial(self._by_tenant, page)) if page else {}
                except Failure as error:
                    _logger.warning("the event stream waits for the log: %s", error)
                    page, by_tenant = [], {}
                if page:
                    await self._give(page, by_tenant)
                if len(page) < PAGE:
                    await asyncio.sleep(LOOKS)
        finally:
            self._following = None

    def _by_tenant(self, page: Sequence[StoredEvent]) -> dict[str, bytes]:
        followed = {subscriber.tenant for subscriber in tuple(self._subscribers)}
        return {tenant: self._encoded(of_tenant(page, tenant)) for tenant in followed}

    async def _give(self, page: Sequence[StoredEvent], by_tenant: dict[str, bytes]) -> None:
        """Give each subscriber what it lacks of the page; those that come meanwhile, too."""
        before, given = self._position, set[Subscriber]()
        while lacking := self._subscribers - given:
            for subscriber in lacking:
                given.add(subscriber)
                chunk = by_tenant.get(subscriber.tenant)
                if chunk is None or subscriber.position > before:
                    own = [stored for stored in page if stored.position > subscriber.position]
                    chunk = await self._run(partial(self._encoded, of_tenant(own, subscriber.tenant)))
                if chunk:
                    subscriber.give(chunk, page[-1].position)
                if subscriber.size > MOST_WAITING:
                    self._cut_off(subscriber)
        self._position = page[-1].position

    async def _watch(self) -> None:
        """Cut off those that take nothing, until nobody reads."""
        while self._open:
            now = asyncio.get_running_loop().time()
            for subscriber in tuple(self._open):
                since = subscriber.sending_since
                longest = LOOKS_AT_READERS if self._traffic.draining else MOST_SENDING
                if since is not None and now - since > longest:
                    self._cut_off(subscriber)
            await asyncio.sleep(LOOKS_AT_READERS)
        self._watching = None

    def _cut_off(self, subscriber: Subscriber) -> None:
        self._subscribers.discard(subscriber)
        if not subscriber.is_cut_off:
            self._traffic.cut_off.inc()
            subscriber.cut_off()

    def _encoded(self, page: Sequence[StoredEvent]) -> bytes:
        told = self._settled.told(page)
        return b"".join(
            b"id: %d\ndata: %b\n\n" % (stored.position, _encode(one))
            for stored, one in zip(page, told, strict=True)
        )
