"""Let an application of the package `eventsourcing` keep its events in the log.

    class Accounts(Application[UUID]):
        def construct_recorder(self) -> ApplicationRecorder:
            return LogApplicationRecorder(log)

The package's terms map to the log's like this: originator id = account id (as text), originator version =
version (counted from `first_version`), topic = type, state = state, notification id = position. Events
recorded this way have neither command nor actor; their schema version is 1, and they are effective when they
are recorded.

Two things differ from the package's own recorders. A stream has no gaps and begins at `first_version`, so
snapshots need a recorder of their own. Notification ids rise within each stream but may have gaps, and the
events of one insert may be interleaved with those of another.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice, takewhile
from threading import Event
from typing import Any, TypeAlias
from uuid import UUID, uuid4

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    DataError,
    IntegrityError,
    Notification,
    OperationalError,
    StoredEvent,
    Subscription,
)

from eventlog import records
from eventlog.errors import EventRefused, LogUnavailable, VersionConflict
from eventlog.port import EventLog
from eventlog.records import Append, Head, NewEvent

OriginatorId: TypeAlias = UUID | str

_PAGE = 500
_POLL_SECONDS = 0.02


@contextmanager
def _raising_package_errors() -> Iterator[None]:
    try:
        yield
    except VersionConflict as error:
        raise IntegrityError(str(error)) from error
    except EventRefused as error:
        raise DataError(str(error)) from error
    except LogUnavailable as error:
        raise OperationalError(str(error)) from error


class LogAggregateRecorder(AggregateRecorder):
    """Records streams in the log. `first_version` is the version that the package gives a stream's first
    event."""

    def __init__(
        self, log: EventLog, *, id_type: type[UUID] | type[str] = UUID, first_version: int = 1
    ) -> None:
        self._log = log
        self._id_type = id_type
        self._first_version = first_version

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        """Store all or none; IntegrityError unless each stream ends right before its new events."""
        self._insert(stored_events)
        return None

    @_raising_package_errors()
    def select_events(
        self,
        originator_id: OriginatorId,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> list[StoredEvent]:
        """A stream's events with versions above `gt` and up to `lte` (inclusive); with `desc` in descending
        order."""
        account_id = str(originator_id)
        last = self._log.head(account_id).version
        first = 1 if gt is None else max(1, self._version(gt) + 1)
        if lte is not None:
            last = min(last, self._version(lte))
        if limit is not None and desc:
            first = max(first, last - limit + 1)
        elif limit is not None:
            last = min(last, first + limit - 1)
        if last < first:
            return []
        found = self._log.read_account(account_id, after_version=first - 1, limit=last - first + 1)
        events = [StoredEvent(**self._fields(event)) for event in found]
        return events[::-1] if desc else events

    @_raising_package_errors()
    def _insert(self, stored_events: Sequence[StoredEvent]) -> list[int]:
        """Store the events; return their positions in the order of the events."""
        streams: dict[str, list[StoredEvent]] = {}
        for event in stored_events:
            streams.setdefault(str(event.originator_id), []).append(event)
        stored = self._log.append_together([self._append(*stream) for stream in streams.items()])
        places = {(event.account_id, event.version): event.position for rows in stored for event in rows}
        return [places[str(e.originator_id), self._version(e.originator_version)] for e in stored_events]

    def _append(self, account_id: str, events: Sequence[StoredEvent]) -> Append:
        first = events[0].originator_version
        if [event.originator_version for event in events] != list(range(first, first + len(events))):
            raise IntegrityError(f"the new events of {account_id} are not in order, without gaps")
        before = self._version(first) - 1
        previous = self._log.event(account_id, before) if before else None
        if before and previous is None:
            raise IntegrityError(f"{account_id} has no version {first - 1} to go on from")
        now = datetime.now(UTC)
        return Append(
            account_id,
            previous.head if previous else Head.NONE,
            tuple(NewEvent(uuid4(), None, event.topic, 1, now, None, event.state) for event in events),
        )

    def _version(self, originator_version: int) -> int:
        return originator_version - self._first_version + 1

    def _fields(self, event: records.StoredEvent) -> dict[str, Any]:
        return {
            "originator_id": self._id_type(event.account_id),
            "originator_version": event.version + self._first_version - 1,
            "topic": event.type,
            "state": event.state,
        }


class LogApplicationRecorder(LogAggregateRecorder, ApplicationRecorder):
    """Also offers the log's settled events, in order of position, as the application sequence."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int]:
        """Store all or none, and return the notification ids; IntegrityError as for streams."""
        return self._insert(stored_events)

    @_raising_package_errors()
    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> list[Notification]:
        """Settled events from `start` to `stop`; both are inclusive, unless `inclusive_of_start` is False."""
        after = 0 if start is None else start - 1 if inclusive_of_start else start
        found = (
            self.notification(event)
            for event in self._walk(after, _PAGE if topics else limit)
            if not topics or event.type in topics
        )
        return list(islice(takewhile(lambda found: stop is None or found.id <= stop, found), limit))

    @_raising_package_errors()
    def max_notification_id(self) -> int | None:
        """The last position, settled or not; None in an empty log."""
        return self._log.last_position() or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> "LogSubscription":
        """Notifications above `gt` as they settle."""
        return LogSubscription(self, self._log, gt, topics)

    def notification(self, event: records.StoredEvent) -> Notification:
        """The event in the package's terms."""
        return Notification(id=event.position, **self._fields(event))

    def _walk(self, after: int, page_size: int) -> Iterator[records.StoredEvent]:
        while page := self._log.read_settled(after, page_size):
            yield from page
            after = page[-1].position


class LogSubscription(Subscription[LogApplicationRecorder]):
    """Iterates over notifications by polling the log: NOTIFY in a writing transaction would serialise all
    commits."""

    def __init__(
        self, recorder: LogApplicationRecorder, log: EventLog, gt: int | None, topics: Sequence[str]
    ) -> None:
        super().__init__(recorder, gt, topics)
        self._log = log
        self._after = gt or 0
        self._ready: deque[Notification] = deque()
        self._stopped = Event()

    def stop(self) -> None:
        """End the iteration, also one that waits in another thread."""
        super().stop()
        self._stopped.set()

    def __next__(self) -> Notification:
        """Wait for the next notification; StopIteration after `stop`."""
        while not self._stopped.is_set():
            if self._ready:
                return self._ready.popleft()
            self._read()
        raise StopIteration

    @_raising_package_errors()
    def _read(self) -> None:
        page = self._log.read_settled(self._after, _PAGE)
        if not page:
            self._stopped.wait(_POLL_SECONDS)
            return
        self._after = page[-1].position
        wanted = (event for event in page if not self._topics or event.type in self._topics)
        self._ready.extend(map(self._recorder.notification, wanted))
