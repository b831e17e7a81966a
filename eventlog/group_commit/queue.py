"""Decide which of the waiting appends share the next statement. Without I/O, threads or an event loop.

`eventlog.group_commit.asyncio` and `eventlog.group_commit.threads` both use it in this way:

    queue = AppendQueue[Future](max_events=500)
    queue.add(QueuedAppend(append, future))
    group = queue.take()          # these go into one statement
    queue.finish(group)           # the statement has ended, in whatever way
"""

from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

import msgspec

from eventlog.records import Append, StoredEvent

W = TypeVar("W")


class QueuedAppend(msgspec.Struct, Generic[W], eq=False, gc=False):
    """An append in the queue, and the `waiter` that is told its outcome. `rows`: its hashed rows, if made
    already."""

    append: Append
    waiter: W
    rows: list[StoredEvent] | None = None


class AppendQueue(Generic[W]):
    """A first-come, first-served queue. Appends to one account go into successive statements, so that the
    second finds what became of the first.

    `max_events`: the most events that a statement takes, unless a single append has more.
    """

    def __init__(self, *, max_events: int) -> None:
        self._max_events = max_events
        self._ready: deque[QueuedAppend[W]] = deque()
        self._behind: dict[str, deque[QueuedAppend[W]]] = {}
        """By account with an append in the queue or in a statement: the later appends that wait for that
        one."""
        self.waiting = 0
        """The number of appends without an outcome, in the queue or in a statement."""

    def __len__(self) -> int:
        """The number of appends that could be taken now."""
        return len(self._ready)

    def add(self, waiting: QueuedAppend[W]) -> None:
        """Put the append at the end of the queue."""
        self.waiting += 1
        account_id = waiting.append.account_id
        if account_id in self._behind:
            self._behind[account_id].append(waiting)
        else:
            self._behind[account_id] = deque()
            self._ready.append(waiting)

    def take(self, *, share: int = 1, room: int = 1) -> list[QueuedAppend[W]]:
        """Take the appends whose turn it is; none if all that wait do so for a running statement.

        At most one in `share` of all that have no outcome yet, so that another statement runs while the
        callers of this one are answered and come again; but `room` always go together.
        """
        group: list[QueuedAppend[W]] = []
        events, most = 0, max(room, -(-self.waiting // share))
        while self._ready and len(group) < most:
            events += len(self._ready[0].append.events)
            if group and events > self._max_events:
                break
            group.append(self._ready.popleft())
        return group

    def first(self) -> QueuedAppend[W] | None:
        """The append whose turn is next, left in the queue; None if there is none."""
        return self._ready[0] if self._ready else None

    def withdraw(self, waiting: QueuedAppend[W]) -> bool:
        """Take the append out of the queue again; False if a statement has taken it already."""
        behind = self._behind.get(waiting.append.account_id, deque())
        if waiting in behind:
            behind.remove(waiting)
            self.waiting -= 1
        elif waiting in self._ready:
            self._ready.remove(waiting)
            self.finish([waiting])
        else:
            return False
        return True

    def finish(self, group: Iterable[QueuedAppend[W]]) -> None:
        """Note that the group's statement has ended: the next append of each of its accounts may go."""
        for waiting in group:
            self.waiting -= 1
            account_id = waiting.append.account_id
            behind = self._behind[account_id]
            if behind:
                self._ready.append(behind.popleft())
            else:
                del self._behind[account_id]
