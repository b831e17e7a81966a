"""Holding a stream: with its lease, a producer that fences every earlier one, and a position that the log and
the topics have confirmed. A relay holds its stream to publish it, an operator's command to mend it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from threading import Event
from typing import Final

import psycopg
from msgspec.structs import replace

from eventlog import EventLog, PrivilegeMissing, RowUnreadable, WrongDatabase
from eventlog.appending import utc_now
from eventlog.postgres.connect import Connection, connect
from publishing.checkpoints import StreamCheckpoint, recreated
from publishing.clients import Broker
from publishing.errors import HaltCode, LeaseHeld, RelayHalted
from publishing.halts import RELAYS
from publishing.lease import Lease
from publishing.pages import Pages
from publishing.producing import ProducerSession
from publishing.published import PublishedTopics
from publishing.streams import Stream
from publishing.topics import Topics, topic_ids
from publishing.watchdog import Watchdog, leave

logger = logging.getLogger(__name__)

_PATIENCE_ONCE: Final = 3.0


@dataclass(frozen=True)
class RelaySettings:
    """How a relay works. The defaults are for production; tests hurry.

    `batch`: events in a transaction, at most, which bounds what is in memory. `lease_seconds`: how long a
    dead relay holds the others back. `beat_seconds`: between renewals of the lease, and between heartbeats
    while something is published; `idle_seconds`: between heartbeats while nothing is, half of what readers
    take for fresh (`consumers.entitlement_cache.MAX_AGE`). `check_seconds`: between checks that the log still
    holds what was published last, while nothing is appended; each page is checked. `commit_seconds`: until a
    transaction counts as hung, longer than a broker takes to restart. `clock_limit`: seconds by which
    `clock`, this machine's, may be ahead of
    the database's and the broker's: records are dated by it.
    """

    batch: int = 1_000
    lease_seconds: float = 5.0
    beat_seconds: float = 1.0
    idle_seconds: float = 30.0
    check_seconds: float = 5.0
    commit_seconds: float = 15.0
    clock_limit: float = 60.0
    clock: Callable[[], datetime] = utc_now


PRODUCTION: Final = RelaySettings()


class StreamHolder:
    """What every holder of a stream does before and after its work. Call it from one thread."""

    def __init__(
        self,
        stream: Stream,
        log: EventLog,
        bootstrap: Broker,
        topics: Topics,
        database_url: str,
        settings: RelaySettings = PRODUCTION,
        session_type: type[ProducerSession] = ProducerSession,
        on_hang: Callable[[], None] = leave,
    ) -> None:
        self.stream = stream
        self._log = log
        self._bootstrap = bootstrap
        self._topics = topics
        self._database_url = database_url
        self._settings = settings
        self._session_type = session_type
        self._on_hang = on_hang
        # Of the lease, and the transactional id: the one relay of this stream, wherever it runs.
        self._name = transactional_id(topics.prefix, stream.name)
        self._pages = Pages(stream, log)
        self._published = PublishedTopics(stream, log, bootstrap, topics)

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
        self._published.check_ends(position)
        session.expect(position.ends)
        self._pages.begin(position)
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


def _first_line(error: PrivilegeMissing | psycopg.Error) -> str:
    said = error.what if isinstance(error, PrivilegeMissing) else str(error)
    return said.partition("\n")[0]


def transactional_id(prefix: str, stream: str) -> str:
    """By which Kafka knows the relay of a stream, whichever process it is; also the name of its lease."""
    return f"{prefix}prorata-relay-{stream}"
