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
    """How far a consumer is in a partition, and what it knows from the records before `next_offset`."""

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

    @property
    def heard_of(self) -> int:
        """The highest position that an event or a heartbeat has named."""
        return max(self.last_position, self.heartbeat_position or 0)


@dataclass(frozen=True)
class Hearing:
    """What a consumer has heard of its topics: the oldest of its partitions' last heartbeats (None: not of
    every one yet), the last position that one of them named, and how many records it passed over, since their
    type was unknown to its code."""

    consumer: str
    heartbeat_at: datetime | None
    position: int | None
    skipped: int


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
        topic_id = %(topic_id)s, last_offset = %(last_offset)s, last_hash = %(last_hash)s
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


_HEARING: Final = """
    select consumer, case when bool_and(heartbeat_at is not null) then min(heartbeat_at) end as heartbeat_at,
        max(greatest(heartbeat_position, last_position)) as position, sum(skipped)::bigint as skipped
    from consumers.partitions group by consumer order by consumer
"""


def hearing(connection: Connection) -> list[Hearing]:
    """Heartbeat age, last known position and records passed over, of each consumer."""
    with connection.cursor(row_factory=class_row(Hearing)) as cursor:
        return cursor.execute(_HEARING).fetchall()


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
