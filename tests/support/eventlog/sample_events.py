"""Events to append, with every field filled; a test gives the fields that it is about."""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID, uuid4

from eventlog import Append, EventLog, Head, NewEvent, StoredEvent

LOG_ID = UUID("0190a5f4-7c1e-7d3b-9a62-5f0d2c8e4b17")
"""The log of the vector in docs/eventlog.md."""

MORNING = datetime(2026, 4, 5, 8, 30, tzinfo=UTC)
NOON = datetime(2026, 4, 5, 12, 0, 0, 123456, tzinfo=UTC)


def new_event(
    *,
    event_id: UUID | None = None,
    command_id: str | None = "command-1",
    event_type: str = "addon_purchased",
    schema_version: int = 1,
    effective_at: datetime = MORNING,
    actor: str | None = "owner:u-1",
    state: bytes = b'{"type":"addon_purchased"}',
) -> NewEvent:
    """An event with a new id."""
    return NewEvent(event_id or uuid4(), command_id, event_type, schema_version, effective_at, actor, state)


def new_events(count: int) -> list[NewEvent]:
    """Several events with new ids."""
    return [new_event(command_id=f"command-{nth}") for nth in range(1, count + 1)]


def an_append(account_id: str, head: Head = Head.NONE, count: int = 1) -> Append:
    """An append of `count` new events."""
    return Append(account_id, head, tuple(new_events(count)))


def given_history(log: EventLog, account_id: str, count: int) -> list[StoredEvent]:
    """An account with so many events, all stored in one append."""
    return log.append(account_id, log.head(account_id), new_events(count))


def versions(events: Iterable[StoredEvent]) -> list[int]:
    """The versions of the events, in the order given."""
    return [event.version for event in events]
