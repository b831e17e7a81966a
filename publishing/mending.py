"""What an operator does to a stream by hand, with the stream's lease and position held like a relay's.

MendingRelay(stream, log, bootstrap, topics, database_url).take_up(at=1234)
MendingRelay(stream, log, bootstrap, topics, database_url).refresh("billing.invoices.v1")
mend(log, bootstrap, database_url)      # both streams: what the topics lack, and what others put there
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event
from typing import Final

from eventlog import EventLog, StoredEvent
from eventlog.postgres.connect import Connection
from publishing.checkpoints import (
    StreamCheckpoint,
    digest_of,
    newest_values,
    read_position,
    recreated,
)
from publishing.clients import Broker
from publishing.envelope import Record, event_record
from publishing.errors import PositionUnreadable, RelayHalted
from publishing.headers import EventHeaders
from publishing.holding import StreamHolder
from publishing.lease import Lease
from publishing.producing import ProducerSession
from publishing.streams import EventStream, StateStream
from publishing.topics import ensure_topics, topic_ids

_RENEW_EVERY: Final = 100
"""States compared between two renewals of the lease: some milliseconds each at most."""


@dataclass(frozen=True)
class Mended:
    """How many events and states were sent again, and up to which position the topics are published now."""

    events: int
    states: int
    position: int


def take_up(log: EventLog, bootstrap: Broker, database_url: str, at: int, prefix: str = "") -> None:
    """Say up to which position the events topic is published (`MendingRelay.take_up`). State topics that were
    made anew are published from the beginning, which doubles nothing."""
    topics = ensure_topics(bootstrap, prefix)
    MendingRelay(EventStream(log, topics), log, bootstrap, topics, database_url).take_up(at)
    states = MendingRelay(StateStream(log, topics), log, bootstrap, topics, database_url)
    if states.has_to_begin_anew():
        states.take_up(0)


def refresh(log: EventLog, bootstrap: Broker, database_url: str, topic: str, prefix: str = "") -> int:
    """Send the states of that topic (its name without prefix) that are not what the folds make; how many.

    Raises KeyError where that is no state topic.
    """
    topics = ensure_topics(bootstrap, prefix)
    stream = StateStream(log, topics)
    if topic not in {of.base for of in stream.topics}:
        raise KeyError(topic)
    return MendingRelay(stream, log, bootstrap, topics, database_url).refresh(topic)


def mend(log: EventLog, bootstrap: Broker, database_url: str, prefix: str = "") -> Mended:
    """Send the events that the events topic lacks at its end, say anew how far both streams are, and send
    each state that is not what the folds make. Whatever it dies of, it may be run again."""
    topics = ensure_topics(bootstrap, prefix)
    events = MendingRelay(EventStream(log, topics), log, bootstrap, topics, database_url)
    sent, position = events.publish_missing()
    stream = StateStream(log, topics)
    states = MendingRelay(stream, log, bootstrap, topics, database_url)
    states.take_up(position)
    return Mended(sent, sum(states.refresh(topic.base) for topic in stream.topics), position)


class MendingRelay(StreamHolder):
    """Holds a stream, and publishes nothing by itself. Raises LeaseHeld while a relay works."""

    def take_up(self, at: int) -> None:
        """Say up to which position the stream is published, 0: nothing is, where that is lost or wrong.

        Raises RelayHalted `position_wrong` where the events topic does not end there: nothing is ever
        published twice in it, nor left out.
        """

        def take_up(session: ProducerSession, _lease: Lease, _connection: Connection) -> None:
            mark = session.mark().offset
            last = self._published.held_events(self._kept(mark))
            if last and max(last) != at:
                message = f"{self.stream.topics[0].name} ends with position {max(last)}, not with {at}"
                raise self._halted("position_wrong", message)
            session.publish([], self._taken_up(at, last))

        self._alone(take_up, Event())

    def _taken_up(self, at: int, last: tuple[int, ...]) -> StreamCheckpoint:
        stored = self._log.at_position(at)
        if at and stored is None:
            raise self._halted("log_behind", f"the log has no event at position {at}")
        kept = "" if stored is None else stored.hash.hex()
        ids = topic_ids(self._bootstrap, self.stream.topics)
        none = (0,) * self._topics.partitions
        return StreamCheckpoint(
            self._log.log_id, at, kept, last or none, ids, heard_at=None, folds=self.stream.folds
        )

    def publish_missing(self) -> tuple[int, int]:
        """Publish the events that partitions of the events topic lack at their ends, up to the last one that
        was published; how many that were, and its position.

        Raises RelayHalted where the log is not the one that was published.
        """
        sent, until = 0, 0

        def publish_missing(session: ProducerSession, lease: Lease, _connection: Connection) -> None:
            nonlocal sent, until
            mark = session.mark().offset
            [topic] = self.stream.topics
            known = self._known(mark)
            last = list(self._published.held_events(known))
            until = max(0 if known is None else known.position, *last)
            headers, at = EventHeaders(self._log.log_id), min(last)
            while page := self._events(at, until):
                records = []
                for event in page:
                    partition = topic.partition_of(event.account_id)
                    if event.position > last[partition]:
                        records.append(event_record(topic, headers, event, partition, last[partition]))
                        last[partition] = event.position
                lease.renew()
                if records:
                    session.publish(records, None)
                sent, at = sent + len(records), page[-1].position
            session.publish([], self._taken_up(until, tuple(last)))

        self._alone(publish_missing, Event())
        return sent, until

    def _known(self, mark: int) -> StreamCheckpoint | None:
        """The position that is kept; None where none is, or one of no event of this log alone says so.

        Raises RelayHalted where events behind the topic's last are not of this log either.
        """
        kept = self._kept(mark)
        try:
            if kept is not None:
                self._published.check(kept)
        except RelayHalted:
            if self._published.holds_others():
                raise
            return None  # the position alone says so: it was forged
        return kept

    def _kept(self, mark: int) -> StreamCheckpoint | None:
        """The position that is kept, whatever it says; None where none can be read."""
        try:
            return read_position(self._bootstrap, self._topics, self.stream.number, mark)
        except PositionUnreadable:
            return None

    def _events(self, after: int, until: int) -> list[StoredEvent]:
        page = self._log.read_settled(after, self._settings.batch)
        return self._pages.before_forged([event for event in page if event.position <= until])

    def has_to_begin_anew(self) -> bool:
        """Whether its topics were made anew."""
        position = self._published.position()
        ids = topic_ids(self._bootstrap, self.stream.topics)
        return position is not None and bool(recreated(position, ids))

    def refresh(self, base: str) -> int:
        """Send each state of that topic which is not what the folds make of the log; how many that were.

        So a corrected fold reaches accounts in which nothing happens, and what others have written there is
        replaced. Raises RelayHalted `fold_outdated` where the topic was made with a newer fold than this
        code's.
        """
        sent = 0

        def refresh(session: ProducerSession, lease: Lease, _connection: Connection) -> None:
            nonlocal sent
            assert isinstance(self.stream, StateStream)
            position = self._begin(session, session.mark().offset)
            [topic] = [topic for topic in self.stream.topics if topic.base == base]
            if position.folds.get(base, 0) > self.stream.folds[base]:
                message = f"{topic.name} is made with fold {position.folds[base]}, and this code's is older"
                raise self._halted("fold_outdated", message)
            held, batch = newest_values(self._bootstrap, topic), list[Record]()

            def send() -> None:
                nonlocal sent, batch
                touched = {(record.topic, record.partition) for record in batch}
                stamped = self._pages.stamped(position, session.ends())
                session.publish(batch + self._pages.heartbeats(stamped, touched), stamped)
                sent, batch = sent + len(batch), []

            for nth, (state, record) in enumerate(self.stream.states(topic, position.position)):
                if nth % _RENEW_EVERY == 0:
                    lease.renew()
                headers = {"fold": b"%d" % state.fold, "revision": b"%d" % state.revision}
                if held.get(record.key) != digest_of(record.value, headers):
                    batch.append(record)
                if len(batch) == self._settings.batch:
                    send()
            send()

        self._alone(refresh, Event())
        return sent
