"""Read topics with a client that shares no code with Prorata: confluent-kafka, read_committed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final
from uuid import uuid4

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from publishing.clients import Broker

_HEARTBEAT: Final = b"prorata.heartbeat"
_POLL_SECONDS: Final = 10.0


class Published(msgspec.Struct, frozen=True):
    """An event of a topic; `previous`: the position of the event before it in its partition."""

    account_id: str
    version: int
    position: int
    previous: int
    state: bytes
    hash: str


def events(bootstrap: Broker, topic: str) -> dict[int, list[Published]]:
    """Partition → its events in order."""
    found: dict[int, list[Published]] = {}
    for record, headers in _records(bootstrap, topic):
        key, value = _content(record)
        event = Published(
            key,
            int(headers["version"]),
            int(headers["pos"]),
            int(headers["prev"]),
            value,
            headers["hash"].decode(),
        )
        found.setdefault(record.partition() or 0, []).append(event)
    return found


def states(bootstrap: Broker, topic: str) -> dict[str, bytes]:
    """Key → its newest state."""
    return dict(_content(record) for record, _ in _records(bootstrap, topic))


def _content(record: Message) -> tuple[str, bytes]:
    key, value = record.key(), record.value()
    assert key is not None
    assert value is not None
    return bytes(key).decode(), bytes(value)


def _records(bootstrap: Broker, topic: str) -> Iterator[tuple[Message, dict[str, bytes]]]:
    """All committed records except heartbeats, up to each partition's present end."""
    reader = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": str(uuid4()),
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "enable.partition.eof": True,
        }
    )
    try:
        partitions = reader.list_topics(topic, timeout=_POLL_SECONDS).topics[topic].partitions
        reader.assign([TopicPartition(topic, nth, OFFSET_BEGINNING) for nth in partitions])
        yield from _until_ends(reader, partitions)
    finally:
        reader.close()


def _until_ends(reader: Consumer, partitions: Iterable[int]) -> Iterator[tuple[Message, dict[str, bytes]]]:
    left = set(partitions)
    while left:
        record = reader.poll(_POLL_SECONDS)
        if record is None:
            raise TimeoutError(f"partitions {sorted(left)} give no records and do not end")
        if (error := record.error()) is not None:
            if error.name() != "_PARTITION_EOF":
                raise RuntimeError(str(error))
            left.discard(record.partition() or 0)
            continue
        headers: dict[str, bytes] = dict(record.headers())  # type: ignore[arg-type]
        if headers["ce_type"] != _HEARTBEAT:
            yield record, headers
