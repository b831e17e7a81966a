"""A simulated history in a log, and looks at its past."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from domain import events as e
from domain.calendar import Instant
from eventlog import EventLog, Head, NewEvent, StoredEvent
from eventlog.codec import domain_codec
from eventlog.memory import MemoryEventLog
from projections.history.as_of import events_of
from projections.history.past import Past, past
from prorata.simulation.run import VirtualAccount

ACCOUNT = "acme/a-1"
BEGIN = datetime(2030, 1, 1, tzinfo=UTC)


class Ticking:
    """A clock that advances by an hour with each reading."""

    now = BEGIN

    def __call__(self) -> datetime:
        self.now += timedelta(hours=1)
        return self.now


def logged(history: list[e.Event]) -> list[StoredEvent]:
    """The events in a log, each recorded an hour after the one before."""
    return list(events_of(log_of(history), ACCOUNT))


def log_of(history: list[e.Event]) -> EventLog:
    """A log of the account's events, each recorded an hour after the one before."""
    log, codec = MemoryEventLog(clock=Ticking()), domain_codec()
    head = Head.NONE
    for nth, event in enumerate(history, 1):
        event_type, version, state = codec.encode(event)
        new = NewEvent(UUID(int=nth), None, event_type, version, event.at, None, state)
        head = log.append(ACCOUNT, head, [new])[-1].head
    return log


def look(events: list[StoredEvent], *arguments: Any, known_at: Instant | None = None) -> Past:
    """The past of an account that must exist."""
    found = past(events, *arguments, known_at=known_at)
    assert found is not None
    return found


def moments(account: VirtualAccount) -> list[Instant]:
    """Instants to look at: those of the events, and others between, before and after them."""
    at = sorted({event.at for event in account.history})
    halves = [one + (other - one) / 2 for one, other in pairwise(at)]
    return sorted({*at, *halves, at[-1] + timedelta(days=20), at[-1] + timedelta(days=800)})
