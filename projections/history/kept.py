"""Histories kept in memory, so that one look after another at a long one reads only what is new of it.

histories = KeptHistories(log)
histories.of("acme/a-1").past(AtInstant(first_of_march), known_at=third_of_march)
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Final

from eventlog import EventLog
from projections.history.past import ReadHistory

MOST_EVENTS: Final = 60_000
"""Events kept, of all accounts together; a longer history is not kept."""

_NONE: Final = ReadHistory((), ())


class KeptHistories:
    """The histories looked at last; threads share it. Each look sees all events of the log then."""

    def __init__(self, log: EventLog, most_events: int = MOST_EVENTS) -> None:
        self._log = log
        self._most = most_events
        self._kept: OrderedDict[str, ReadHistory] = OrderedDict()
        self._lock = Lock()

    def of(self, account_id: str) -> ReadHistory:
        """The account's events, as they are in the log now; none where there is no such account."""
        with self._lock:
            kept = self._kept.get(account_id, _NONE)
        found = self._read_on(account_id, kept)
        if found is not kept:
            self._keep(account_id, found)
        return found

    def _read_on(self, account_id: str, kept: ReadHistory) -> ReadHistory:
        """The kept events and those that followed; all read anew where the log no longer has the last one, as
        after a restore from a backup."""
        if not kept.stored:
            return ReadHistory.of(self._log.read_account(account_id))
        last = kept.stored[-1]
        found = self._log.read_account(account_id, last.version - 1)
        if not found or found[0].hash != last.hash:
            return ReadHistory.of(self._log.read_account(account_id))
        following = found[1:]
        if not following:
            return kept
        stored = [*kept.stored, *following]
        if len(kept.events) < len(kept.stored):
            return ReadHistory(stored, kept.events)
        return ReadHistory(stored, [*kept.events, *ReadHistory.of(following).events])

    def _keep(self, account_id: str, found: ReadHistory) -> None:
        with self._lock:
            self._kept.pop(account_id, None)
            if not found.stored or len(found.stored) > self._most:
                return
            self._kept[account_id] = found
            held = sum(len(one.stored) for one in self._kept.values())
            while held > self._most:
                _, dropped = self._kept.popitem(last=False)
                held -= len(dropped.stored)
