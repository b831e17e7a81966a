"""Where a consumer is in each partition, and who reads it: the rows of `consumers.partitions`.

A row moves in the transaction of the effects, and only from the offset that the writer began at. So whoever
reads a partition, one of them takes each record in, once. Claims only keep instances from doing work in vain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

import msgspec
import psycopg
from msgspec.structs import asdict
from psycopg.rows import TupleRow, class_row

Connection: TypeAlias = psycopg.Connection[TupleRow]


class PartitionCheckpoint(msgspec.Struct, frozen=True, gc=False):
    """How far a consumer is in a partition, and what it knows from the records before `next_offset`.

    `last_position`: of the last event, or the highest revision of a state, that was taken in. `refused`: how
    many records were not the relay's, with the offset of the last one, and why. `astray_position`: of an
    event that could not be read: the next one may follow it. `doubts`: heartbeats in a row that contradict
    what was taken in.
    """

    consumer: str
    topic: str
    partition: int
    next_offset: int
    log_id: UUID | None
    last_position: int
    heartbeat_position: int | None
    heartbeat_at: datetime | None
    skipped: int
    topic_id: UUID | None = None
    last_offset: int | None = None
    last_hash: bytes | None = None
    refused: int = 0
    refused_offset: int | None = None
    refused_reason: str | None = None
    astray_position: int | None = None
    doubts: int = 0


@dataclass(frozen=True)
class Hearing:
    """What a consumer has heard of its topics: the oldest of its partitions' last heartbeats (None: not of
    every one yet), the last position that one of them named, how many records it passed over, since their
    type was unknown to its code, and how many it refused. `newest_at`: the newest of its last heartbeats."""

    consumer: str
    heartbeat_at: datetime | None
    position: int | None
    skipped: int
    refused: int
    refused_reason: str | None
    newest_at: datetime | None


@dataclass(frozen=True)
class Refused:
    """How many records of a partition were not the relay's, where the last one is, and why it was refused."""

    consumer: str
    topic: str
    partition: int
    records: int
    last_offset: int
    last_reason: str


_COLUMNS: Final = ", ".join(f"place.{name}" for name in PartitionCheckpoint.__struct_fields__)

_ENSURE: Final = """
    insert into consumers.partitions (consumer, topic, partition)
    select %(consumer)s, %(topic)s, generate_series(0, %(partitions)s - 1)
    on conflict do nothing
"""

_COUNT: Final = """
    select count(*) from consumers.partitions where consumer = %(consumer)s and topic = %(topic)s
"""

# One whose row is locked is being worked on: it is left to whoever does that.
_CLAIM: Final = f"""
    with free as (
        select topic, partition from consumers.partitions
        where consumer = %(consumer)s and topic = any(%(topics)s)
            and (claimed_by = %(instance)s or coalesce(claimed_until, '-infinity') <= clock_timestamp())
        order by topic, partition
        for update skip locked
    )
    update consumers.partitions place
    set claimed_by = %(instance)s, claimed_until = clock_timestamp() + make_interval(secs => %(seconds)s)
    from free
    where place.consumer = %(consumer)s and place.topic = free.topic and place.partition = free.partition
    returning {_COLUMNS}
"""  # noqa: S608 - only constants are joined in

_UNCLAIM: Final = """
    update consumers.partitions set claimed_by = null, claimed_until = null
    where consumer = %(consumer)s and claimed_by = %(instance)s
"""

_MOVE: Final = """
    update consumers.partitions
    set next_offset = %(next_offset)s, log_id = %(log_id)s, last_position = %(last_position)s,
        heartbeat_position = %(heartbeat_position)s, heartbeat_at = %(heartbeat_at)s, skipped = %(skipped)s,
        topic_id = %(topic_id)s, last_offset = %(last_offset)s, last_hash = %(last_hash)s,
        refused = %(refused)s, refused_offset = %(refused_offset)s, refused_reason = %(refused_reason)s,
        astray_position = %(astray_position)s, doubts = %(doubts)s
    where consumer = %(consumer)s and topic = %(topic)s and partition = %(partition)s
        and next_offset = %(from_offset)s
"""

