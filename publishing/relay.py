"""The relay: the log's settled events, in order and each exactly once, into Kafka.

    run_relay(log, "127.0.0.1:9092", database_url, stop=stop)        # until `stop` is set
    run_relay(log, "127.0.0.1:9092", database_url, once=True)        # what there is now

One Kafka transaction holds the records of a page and the new position P, so after whatever failure P says
what was published. Any number of relays may run: one holds the stream's lease and works, the others wait. A
relay that lost the lease without knowing it is fenced by Kafka: its transaction is aborted. So nothing is
lost, nothing doubled and no order broken; what failures cost is time.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from threading import Event, Thread
from typing import Final

from eventlog import EventLog
from eventlog.postgres.connect import Connection
from publishing.checkpoints import StreamCheckpoint
from publishing.clients import Broker
from publishing.envelope import Record
from publishing.errors import LeaseHeld, LeaseLost, RelayHalted
from publishing.halts import RELAYS
from publishing.holding import PRODUCTION, RelaySettings, StreamHolder
from publishing.lease import Lease
from publishing.pages import Page
from publishing.producing import ProducerSession
from publishing.rhythm import Rhythm
from publishing.streams import EventStream, StateStream, Stream
from publishing.topics import PARTITIONS, Topics, ensure_topics
from publishing.turns import TURNS
from publishing.watchdog import leave

logger = logging.getLogger(__name__)

_SHORTEST_PAUSE: Final = 0.001
_LONGEST_PAUSE: Final = 0.05
_SHORTEST_BACKOFF: Final = 0.02
_LONGEST_BACKOFF: Final = 5.0
_ATTEMPTS_ONCE: Final = 5


@dataclass(frozen=True)
class RelayProgress:
    """A committed transaction: up to which position the stream is published, and how many events were new."""

    stream: str
    position: int
    events: int


Report = Callable[[RelayProgress], None]


def run_relay(
    log: EventLog,
    bootstrap: Broker,
    database_url: str,
    *,
    prefix: str = "",
    partitions: int = PARTITIONS,
    once: bool = False,
    stop: Event | None = None,
    report: Report = lambda _: None,
    settings: RelaySettings = PRODUCTION,
    session_type: type[ProducerSession] = ProducerSession,
    on_hang: Callable[[], None] = leave,
) -> None:
    """Publish the event stream and the state stream, each in a thread of its own, until `stop` is set.

    `once`: publish what there is now, one stream after the other, and return. `report` is called from both
    threads. `on_hang` is called when a transaction hangs, which no thread survives: it has to end or replace
    the process. Raises TopicsRefused; RelayHalted when a stream cannot go on; LeaseHeld, with `once` only.
    """
    topics = ensure_topics(bootstrap, prefix, partitions)
    streams: list[Stream] = [EventStream(log, topics), StateStream(log, topics)]
    relays = [
        Relay(stream, log, bootstrap, topics, database_url, report, settings, session_type, on_hang)
        for stream in streams
    ]
    if once:
        for relay in relays:
            relay.run_once()
    else:
        _run_together(relays, stop or Event())


def _run_together(relays: Sequence[Relay], stop: Event) -> None:
    """Until `stop` is set, or one of them cannot go on: then all stop, and its error is raised."""
    failures: list[BaseException] = []

    def work(relay: Relay) -> None:
        try:
            relay.run(stop)
        except BaseException as error:  # noqa: BLE001 - raised in the caller's thread
            failures.append(error)
            stop.set()

    threads = [Thread(target=work, args=[relay], name=f"relay {relay.stream.name}") for relay in relays]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            while thread.is_alive():
                thread.join(0.2)  # not for ever: the main thread must hear signals
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]


class Relay(StreamHolder):
    """The relay of one stream. Call it from one thread."""

    def __init__(
        self,
        stream: Stream,
        log: EventLog,
        bootstrap: Broker,
        topics: Topics,
        database_url: str,
        report: Report = lambda _: None,
        settings: RelaySettings = PRODUCTION,
        session_type: type[ProducerSession] = ProducerSession,
        on_hang: Callable[[], None] = leave,
    ) -> None:
        super().__init__(stream, log, bootstrap, topics, database_url, settings, session_type, on_hang)
        self._report = report
        self._batch = settings.batch
        self._backoff = _SHORTEST_BACKOFF

    def run(self, stop: Event) -> None:
        """Publish what settles, until `stop` is set. Raises RelayHalted."""
        while not stop.is_set():
            try:
                self._work(stop, once=False)
            except RelayHalted as halted:
                self._remember(halted)
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is: a new producer, from P
                self._start_over(error, stop)

    def run_once(self) -> None:
        """Publish everything that has settled, and a heartbeat; wait for a dead holder's lease to run out.

        Raises RelayHalted, LeaseHeld while another relay works, or what failed five times in a row.
        """
        for attempts_left in reversed(range(_ATTEMPTS_ONCE)):
            try:
                return self._work(Event(), once=True)
            except RelayHalted as halted:
                self._remember(halted)
                raise
            except LeaseHeld:
                raise
            except Exception as error:
                if not attempts_left:
                    raise
                self._start_over(error, Event())
        return None

    def _work(self, stop: Event, *, once: bool) -> None:
        """From taking the lease to `stop`, or to the first error."""

        def work(session: ProducerSession, lease: Lease, connection: Connection) -> None:
            # Beginning may take as long as a lease lasts: whoever loses it meanwhile must not fence the next.
            self._renew(lease)
            begun, mark = self._settings.clock(), session.mark()
            self._check_clock(begun, mark.broker_time, "broker")
            self._renew(lease)
            position = self._begin(session, mark.offset)
            RELAYS.forget(connection, self._name)
            self._publish(session, position, lease, stop, once=once)

        self._alone(work, stop, once=once)

    def _publish(
        self, session: ProducerSession, position: StreamCheckpoint, lease: Lease, stop: Event, *, once: bool
    ) -> None:
        beaten = checked = pause = 0.0
        rhythm = Rhythm(self._settings.idle_seconds)
        with TURNS.short(), ThreadPoolExecutor(1, f"relay {self.stream.name}, ahead") as ahead:
            coming: Future[Page] | None = None
            while not stop.is_set():
                now, log_time = time.monotonic(), None
                if once or now - beaten >= self._settings.beat_seconds:
                    beaten, renewed = now, self._renew(lease)
                    log_time = renewed if once or rhythm.is_due(now, renewed) else None
                try:
                    page = self._pages.after(position, self._batch) if coming is None else coming.result()
                except RelayHalted:
                    self._published.check(position)  # of a log restored since, no event follows ours
                    raise
                # After the page was read: of a log restored since, its events would already be another's.
                if page.events or now - checked >= self._settings.check_seconds:
                    checked = now
                    self._published.check(position)
                # While a transaction is on its way, the next one is made: most of its time is waiting.
                coming = ahead.submit(self._pages.after, page.position, self._batch) if page.is_full else None
                fresh = self._commit(session, position, page, log_time)
                rhythm.went_out(now, log_time if fresh else None, page.events)
                if once and not page.is_full:
                    return
                moved, position = page.position is not position, page.position
                pause = 0.0 if moved else min(max(2 * pause, _SHORTEST_PAUSE), _LONGEST_PAUSE)
                self._batch = min(2 * self._batch, self._settings.batch)
                if pause:
                    stop.wait(pause)

    def _commit(
        self, session: ProducerSession, before: StreamCheckpoint, page: Page, log_time: datetime | None
    ) -> bool:
        """One transaction with the page, and with a heartbeat if one is due and true; whether it was."""
        heartbeats: list[Record] = []
        is_fresh = log_time is not None and self._pages.is_all_there_was(before, page)
        position = self._pages.stamped(page.position, session.ends(), log_time if is_fresh else None)
        if is_fresh:
            heartbeats = self._pages.heartbeats(position)
        elif self.stream.folds:
            heartbeats = self._pages.heartbeats(position, page.touched)
        if not page.events and not heartbeats:
            return False
        session.publish(page.records + heartbeats, position)
        self._backoff = _SHORTEST_BACKOFF
        self._report(RelayProgress(self.stream.name, page.position.position, page.events))
        facts = {"stream": self.stream.name, "position": page.position.position, "events": page.events}
        logger.debug("published", extra=facts)
        return is_fresh

    def _start_over(self, error: Exception, stop: Event) -> None:
        """Say what failed, wait a little, longer each time, and take smaller pages for a while."""
        if isinstance(error, LeaseLost):
            logger.info("stream %s: %s", self.stream.name, error)
            return
        logger.warning("stream %s: starting over after %s: %s", self.stream.name, type(error).__name__, error)
        self._batch = max(1, self._batch // 4)
        stop.wait(self._backoff)
        self._backoff = min(4 * self._backoff, _LONGEST_BACKOFF)
