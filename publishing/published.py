"""Whether the log and the topics are what a stream's position says: asked before anything is published.

published = PublishedTopics(stream, log, bootstrap, topics)
position = published.position(mark)     # None: nothing was published
published.check(position)               # the log holds the event that was published last
published.check_ends(position)          # the topics end with it
"""

from __future__ import annotations

import time
from typing import Final

from eventlog import EventLog, StoredEvent
from publishing.checkpoints import StreamCheckpoint, last_events, last_held, read_position, shortened
from publishing.clients import Broker
from publishing.errors import PositionUnreadable, RelayHalted
from publishing.streams import Stream
from publishing.topics import Topics

PATIENCE: Final = 5.0
"""Seconds for which a broker that has just started may show less than it holds: its partitions become
readable one after the other, and a relay that halted for that would wait for a person."""

_PAUSE: Final = 0.2


class PublishedTopics:
    """What a stream has published, as the broker and the log know it. Every check raises RelayHalted."""

    def __init__(self, stream: Stream, log: EventLog, bootstrap: Broker, topics: Topics) -> None:
        self._stream = stream
        self._log = log
        self._bootstrap = bootstrap
        self._topics = topics

    def position(self, mark: int | None = None) -> StreamCheckpoint | None:
        """The stream's last position. `mark`: as of `read_position`."""
        try:
            return read_position(self._bootstrap, self._topics, self._stream.number, mark)
        except PositionUnreadable as error:
            raise RelayHalted(self._stream.name, "position_unreadable", error.what) from error

    def check_ends(self, position: StreamCheckpoint) -> None:
        """Raise RelayHalted unless the topics end where the position says: what a broker has lost would be
        published over, and readers would find a hole. Waits up to PATIENCE seconds for it to be so."""
        deadline = time.monotonic() + PATIENCE
        while (problem := self._difference(position)) is not None:
            if time.monotonic() >= deadline:
                raise RelayHalted(self._stream.name, "topic_shortened", problem)
            time.sleep(_PAUSE)

    def _difference(self, position: StreamCheckpoint) -> str | None:
        for problem in shortened(self._bootstrap, position):
            return problem
        last = self.last_events()
        for partition, (found, known) in enumerate(zip(last, position.last, strict=False)):
            if found != known and not (found < known == self._last_held(partition, known)):
                name = self._stream.topics[0].name
                return f"partition {partition} of {name} ends with position {found}, not with {known}"
        return None

    def _last_held(self, partition: int, until: int) -> int:
        return last_held(self._bootstrap, self._stream.topics[0], partition, until, self._is_genuine)

    def last_events(self) -> tuple[int, ...]:
        """The last event's position in each partition, where the stream is the events'."""
        chained = [topic for topic in self._stream.topics if topic.kind == "events"]
        return last_events(self._bootstrap, chained[0], self._is_genuine) if chained else ()

    def held_events(self, known: StreamCheckpoint | None) -> tuple[int, ...]:
        """As `last_events`, and up to what the known position names also what readers are not shown yet.

        After a broker's crash they may be shown it with the stream's next transaction only: it must not be
        sent again.
        """
        last = self.last_events()
        if known is None or len(known.last) != len(last):
            return last
        return tuple(
            max(found, self._last_held(partition, named)) if found < named else found
            for partition, (found, named) in enumerate(zip(last, known.last, strict=True))
        )

    def holds_others(self) -> bool:
        """Whether events that are not the log's are behind its last ones."""
        return self.last_events() != last_events(self._bootstrap, self._stream.topics[0], lambda _: True)

    def _is_genuine(self, event: StoredEvent) -> bool:
        stored = self._log.at_position(event.position)
        return stored is not None and stored.hash == event.hash

    def check(self, position: StreamCheckpoint) -> None:
        """Raise RelayHalted unless the log holds the very event that was published last."""
        if position.log_id != self._log.log_id:
            raise RelayHalted(
                self._stream.name,
                "foreign_log",
                f"log {position.log_id} was published, and this is log {self._log.log_id}",
            )
        if position.position == 0:
            return
        stored = self._log.at_position(position.position)
        if stored is None:
            raise RelayHalted(
                self._stream.name,
                "log_behind",
                f"position {position.position} is published, and the log has no such event",
            )
        if stored.hash.hex() != position.hash:
            message = f"another event was published as position {position.position}"
            raise RelayHalted(self._stream.name, "log_differs", message)