_OTHERS: Final = """
    select distinct topic from consumers.partitions
    where consumer = %(consumer)s and next_offset > 0 and topic <> all(%(topics)s) order by topic
"""

_LOCK: Final = """
    select from consumers.partitions
    where consumer = %(consumer)s and topic = %(topic)s and partition = %(partition)s for update
"""

_REFUSED: Final = """
    select consumer, topic, partition, refused as records, refused_offset as last_offset,
        refused_reason as last_reason
    from consumers.partitions where refused > 0 order by consumer, topic, partition
"""

_FORGET_REFUSED: Final = """
    update consumers.partitions set refused = 0, refused_offset = null, refused_reason = null
    where consumer = %(consumer)s and refused > 0
"""

_HEARING: Final = """
    select consumer, case when bool_and(heartbeat_at is not null) then min(heartbeat_at) end as heartbeat_at,
        max(greatest(heartbeat_position, last_position)) as position, sum(skipped)::bigint as skipped,
        sum(refused)::bigint as refused, max(refused_reason) as refused_reason,
        max(heartbeat_at) as newest_at
    from consumers.partitions group by consumer order by consumer
"""


def hearing(connection: Connection) -> list[Hearing]:
    """Heartbeat age, last known position and records passed over, of each consumer."""
    with connection.cursor(row_factory=class_row(Hearing)) as cursor:
        return cursor.execute(_HEARING).fetchall()


def refused(connection: Connection) -> list[Refused]:
    """Each partition in which a consumer has refused records since somebody looked at them."""
    with connection.cursor(row_factory=class_row(Refused)) as cursor:
        return cursor.execute(_REFUSED).fetchall()


def forget_refused(connection: Connection, consumer: str) -> int:
    """Somebody has looked: count anew; in how many partitions there were any."""
    return connection.execute(_FORGET_REFUSED, {"consumer": consumer}).rowcount


def ensure(connection: Connection, consumer: str, topic: str, partitions: int) -> int:
    """Make the rows of a topic's partitions, and return how many there are now: more, if it once had more."""
    bound = {"consumer": consumer, "topic": topic, "partitions": partitions}
    [[before]] = connection.execute(_COUNT, bound).fetchall()
    if before == 0:
        connection.execute(_ENSURE, bound)
        return partitions
    return int(before)


def claim(
    connection: Connection, consumer: str, topics: Sequence[str], instance: UUID, seconds: float
) -> list[PartitionCheckpoint]:
    """Claim what is free, and again what is ours already; all that is ours now."""
    bound = {"consumer": consumer, "topics": list(topics), "instance": instance, "seconds": seconds}
    with connection.cursor(row_factory=class_row(PartitionCheckpoint)) as cursor:
        return cursor.execute(_CLAIM, bound).fetchall()


def others(connection: Connection, consumer: str, topics: Sequence[str]) -> list[str]:
    """Further topics that the consumer has read."""
    bound = {"consumer": consumer, "topics": list(topics)}
    return [topic for (topic,) in connection.execute(_OTHERS, bound)]


def unclaim(connection: Connection, consumer: str, instance: UUID) -> None:
    """Leave everything to others."""
    connection.execute(_UNCLAIM, {"consumer": consumer, "instance": instance})


def move(connection: Connection, before: PartitionCheckpoint, after: PartitionCheckpoint) -> bool:
    """Go on, in the caller's transaction; False: somebody else has."""
    bound = {**asdict(after), "from_offset": before.next_offset}
    return connection.execute(_MOVE, bound).rowcount == 1


def lock(connection: Connection, consumer: str, topic: str, partition: int) -> None:
    """Until the caller's transaction ends, nobody takes records of this partition in."""
    connection.execute(_LOCK, {"consumer": consumer, "topic": topic, "partition": partition})
