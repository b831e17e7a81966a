"""Which of the waiting appends share the next statement: no I/O, no threads, no loop.

The doors in `grouped` (asyncio) and `joined` (threads) run it; what happens in them is the same:

    groups = AppendQueue[Future](max_events=500)
    groups.add(QueuedAppend(append, future))
    group = groups.take()          # these go into one statement
    groups.finish(group)           # it has ended, however
"""

from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

import msgspec

from eventlog.records import Append, StoredEvent

W = TypeVar("W")


class QueuedAppend(msgspec.Struct, Generic[W], eq=False, gc=False):
    """An append in the queue, and who is to be told its outcome. `sealed`: its rows, where made already."""

    append: Append
    waiter: W
    sealed: list[StoredEvent] | None = None


class AppendQueue(Generic[W]):
    """A queue, first come first served, but for appends to one account: they go in successive statements,
    so that the second finds what became of the first.

    `max_events`: in a statement, unless one append alone has more.
    """

    def __init__(self, *, max_events: int) -> None:
        self._max_events = max_events
        self._ready: deque[QueuedAppend[W]] = deque()
        self._behind: dict[str, deque[QueuedAppend[W]]] = {}
        """By account that is in the queue or in a statement: its later appends, which wait for that one."""
        self.waiting = 0
        """How many have no outcome yet: in the queue or in a statement."""

    def __len__(self) -> int:
        """How many could be taken now."""
        return len(self._ready)

    def add(self, waiting: QueuedAppend[W]) -> None:
        """Put it at the end."""
        self.waiting += 1
        account_id = waiting.append.account_id
        if account_id in self._behind:
            self._behind[account_id].append(waiting)
        else:
            self._behind[account_id] = deque()
            self._ready.append(waiting)

    def take(self, *, share: int = 1) -> list[QueuedAppend[W]]:
        """Those whose turn it is; none if no one waits but for a statement that runs.

        At most one in `share` of all that have no outcome yet, so that another statement runs while the
        callers of this one are answered and come again.
        """
        group: list[QueuedAppend[W]] = []
        events, most = 0, -(-self.waiting // share)
        while self._ready and len(group) < most:
            events += len(self._ready[0].append.events)
            if group and events > self._max_events:
                break
            group.append(self._ready.popleft())
        return group

    def first(self) -> QueuedAppend[W] | None:
        """Whose turn is next."""
        return self._ready[0] if self._ready else None

    def withdraw(self, waiting: QueuedAppend[W]) -> bool:
        """Take it out of the queue again; False if it was taken already."""
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
        """Their statement has ended: the next append of each of their accounts may go."""
        for waiting in group:
            self.waiting -= 1
            account_id = waiting.append.account_id
            behind = self._behind[account_id]
            if behind:
                self._ready.append(behind.popleft())
            else:
                del self._behind[account_id]
