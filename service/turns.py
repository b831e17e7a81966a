"""Whose turn it is at an account, within one process: first come, first served.

    has_turn = await turns.take("main/a1")
    try: ...                              # load, decide, append, charge, append
    finally:
        if has_turn: turns.pass_on("main/a1")

Two attempts at one account at once cannot both win: one of them would lose its append and begin anew. In a
queue nobody loses, and what an account's callers wait for is each other, in order. Turns are politeness and
not safety: between processes, and for those who have waited long enough, the conditional append decides.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, Protocol

import msgspec

TURN_PATIENCE: Final = 2.0
"""Seconds after which nobody waits any longer for one who has the turn all that time: as long as a command
waits for the answer to another one's payment (R16)."""


class Turns(Protocol):
    """Hands out turns. `patience`: seconds for which a caller has waited that gets none."""

    patience: float

    async def take(self, account_id: str, /) -> bool:
        """True once it is this caller's turn, which it must `pass_on`. False: whoever has the turn has held
        it for as long as anyone waits, so that the caller goes on without it."""
        ...

    def pass_on(self, account_id: str, /) -> None:
        """The turn is over: the next one's begins."""
        ...


class NoTurns:
    """Everybody goes on at once: for threads, and for a process with one caller."""

    patience = 0.0

    async def take(self, _account_id: str, /) -> bool:
        return False

    def pass_on(self, _account_id: str, /) -> None:
        pass


NO_TURNS: Final = NoTurns()


class _Waiting(msgspec.Struct, eq=False, gc=False):
    waiter: asyncio.Future[bool]
    since: float


class _Queue(msgspec.Struct, eq=False):
    """Of one account. `since`: when the present turn began; `alarm`: rings when it may have lasted too
    long."""

    since: float
    waiting: deque[_Waiting]
    alarm: asyncio.TimerHandle | None = None


class LoopTurns:
    """Turns of the tasks of one event loop. A task that is cancelled leaves the queue, and the others keep
    their order; an account that nobody works on costs nothing."""

    def __init__(self, patience: float = TURN_PATIENCE) -> None:
        self.patience = patience
        self._queues: dict[str, _Queue] = {}

    def __len__(self) -> int:
        """The number of accounts that somebody works on."""
        return len(self._queues)

    async def take(self, account_id: str, /) -> bool:
        loop = asyncio.get_running_loop()
        now = loop.time()
        queue = self._queues.get(account_id)
        if queue is None:
            self._queues[account_id] = _Queue(now, deque())
            return True
        mine = _Waiting(loop.create_future(), now)
        queue.waiting.append(mine)
        if queue.alarm is None:
            queue.alarm = loop.call_at(now + self.patience, self._ring, account_id, queue)
        try:
            return await mine.waiter
        except asyncio.CancelledError:
            if mine.waiter.cancelled() or not mine.waiter.done():
                self._leave(queue, mine)
            elif mine.waiter.result():
                self.pass_on(account_id)
            raise

    def pass_on(self, account_id: str, /) -> None:
        queue = self._queues[account_id]
        while queue.waiting:
            following = queue.waiting.popleft()
            if not following.waiter.done():
                queue.since = following.waiter.get_loop().time()
                following.waiter.set_result(True)
                return
        del self._queues[account_id]
        if queue.alarm is not None:
            queue.alarm.cancel()

    def _leave(self, queue: _Queue, mine: _Waiting) -> None:
        if mine in queue.waiting:
            queue.waiting.remove(mine)

    def _ring(self, account_id: str, queue: _Queue) -> None:
        """Let those go on without a turn who have waited for the present one too long; ring again when the
        next of them may have."""
        queue.alarm = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        while queue.waiting:
            first = queue.waiting[0]
            too_long = max(queue.since, first.since) + self.patience
            if not first.waiter.done() and too_long > now:
                queue.alarm = loop.call_at(too_long, self._ring, account_id, queue)
                return
            queue.waiting.popleft()
            if not first.waiter.done():
                first.waiter.set_result(False)
