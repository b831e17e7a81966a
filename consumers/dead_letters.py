"""Records that could not be handled. A key is parked as a whole: what comes later waits behind, in order.

for letter in parked(connection, "entitlement_cache"):
    letter.error, letter.key
release(connection, handler, topic, letters[0].key)     # once the cause is gone
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from psycopg.rows import class_row

if TYPE_CHECKING:
    from kafka.consumer.fetcher import ConsumerRecord

    from consumers.batches import Letter
    from consumers.checkpoints import Connection


@dataclass(frozen=True)
class DeadLetter:
    """A parked record, as it was read. `error` None: it waits behind an earlier one of its key."""

    consumer: str
    topic: str
    partition: int
    record_offset: int
    key: bytes
    value: bytes | None
    header_names: list[str]
    header_values: list[bytes]
    sent_at: datetime
    error: str | None
    parked_at: datetime

    @property
    def record(self) -> ConsumerRecord:
        """The record again."""
        from kafka.consumer.fetcher import (
            ConsumerRecord,
        )  # who only counts what is parked needs no broker's client

        headers = list(zip(self.header_names, self.header_values, strict=True))
        sent_at = round(self.sent_at.timestamp() * 1000)
        unknown: Any = None
        return ConsumerRecord(
            topic=self.topic,
            partition=self.partition,
            leader_epoch=None,
            offset=self.record_offset,
            timestamp=sent_at,
            timestamp_type=0,
            key=self.key,
            value=self.value,
            headers=headers,
            checksum=unknown,
            serialized_key_size=len(self.key),
            serialized_value_size=-1 if self.value is None else len(self.value),
            serialized_header_size=-1,
        )


@dataclass(frozen=True)
class ParkedKey:
    """A key that a consumer has stopped at: how many records wait, since when, and what was wrong."""

    consumer: str
    topic: str
    key: bytes
    records: int
    parked_at: datetime
    error: str


_COLUMNS: Final = ", ".join(DeadLetter.__dataclass_fields__)

_ALL: Final = f"""
    select {_COLUMNS} from consumers.dead_letters where consumer = %(consumer)s
    order by topic, partition, record_offset
"""  # noqa: S608 - only constants are joined in

_KEYS: Final = """
    select consumer, topic, key, count(*) as records, min(parked_at) as parked_at,
        coalesce((array_agg(error order by record_offset) filter (where error is not null))[1], '') as error
    from consumers.dead_letters group by consumer, topic, key order by min(parked_at), consumer, key
"""

_OF_KEY: Final = f"""
    select {_COLUMNS} from consumers.dead_letters
    where consumer = %(consumer)s and topic = %(topic)s and key = %(key)s order by record_offset
"""  # noqa: S608

_PARKED_KEYS: Final = """
    select distinct key from consumers.dead_letters
    where consumer = %(consumer)s and topic = %(topic)s and key = any(%(keys)s)
"""

_PARK: Final = """
    insert into consumers.dead_letters (consumer, topic, partition, record_offset, key, value,
        header_names, header_values, sent_at, error)
    values (%(consumer)s, %(topic)s, %(partition)s, %(record_offset)s, %(key)s, %(value)s,
        %(header_names)s, %(header_values)s, %(sent_at)s, %(error)s)
"""

_REMOVE: Final = """
    delete from consumers.dead_letters
    where consumer = %(consumer)s and topic = %(topic)s and key = %(key)s
"""


def parked(connection: Connection, consumer: str) -> list[DeadLetter]:
    """All that is parked, in the order of each key's records."""
    with connection.cursor(row_factory=class_row(DeadLetter)) as cursor:
        return cursor.execute(_ALL, {"consumer": consumer}).fetchall()


def all_parked(connection: Connection) -> list[ParkedKey]:
    """Every parked key of every consumer, longest first."""
    with connection.cursor(row_factory=class_row(ParkedKey)) as cursor:
        return cursor.execute(_KEYS).fetchall()


def parked_among(connection: Connection, consumer: str, topic: str, keys: Iterable[bytes]) -> set[bytes]:
    """Of these keys, those that are parked."""
    bound = {"consumer": consumer, "topic": topic, "keys": list(set(keys))}
    return {bytes(key) for (key,) in connection.execute(_PARKED_KEYS, bound)}


def park(connection: Connection, consumer: str, letter: Letter, error: str | None) -> None:
    """Keep the record, in the caller's transaction."""
    record = letter.record
    bound = {
        "consumer": consumer,
        "topic": record.topic,
        "partition": record.partition,
        "record_offset": record.offset,
        "key": letter.key,
        "value": record.value,
        "header_names": [name.replace("\0", "\\0") for name, _ in record.headers],
        "header_values": [value for _, value in record.headers],
        "sent_at": datetime.fromtimestamp(record.timestamp / 1000, UTC),
        "error": None if error is None else error.replace("\0", "\\0")[:2000],
    }
    connection.execute(_PARK, bound)


def of_key(connection: Connection, consumer: str, topic: str, key: bytes) -> list[DeadLetter]:
    """What is parked of the key, in order."""
    with connection.cursor(row_factory=class_row(DeadLetter)) as cursor:
        return cursor.execute(_OF_KEY, {"consumer": consumer, "topic": topic, "key": key}).fetchall()


def remove(connection: Connection, consumer: str, topic: str, key: bytes) -> None:
    """Park the key no more, in the caller's transaction."""
    connection.execute(_REMOVE, {"consumer": consumer, "topic": topic, "key": key})
