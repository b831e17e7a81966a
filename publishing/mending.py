"""What an operator does to a stream by hand, with the stream's lease and position held like a relay's.

MendingRelay(stream, log, bootstrap, topics, database_url).take_up(at=1234)
MendingRelay(stream, log, bootstrap, topics, database_url).refresh("billing.invoices.v1")
"""

from __future__ import annotations

from threading import Event
from typing import Final

from eventlog import EventLog
from eventlog.postgres.connect import Connection
from publishing.checkpoints import StreamCheckpoint, digest_of, newest_values, read_position, recreated
from publishing.envelope import Record
from publishing.lease import Lease
from publishing.producing import ProducerSession
from publishing.relay import Relay
from publishing.streams import EventStream, StateStream
from publishing.topics import ensure_topics, topic_ids

_RENEW_EVERY: Final = 100
"""States compared between two renewals of the lease: some milliseconds each at most."""


def take_up(log: EventLog, bootstrap: str, database_url: str, at: int, prefix: str = "") -> None:
    """Say up to which position the events topic is published (`MendingRelay.take_up`). State topics that were
    made anew are published from the beginning, which doubles nothing."""
    topics = ensure_topics(bootstrap, prefix)
    MendingRelay(EventStream(log, topics), log, bootstrap, topics, database_url).take_up(at)
    states = MendingRelay(StateStream(log, topics), log, bootstrap, topics, database_url)
    if states.has_to_begin_anew():
        states.take_up(0)


def refresh(log: EventLog, bootstrap: str, database_url: str, topic: str, prefix: str = "") -> int:
    """Send the states of that topic (its name without prefix) that are not what the folds make; how many.

    Raises KeyError where that is no state topic.
    """
    topics = ensure_topics(bootstrap, prefix)
    stream = StateStream(log, topics)
    if topic not in {of.base for of in stream.topics}:
        raise KeyError(topic)
    return MendingRelay(stream, log, bootstrap, topics, database_url).refresh(topic)


class MendingRelay(Relay):
    """A relay that publishes nothing by itself. Raises LeaseHeld while another relay works."""

    def take_up(self, at: int) -> None:
        """Say up to which position the stream is published, 0: nothing is, where that is lost or wrong.

        Raises RelayHalted `position_wrong` where the events topic does not end there: nothing is ever
        published twice in it, nor left out.
        """

        def take_up(session: ProducerSession, _lease: Lease, _connection: Connection) -> None:
            session.mark()
            last = self._last_events()
            if last and max(last) != at:
                message = f"{self.stream.topics[0].name} ends with position {max(last)}, not with {at}"
                raise self._halted("position_wrong", message)
            stored = self._log.at_position(at)
            if at and stored is None:
                raise self._halted("log_behind", f"the log has no event at position {at}")
            kept = "" if stored is None else stored.hash.hex()
            last = last or (0,) * self._topics.partitions
            ids = topic_ids(self._bootstrap, self.stream.topics)
            session.publish([], StreamCheckpoint(self._log.log_id, at, kept, last, ids))

        self._alone(take_up, Event())

    def has_to_begin_anew(self) -> bool:
        """Whether its topics were made anew."""
        position = read_position(self._bootstrap, self._topics, self.stream.number)
        ids = topic_ids(self._bootstrap, self.stream.topics)
        return position is not None and bool(recreated(position, ids))

    def refresh(self, base: str) -> int:
        """Send each state of that topic which is not what the folds make of the log; how many that were.

        So a corrected fold reaches accounts in which nothing happens. Raises RelayHalted `fold_outdated`
        where the topic holds states of a newer fold than this code's.
        """
        sent = 0

        def refresh(session: ProducerSession, lease: Lease, _connection: Connection) -> None:
            nonlocal sent
            assert isinstance(self.stream, StateStream)
            position = self._begin(session.mark().offset)
            [topic] = [topic for topic in self.stream.topics if topic.base == base]
            held, batch = newest_values(self._bootstrap, topic), list[Record]()
            newer = [fold for _, fold in held.values() if fold > self.stream.fold_of(topic)]
            if newer:
                message = f"{topic.name} holds states of fold {max(newer)}, and this code's is older"
                raise self._halted("fold_outdated", message)
            for nth, record in enumerate(self.stream.states(topic, position.position)):
                if nth % _RENEW_EVERY == 0:
                    lease.renew()
                digest, _ = held.get(record.key, (None, 0))
                if digest != digest_of(record.value):
                    batch.append(record)
                if len(batch) == self._settings.batch:
                    session.publish(batch, position)
                    sent, batch = sent + len(batch), []
            session.publish(batch, position)
            sent += len(batch)

        self._alone(refresh, Event())
        return sent
