"""A stream's events in pages: as records, with the position after them and the heartbeats behind them.

pages = Pages(stream, log)
pages.begin(position)               # the one that was published last
page = pages.after(position, limit=1_000)
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace

from eventlog import EventLog, StoredEvent
from eventlog.forgery import ForgeryWatch
from publishing.checkpoints import StreamCheckpoint
from publishing.envelope import Heartbeat, Record, heartbeat_record
from publishing.errors import RelayHalted
from publishing.streams import Stream

_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""What a heartbeat says of how fresh all is before the relay has once published all there was."""


@dataclass(frozen=True)
class Page:
    """A page of events as records, and the position after them; `is_full`: there may be more behind them."""

    records: list[Record]
    position: StreamCheckpoint
    is_full: bool
    events: int = 0
    touched: frozenset[tuple[str, int]] = frozenset()


class Pages:
    """Makes the pages of a stream that follow one another."""

    def __init__(self, stream: Stream, log: EventLog) -> None:
        self._stream = stream
        self._log = log
        self._forgery = ForgeryWatch(log)
        self._heard_at: datetime | None = None

    def begin(self, position: StreamCheckpoint) -> None:
        """Go on behind that position, which may be before the last page's."""
        self._forgery = ForgeryWatch(self._log)
        self._heard_at = position.heard_at

    def after(self, after: StreamCheckpoint, limit: int) -> Page:
        """Up to `limit` events that have settled after that position, as records; none that was forged."""
        read = self._log.read_settled(after.position, limit)
        events = self.before_forged(read)
        if not events:
            return Page([], after, is_full=False)
        records, last_of_each = self._stream.records(events, after.last)
        last = events[-1]
        position = replace(after, position=last.position, hash=last.hash.hex(), last=last_of_each)
        touched = frozenset((record.topic, record.partition) for record in records)
        return Page(records, position, len(read) >= limit, len(events), touched)

    def before_forged(self, events: list[StoredEvent]) -> list[StoredEvent]:
        """The events before the first one that was forged. Raises RelayHalted where there are none."""
        forged = self._forgery.first_forged(events)
        if forged is None:
            return events
        nth, reason = forged
        if nth == 0:
            raise RelayHalted(self._stream.name, "event_forged", reason)
        return events[:nth]

    def stamped(
        self, position: StreamCheckpoint, ends: dict[str, tuple[int, ...]], heard_at: datetime | None = None
    ) -> StreamCheckpoint:
        """The position as it is written, with what the broker has acknowledged and when all was there."""
        self._heard_at = heard_at or self._heard_at
        return replace(position, ends=ends, heard_at=self._heard_at, folds=self._stream.folds)

    def is_all_there_was(self, before: StreamCheckpoint, page: Page) -> bool:
        """Whether the log has nothing behind the page. Not so while catching up, nor while a long transaction
        holds back what others have committed since: a heartbeat would then call old states fresh."""
        if page.events:
            return not page.is_full
        return self._log.last_position() <= before.position

    def heartbeats(
        self, position: StreamCheckpoint, only: Collection[tuple[str, int]] | None = None
    ) -> list[Record]:
        """One for each partition, or for those partitions alone.

        Behind states there is always one, since readers believe a state once a heartbeat has come as far. One
        that is not due repeats the instant of the last, which stays true.
        """
        log_id, at, log_time = position.log_id, position.position, position.heard_at or _LONG_AGO
        records: list[Record] = []
        for topic in self._stream.topics:
            heartbeat = Heartbeat(log_id, at, log_time, self._stream.folds.get(topic.base))
            record = heartbeat_record(topic, 0, heartbeat)
            partitions = [nth for nth in range(topic.partitions) if only is None or (topic.name, nth) in only]
            records += [record._replace(partition=nth) for nth in partitions]
        return records
