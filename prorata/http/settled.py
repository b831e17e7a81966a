"""The settled log of a tenant as CloudEvents (structured mode), page by page.

    SettledLog(log).of_tenant("acme", after=120, limit=50)["items"]

An event that commits late appears behind nobody: what is read is settled, so a reader that goes on after the
last position that it was given misses none (`eventlog.postgres.fence`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from threading import Lock
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from domain.calendar import Instant
from domain.events import Clock
from eventlog.port import EventLog
from eventlog.records import StoredEvent
from publishing.clocks import AccountClocks
from publishing.cloudevents import structured

PAGE: Final = 500
"""Events read of the log at once."""

MOST_PAGES: Final = 20
"""Read for one request: of a tenant that has few of many events not all are looked at for one answer."""


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event of the log as CloudEvents 1.0 has it in structured mode, with the attributes of the topic.
    `subject`: tenant and account; `pos`: its position in the log, a string, since CloudEvents' integers have
    32 bits; `version`: its number in the account; `clock`: where the account lives (R97)."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: Instant
    datacontenttype: str
    dataschema: str
    pos: str
    version: str
    eventid: str
    effectiveat: Instant
    previoushash: str
    hash: str
    data: dict[str, Any]
    clock: Clock | UnsetType = UNSET
    commandid: str | UnsetType = UNSET
    actor: str | UnsetType = UNSET


class EventsAnswer(msgspec.Struct, frozen=True):
    """A page of the tenant's events, in order of their positions. `next`: what `after` is to be for the
    following page, None: these are all that there are now. `position`: up to which the log was read."""

    items: list[CloudEvent]
    next: str | None
    position: str


class SettledLog:
    """The settled log, for threads: pages of it, and the events of one tenant as CloudEvents."""

    def __init__(self, log: EventLog) -> None:
        self.log = log
        self._clocks = AccountClocks(log)
        self._one_at_a_time = Lock()

    def page(self, after: int) -> list[StoredEvent]:
        """Up to PAGE settled events above that position, in order."""
        return self.log.read_settled(after, PAGE)

    def told(self, page: Sequence[StoredEvent]) -> list[dict[str, Any]]:
        """The events as CloudEvents."""
        with self._one_at_a_time:
            clocks = dict(self._clocks.of(page)) if page else {}
        return [structured(self.log.log_id, stored, clocks.get(stored.account_id)) for stored in page]

    def of_tenant(self, tenant: str, after: int, limit: int) -> dict[str, Any]:
        """Up to `limit` events of the tenant above that position, as `EventsAnswer`."""
        found: list[StoredEvent] = []
        position, following = after, None
        for _ in range(MOST_PAGES):
            page = self.page(position)
            found += of_tenant(page, tenant)
            position = page[-1].position if page else position
            following = str(position)
            if len(page) < PAGE:
                following = None
            if len(page) < PAGE or len(found) > limit:
                break
        if len(found) > limit:
            position = found[limit - 1].position
            following = str(position)
        return {"items": self.told(found[:limit]), "next": following, "position": str(position)}


def of_tenant(page: Iterable[StoredEvent], tenant: str) -> list[StoredEvent]:
    """Those of the tenant's accounts."""
    begins = f"{tenant}/"
    return [stored for stored in page if stored.account_id.startswith(begins)]
