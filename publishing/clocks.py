"""On which clock each account lives (R97): its first event says so, and it never changes.

clocks = AccountClocks(log)
clocks.of(page)["acme/a-1"]             # "wall", "test", or None where the first event does not say it
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, get_args

from domain.events import Clock, Opening
from eventlog import EventLog, EventUnreadable, StoredEvent
from eventlog.codec import domain_codec

REMEMBERED_CLOCKS: Final = 200_000
"""How many accounts' clocks are kept, some 100 bytes each."""

_OPENED: Final = frozenset(str(event.__struct_config__.tag) for event in get_args(Opening))


class AccountClocks:
    """The clocks of the accounts of a log. What is not remembered is asked of the log, once for a page."""

    def __init__(self, log: EventLog, *, remembered: int = REMEMBERED_CLOCKS) -> None:
        self._log = log
        self._codec = domain_codec()
        self._most = max(1, remembered // 2)
        # Of the accounts met lately, and of those met before them: the latter are dropped all at once.
        self._recent: dict[str, Clock | None] = {}
        self._older: dict[str, Clock | None] = {}

    def of(self, page: Sequence[StoredEvent]) -> Mapping[str, Clock | None]:
        """The clock of every account in the page, whose events are settled."""
        self._forget_some()
        recent, older = self._recent, self._older
        unknown: set[str] = set()
        for stored in page:
            account_id = stored.account_id
            if account_id in recent:
                continue
            if stored.version == 1:
                recent[account_id] = self._said_in(stored)
            elif account_id in older:
                recent[account_id] = older[account_id]
            else:
                unknown.add(account_id)
        if unknown:
            recent |= dict.fromkeys(unknown)
            for first in self._log.first_events(sorted(unknown)):
                recent[first.account_id] = self._said_in(first)
        return recent

    def _said_in(self, first: StoredEvent) -> Clock | None:
        if first.type not in _OPENED:
            return None
        try:
            opened = self._codec.read(first)
        except EventUnreadable:
            return None
        return opened.clock if isinstance(opened, Opening) else None

    def _forget_some(self) -> None:
        if len(self._recent) > self._most:
            self._recent, self._older = {}, self._recent
