"""Events that Prorata did not append: told from the others before anybody acts on them.

    watch = ForgeryWatch(log)
    forged = watch.first_forged(page)        # None: publish the page

Whoever steals the password of a process that appends can insert any row. A row whose fields do not give its
hash, or that does not go on where its account ended, is found here for a few microseconds an event. One that
is chained as an append would have chained it is an append, for all that the log can say: seals tell those.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Final

from eventlog.chain import hash_of
from eventlog.port import EventLog
from eventlog.records import NO_HASH, StoredEvent

REMEDY: Final = (
    "`prorata verify` names every such row: find out who wrote it, and take it out as the owner of the "
    "table, or restore a backup from before it"
)

_REMEMBERED: Final = 10_000
_LOOKED_UP: Final = 8
"""Accounts in a page, at most, whose earlier event is read from the log where it is not remembered."""


class ForgeryWatch:
    """Checks pages of the log that follow one another; to read from an earlier place again, make another.

    Where the last 10,000 accounts ended is remembered. Other accounts' ends are looked up, a few in a page,
    so that catching up does not become a read for each event.
    """

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._log_id = log.log_id
        self._ends: dict[str, tuple[int, bytes]] = {}

    def first_forged(self, page: Sequence[StoredEvent]) -> tuple[int, str] | None:
        """The index of the first event in the page that is not what was appended, and why."""
        log_id, ends, to_look_up = self._log_id, self._ends, _LOOKED_UP
        for nth, event in enumerate(page):
            if hash_of(log_id, event) != event.hash:
                return nth, f"{_named(event)}: its fields do not give its hash"
            end = ends.pop(event.account_id, None)  # and in again, as the last one
            if end is None:
                if event.version == 1:
                    end = 0, NO_HASH
                elif to_look_up:
                    to_look_up -= 1
                    end = self._end_before(event)
            if end is not None and (end[0] != event.version - 1 or end[1] != event.previous_hash):
                return nth, f"{_named(event)}: it does not follow its account's event before it"
            ends[event.account_id] = event.version, event.hash
        for account_id in list(islice(ends, max(0, len(ends) - _REMEMBERED))):
            del ends[account_id]
        return None

    def _end_before(self, event: StoredEvent) -> tuple[int, bytes]:
        before = self._log.event(event.account_id, event.version - 1)
        return (0, NO_HASH) if before is None else (before.version, before.hash)


def _named(event: StoredEvent) -> str:
    return f"the event at position {event.position} (account {event.account_id!r}, version {event.version})"
