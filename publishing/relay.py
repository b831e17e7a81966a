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
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Final

import psycopg
from msgspec.structs import replace

from eventlog import EventLog, PrivilegeMissing, RowUnreadable, StoredEvent, WrongDatabase
from eventlog.appending import utc_now
from eventlog.forgery import ForgeryWatch
from eventlog.postgres.connect import Connection, connect
from publishing.checkpoints import StreamCheckpoint, recreated
from publishing.envelope import Heartbeat, Record, heartbeat_record
from publishing.errors import HaltCode, LeaseHeld, LeaseLost, RelayHalted
from publishing.halts import RELAYS
from publishing.lease import Lease
from publishing.producing import ProducerSession
from publishing.published import PublishedTopics
from publishing.streams import EventStream, StateStream, Stream
from publishing.topics import PARTITIONS, Topics, ensure_topics, topic_ids
from publishing.watchdog import Watchdog, leave

logger = logging.getLogger(__name__)

_SHORTEST_PAUSE: Final = 0.001
_LONGEST_PAUSE: Final = 0.05
_SHORTEST_BACKOFF: Final = 0.02
_LONGEST_BACKOFF: Final = 5.0
_ATTEMPTS_ONCE: Final = 5
_PATIENCE_ONCE: Final = 3.0

_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""What a heartbeat says of how fresh all is before the relay has once published all there was."""


@dataclass(frozen=True)
class RelaySettings:
    """How a relay works. The defaults are for production; tests hurry.

    `batch`: events in a transaction, at most, which bounds what is in memory. `lease_seconds`: how long a
    dead relay holds the others back. `beat_seconds`: between renewals of the lease, and so between
    heartbeats. `check_seconds`: between checks that the log still holds what was published last, while
    nothing is appended; each page is checked. `commit_seconds`: until a transaction counts as hung, longer
    than a broker takes to restart. `clock_limit`: seconds by which `clock`, this machine's, may be ahead of
    the database's and the broker's: records are dated by it.
    """

    batch: int = 1_000
    lease_seconds: float = 5.0
    beat_seconds: float = 1.0
    check_seconds: float = 5.0
    commit_seconds: float = 15.0
    clock_limit: float = 60.0
    clock: Callable[[], datetime] = utc_now


@dataclass(frozen=True)
class RelayProgress:
    """A committed transaction: up to which position the stream is published, and how many events were new."""

    stream: str
    position: int
    events: int


Report = Callable[[RelayProgress], None]


@dataclass(frozen=True)
class _Page:
    """A page of events as records, and the position after them; `is_full`: there may be more behind them."""

    records: list[Record]
    position: StreamCheckpoint
    is_full: bool
    events: int = 0
    touched: frozenset[tuple[str, int]] = frozenset()


def run_relay(
    log: EventLog,
    bootstrap: str,
    database_url: str,
    *,
    prefix: str = "",
    partitions: int = PARTITIONS,
    once: bool = False,
    stop: Event | None = None,
    report: Report = lambda _: None,
    settings: RelaySettings = RelaySettings(),
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


class Relay:
    """The relay of one stream. Call it from one thread."""

    def __init__(
        self,
        stream: Stream,
        log: EventLog,
        bootstrap: str,
        topics: Topics,
        database_url: str,
        report: Report = lambda _: None,
        settings: RelaySettings = RelaySettings(),
        session_type: type[ProducerSession] = ProducerSession,
        on_hang: Callable[[], None] = leave,
    ) -> None:
        self.stream = stream
        self._log = log
        self._bootstrap = bootstrap
        self._topics = topics
        self._database_url = database_url
        self._report = report
        self._settings = settings
        self._session_type = session_type
        self._on_hang = on_hang
        # Of the lease, and the transactional id: the one relay of this stream, wherever it runs.
        self._name = f"{topics.prefix}prorata-relay-{stream.name}"
        self._batch = settings.batch
        self._forgery = ForgeryWatch(log)
        self._published = PublishedTopics(stream, log, bootstrap, topics)
        self._backoff = _SHORTEST_BACKOFF
        self._heard_at: datetime | None = None

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

    def _alone(
        self, work: Callable[[ProducerSession, Lease, Connection], None], stop: Event, *, once: bool = True
    ) -> None:
        """Do the work with the lease and a producer that fences every earlier one."""
        try:
            with connect(self._database_url, self._name) as connection:
                lease = Lease(connection, self._name, seconds=self._settings.lease_seconds)
                if self._take(lease, stop, once=once):
                    try:
                        with closing(Watchdog(self._on_hang)) as watchdog, self._session(watchdog) as session:
                            work(session, lease, connection)
                    finally:
                        lease.release()
        except psycopg.errors.UndefinedTable as error:
            raise self._halted("not_migrated", "the database has no table of leases") from error
        except (PrivilegeMissing, psycopg.errors.InsufficientPrivilege) as error:
            raise self._halted("privilege_missing", _first_line(error)) from error
        except WrongDatabase as error:
            raise self._halted("wrong_database", str(error)) from error
        except RowUnreadable as error:
            raise self._halted("row_unreadable", str(error)) from error

    def _renew(self, lease: Lease) -> datetime:
        """The database's time. Raises LeaseLost, and RelayHalted where this machine is ahead of it."""
        before = self._settings.clock()
        log_time = lease.renew()
        self._check_clock(before, log_time, "database")
        return log_time

    def _check_clock(self, ours: datetime, theirs: datetime, whose: str) -> None:
        ahead = (ours - theirs).total_seconds()
        if ahead > self._settings.clock_limit:
            message = (
                f"this machine's clock is {ahead:.0f} seconds ahead of the {whose}'s, "
                f"and {self._settings.clock_limit:.0f} are allowed (PRORATA_CLOCK_LIMIT)"
            )
            raise self._halted("clock_ahead", message)

    def _take(self, lease: Lease, stop: Event, *, once: bool) -> bool:
        """Wait for the lease; False: stopped meanwhile."""
        deadline = time.monotonic() + self._settings.lease_seconds + _PATIENCE_ONCE
        while not lease.acquire():
            if once and time.monotonic() > deadline:
                raise LeaseHeld(self.stream.name, lease.holder())
            if stop.wait(self._settings.beat_seconds / 4):
                return False
        return True

    def _session(self, watchdog: Watchdog) -> ProducerSession:
        return self._session_type(
            self.stream.name,
            self._name,
            self._bootstrap,
            self._topics.positions,
            self.stream.number,
            watchdog,
            commit_seconds=self._settings.commit_seconds,
        )

    def _publish(
        self, session: ProducerSession, position: StreamCheckpoint, lease: Lease, stop: Event, *, once: bool
    ) -> None:
        beaten = checked = pause = 0.0
        with ThreadPoolExecutor(1, f"relay {self.stream.name}, ahead") as ahead:
            coming: Future[_Page] | None = None
            while not stop.is_set():
                now, log_time = time.monotonic(), None
                if once or now - beaten >= self._settings.beat_seconds:
                    beaten, log_time = now, self._renew(lease)
                page = self._page(position, self._batch) if coming is None else coming.result()
                # After the page was read: of a log restored since, its events would already be another's.
                if page.events or now - checked >= self._settings.check_seconds:
                    checked = now
                    self._published.check(position)
                # While a transaction is on its way, the next one is made: most of its time is waiting.
                coming = ahead.submit(self._page, page.position, self._batch) if page.is_full else None
                self._commit(session, position, page, log_time)
                if once and not page.is_full:
                    return
                moved, position = page.position is not position, page.position
                pause = 0.0 if moved else min(max(2 * pause, _SHORTEST_PAUSE), _LONGEST_PAUSE)
                self._batch = min(2 * self._batch, self._settings.batch)
                if pause:
                    stop.wait(pause)

    def _page(self, after: StreamCheckpoint, limit: int) -> _Page:
        """Up to `limit` events that have settled after that position, as records; none that was forged."""
        read = self._log.read_settled(after.position, limit)
        events = self._before_forged(read)
        if not events:
            return _Page([], after, is_full=False)
        records, last_of_each = self.stream.records(events, after.last)
        last = events[-1]
        position = replace(after, position=last.position, hash=last.hash.hex(), last=last_of_each)
        touched = frozenset((record.topic, record.partition) for record in records)
        return _Page(records, position, len(read) >= limit, len(events), touched)

    def _before_forged(self, events: list[StoredEvent]) -> list[StoredEvent]:
        """The events before the first one that was forged. Raises RelayHalted where there are none."""
        forged = self._forgery.first_forged(events)
        if forged is None:
            return events
        nth, reason = forged
        if nth == 0:
            raise self._halted("event_forged", reason)
        return events[:nth]

    def _commit(
        self, session: ProducerSession, before: StreamCheckpoint, page: _Page, log_time: datetime | None
    ) -> None:
        """One transaction with the page, and with a heartbeat if one is due and true."""
        heartbeats: list[Record] = []
        is_fresh = log_time is not None and self._is_all_there_was(before, page)
        position = self._stamped(page.position, session, log_time if is_fresh else None)
        if is_fresh:
            heartbeats = self._heartbeats(position)
        elif self.stream.folds:
            heartbeats = self._heartbeats(position, page.touched)
        if not page.events and not heartbeats:
            return
        session.publish(page.records + heartbeats, position)
        self._backoff = _SHORTEST_BACKOFF
        self._report(RelayProgress(self.stream.name, page.position.position, page.events))
        facts = {"stream": self.stream.name, "position": page.position.position, "events": page.events}
        logger.debug("published", extra=facts)

    def _stamped(
        self, position: StreamCheckpoint, session: ProducerSession, heard_at: datetime | None = None
    ) -> StreamCheckpoint:
        """The position as it is written, with what the broker has acknowledged and when all was there."""
        self._heard_at = heard_at or self._heard_at
        return replace(position, ends=session.ends(), heard_at=self._heard_at, folds=self.stream.folds)

    def _is_all_there_was(self, before: StreamCheckpoint, page: _Page) -> bool:
        """Whether the log has nothing behind the page. Not so while catching up, nor while a long transaction
        holds back what others have committed since: a heartbeat would then call old states fresh."""
        if page.events:
            return not page.is_full
        return self._log.last_position() <= before.position

    def _heartbeats(
        self, position: StreamCheckpoint, only: Collection[tuple[str, int]] | None = None
    ) -> list[Record]:
        """One for each partition, or for those partitions alone.

        Behind states there is always one, since readers believe a state once a heartbeat has come as far. One
        that is not due repeats the instant of the last, which stays true.
        """
        log_time = position.heard_at or _LONG_AGO
        return [
            heartbeat_record(
                topic,
                partition,
                Heartbeat(position.log_id, position.position, log_time, self.stream.folds.get(topic.base)),
            )
            for topic in self.stream.topics
            for partition in range(topic.partitions)
            if only is None or (topic.name, partition) in only
        ]

    def _begin(self, session: ProducerSession, mark: int) -> StreamCheckpoint:
        """The stream's position, which the log and the topics have been asked to confirm."""
        position = self._published.position(mark)
        ids = topic_ids(self._bootstrap, self.stream.topics)
        if position is None:
            held = max(self._published.last_events(), default=0)
            if held:
                message = f"{self.stream.topics[0].name} holds events up to position {held}, but none is kept"
                raise self._halted("position_lost", message)
            position = StreamCheckpoint(self._log.log_id, 0, "", (0,) * self._topics.partitions)
        if len(position.last) != self._topics.partitions:
            raise self._halted(
                "partitions_changed",
                f"it was begun on {len(position.last)} partitions, not on {self._topics.partitions}",
            )
        for name in recreated(position, ids):
            raise self._halted("topic_recreated", f"{name} is not the topic that was published to")
        self._published.check(position)
        self._forgery = ForgeryWatch(self._log)
        self._published.check_ends(position)
        session.expect(position.ends)
        self._heard_at = position.heard_at
        logger.info("stream %s: publishing after position %d", self.stream.name, position.position)
        return replace(position, topic_ids=ids)

    def _halted(self, code: HaltCode, message: str) -> RelayHalted:
        return RelayHalted(self.stream.name, code, message)

    def _remember(self, halted: RelayHalted) -> None:
        with (
            suppress(psycopg.Error, WrongDatabase),
            connect(self._database_url, self._name) as connection,
        ):
            RELAYS.keep(connection, self._name, halted.code, str(halted))

    def _start_over(self, error: Exception, stop: Event) -> None:
        """Say what failed, wait a little, longer each time, and take smaller pages for a while."""
        if isinstance(error, LeaseLost):
            logger.info("stream %s: %s", self.stream.name, error)
            return
        logger.warning("stream %s: starting over after %s: %s", self.stream.name, type(error).__name__, error)
        self._batch = max(1, self._batch // 4)
        stop.wait(self._backoff)
        self._backoff = min(4 * self._backoff, _LONGEST_BACKOFF)


def _first_line(error: PrivilegeMissing | psycopg.Error) -> str:
    said = error.what if isinstance(error, PrivilegeMissing) else str(error)
    return said.partition("\n")[0]
