"""How everything stands: log, read models, relays and consumers, and what a person has to look at.

status = status_of(settings, log)
[trouble for trouble in status.troubles]
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import psycopg

from consumers import dead_letters
from consumers.checkpoints import Hearing, hearing
from consumers.halts import CONSUMERS
from eventlog import EventLog, FenceHolder
from projections.live.lag import lags
from projections.live.parking import parked
from prorata.settings import Settings
from publishing.checkpoints import read_position
from publishing.halts import RELAYS, Halt
from publishing.topics import Topics, exists

LATE = 60.0
"""Seconds of lag from which on it is a trouble."""


class ReaderLag(msgspec.Struct, frozen=True):
    """How far something is. `position`: of the last event that it has; `seconds`: how long ago the first
    event that it lacks was recorded, 0 where it lacks none; None: it never began, or nobody knows."""

    name: str
    position: int | None
    seconds: float | None


class ParkedKeys(msgspec.Struct, frozen=True):
    """Accounts or keys that something has stopped at."""

    name: str
    keys: int


class Status(msgspec.Struct, frozen=True):
    """How everything stands at `at`. `fence`: the transaction that holds back settled reads now, and for how
    many seconds already. `broker` False: it does not answer, so nothing is known of the relays."""

    at: datetime
    log_position: int
    fence: str | None
    fence_seconds: float | None
    broker: bool
    projections: tuple[ReaderLag, ...]
    relays: tuple[ReaderLag, ...]
    consumers: tuple[ReaderLag, ...]
    parked: tuple[ParkedKeys, ...]
    halts: tuple[Halt, ...]

    @property
    def troubles(self) -> tuple[str, ...]:
        """What a person has to look at, in sentences."""
        return tuple(_troubles(self))


def status_of(settings: Settings, log: EventLog) -> Status:
    """Ask the database and the broker. Nothing is changed, and no lock is waited for."""
    now = datetime.now(UTC)
    fence = log.fence_holder()
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        projected = [ReaderLag(lag.projection, lag.position, lag.seconds) for lag in lags(connection)]
        stopped = [ParkedKeys(name, keys) for name, keys in sorted(_parked(connection).items())]
        heard = [_heard(hearing, now) for hearing in hearing(connection)]
        halted = (*RELAYS.all(connection), *CONSUMERS.all(connection))
    broker, relays = _relays(settings, log, now)
    return Status(
        at=now,
        log_position=log.last_position(),
        fence=None if fence is None else str(fence),
        fence_seconds=_held(fence, now),
        broker=broker,
        projections=tuple(projected),
        relays=relays,
        consumers=tuple(heard),
        parked=tuple(stopped),
        halts=halted,
    )


def _lag(log: EventLog, name: str, position: int | None, now: datetime) -> ReaderLag:
    page = log.read_settled(position or 0, 1)
    seconds = (now - page[0].recorded_at).total_seconds() if page else 0.0
    return ReaderLag(name, position, round(max(0.0, seconds), 3))


def _relays(settings: Settings, log: EventLog, now: datetime) -> tuple[bool, tuple[ReaderLag, ...]]:
    from kafka.errors import KafkaError

    from publishing.streams import EventStream, StateStream

    topics, lags = Topics(settings.kafka_prefix), []
    try:
        begun = exists(settings.kafka, topics.positions)
        for stream in (EventStream, StateStream):
            position = read_position(settings.kafka, topics, stream.number) if begun else None
            lags.append(_lag(log, stream.name, None if position is None else position.position, now))
    except (KafkaError, KeyError):
        return False, ()
    return True, tuple(lags)


def _parked(connection: psycopg.Connection[tuple[object, ...]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for entry in parked(connection):
        counts[entry.projection] = counts.get(entry.projection, 0) + 1
    for key in dead_letters.all_parked(connection):
        counts[key.consumer] = counts.get(key.consumer, 0) + 1
    return counts


def _heard(heard: Hearing, now: datetime) -> ReaderLag:
    """A consumer's lag is the age of the oldest of its partitions' last heartbeats."""
    if heard.heartbeat_at is None:
        return ReaderLag(heard.consumer, heard.position, None)
    return ReaderLag(
        heard.consumer, heard.position, round(max(0.0, (now - heard.heartbeat_at).total_seconds()), 3)
    )


def _held(fence: FenceHolder | None, now: datetime) -> float | None:
    if fence is None or fence.began_at is None:
        return None
    return round(max(0.0, (now - fence.began_at).total_seconds()), 3)


def _troubles(status: Status) -> Iterator[str]:
    for halt in status.halts:
        yield f"{halt.name} halted: {halt.message}"
    if not status.broker:
        yield "the broker does not answer, or has none of the topics"
    for stopped in status.parked:
        yield f"{stopped.name}: {stopped.keys} parked"
    for lag in (*status.projections, *status.relays, *status.consumers):
        if lag.seconds is not None and lag.seconds > LATE:
            yield f"{lag.name} is {lag.seconds:.0f} seconds behind"
    if status.fence_seconds is not None and status.fence_seconds > LATE:
        yield f"settled reads are held back for {status.fence_seconds:.0f} seconds by {status.fence}"
