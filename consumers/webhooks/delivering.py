"""Empties the queues: as many at once as there is room for, each in its own order.

    await Delivering(connection, sender).run(stop)        # until `stop` is set; then what is under way ends

Any number of processes may run.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Event
from typing import Final, TypeVar

from consumers.checkpoints import Connection
from consumers.webhooks import queues
from consumers.webhooks.queues import Sent, Taken
from consumers.webhooks.sending import WHOLE, Sender

logger = logging.getLogger(__name__)

T = TypeVar("T")

ROOM: Final = 256
"""Queues that are under way at once."""

EACH: Final = 16
"""Of them, those of one endpoint: one that hangs takes no more."""

_IDLE: Final = 0.25
_FORGETTING: Final = 3_600.0


class Delivering:
    """One sender's work. `connection`: its own, used by one thread at a time."""

    def __init__(
        self,
        connection: Connection,
        sender: Sender,
        *,
        room: int = ROOM,
        each: int = EACH,
        seed: int | None = None,
    ) -> None:
        self._connection = connection
        self._sender = sender
        self._room = room
        self._each = each
        self._random = Random(seed)  # noqa: S311 - spreads pauses
        self._thread = ThreadPoolExecutor(1, "webhooks")
        self._busy: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: asyncio.Event | None = None
        self._failed: BaseException | None = None
        self.delivered = 0
        """How many messages endpoints took in."""

    async def run(self, stop: Event) -> None:
        """Send until `stop` is set. Raises what the database raises."""
        forgotten = 0.0
        self._ended = asyncio.Event()
        try:
            while not stop.is_set() and self._failed is None:
                if time.monotonic() - forgotten > _FORGETTING:
                    await self._in_turn(lambda: queues.forget(self._connection))
                    forgotten = time.monotonic()
                if not await self._begin_some():
                    await self._wait()
        finally:
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._thread.shutdown()
        if self._failed is not None:
            raise self._failed

    async def run_once(self) -> int:
        """Send what is due now, and what follows it; how many messages endpoints took in."""
        self._ended = asyncio.Event()
        while await self._begin_some() or self._tasks:
            await self._wait()
            if self._failed is not None:
                raise self._failed
        return self.delivered

    async def _begin_some(self) -> int:
        """Take queues and begin to send them; how many."""
        room = self._room - len(self._tasks)
        if room <= 0:
            return 0
        busy = {endpoint: count for endpoint, count in self._busy.items() if count}
        taken = await self._in_turn(
            lambda: queues.take(self._connection, room=room, each=self._each, busy=busy)
        )
        for one in taken:
            self._busy[one.endpoint] += 1
            task = asyncio.create_task(self._deliver(one))
            self._tasks.add(task)
            task.add_done_callback(self._end)
        return len(taken)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed = error
        assert self._ended is not None
        self._ended.set()

    async def _wait(self) -> None:
        """Until some queue is done, or it may be worth a look."""
        assert self._ended is not None
        self._ended.clear()
        try:
            async with asyncio.timeout(_IDLE):
                await self._ended.wait()
        except TimeoutError:
            pass

    async def _deliver(self, taken: Taken) -> None:
        """The first messages of the queue, one after another, up to the first that is not taken in."""
        sent: list[Sent] = []
        # What begins after this could end after the lease.
        last = time.monotonic() + queues.LEASE.total_seconds() - 2 * WHOLE
        try:
            for message in taken.messages:
                if sent and time.monotonic() > last:
                    break
                message_id = f"{taken.endpoint}_{message.position}"
                sent.append(
                    await self._sender.send(
                        taken.url, message.position, message_id, message.body, taken.secrets
                    )
                )
                if not sent[-1].taken_in:
                    break
            self.delivered += sum(one.taken_in for one in sent)
            await self._in_turn(lambda: queues.conclude(self._connection, taken, sent, self._random))
        finally:
            self._busy[taken.endpoint] -= 1
        if sent and not sent[-1].taken_in:
            logger.info("webhook %s: %s", taken.endpoint, sent[-1].said)

    async def _in_turn(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
