"""An attacker who may write to the topics with a plain producer, without transaction, lease or log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

import msgspec
from kafka import KafkaProducer

from projections.models.access_windows import FOLD
from publishing.clients import CLIENT, Broker, to
from publishing.envelope import (
    Heartbeat,
    PublishedState,
    Record,
    heartbeat_record,
    state_record,
)
from publishing.topics import Topic

FAR: Final = 1 << 60
"""A position that no log reaches."""


class Attacker:
    """Sends any records to the topics."""

    def __init__(self, producer: KafkaProducer) -> None:
        self._producer = producer

    def send(self, *records: Record) -> None:
        """Send records that look like a relay's."""
        for record in records:
            self.send_raw(record.topic, record.partition, record.key, record.value, record.pairs)

    def send_raw(
        self,
        topic: str,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, bytes]],
    ) -> None:
        """Send records of any content."""
        sent = self._producer.send(topic, value, key, headers, partition)
        self._producer.flush()
        assert sent.succeeded(), sent.exception


@contextmanager
def attacking(bootstrap: Broker) -> Iterator[Attacker]:
    """An attacker, until the end of the block."""
    producer = KafkaProducer(**to(bootstrap), acks="all", **CLIENT)
    try:
        yield Attacker(producer)
    finally:
        producer.close(timeout=5)


def forged_windows(
    topic: Topic, log_id: UUID, account: str, revision: int, product: str, *, whole: bool = True
) -> Record:
    """A state that grants an account a product for ever; unless `whole`, no handler can read it."""
    windows = [{"from": "2020-01-01T00:00:00Z", "until": None}]
    shown = {"product": product, "renews": False, "windows": windows}
    document = {"account": account, "products": [shown], "revision": revision, "fold": FOLD.version}
    document["clock"] = "wall"
    if whole:
        document |= {"version": 1, "time_zone": "UTC"}
    value = msgspec.json.encode(document)
    state = PublishedState(log_id, "access_windows", account, FOLD.version, revision, value, clock="wall")
    return state_record(topic, account, state, topic.partition_of(account), datetime.now(UTC))


def forged_heartbeat(topic: Topic, log_id: UUID, partition: int, position: int, log_time: datetime) -> Record:
    """A heartbeat that names a position that was never published."""
    return heartbeat_record(topic, partition, Heartbeat(log_id, position, log_time))


def strays(
    topic: Topic, account: str, log_id: UUID
) -> dict[str, tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]]:
    """Description → records that somebody sends by mistake, or to do harm."""
    key = account.encode()
    source, other = f"urn:uuid:{log_id}".encode(), f"urn:uuid:{uuid4()}".encode()
    kind = b"plan_purchased" if topic.kind == "events" else b"access_windows"
    chained = [
        ("ce_type", kind),
        ("ce_source", source),
        ("ce_subject", key),
        ("pos", b"%d" % FAR),
        ("prev", b"0"),
    ]
    return {
        "no headers": (key, b"hello", []),
        "a tombstone": (key, None, []),
        "a tombstone with a type": (key, None, [("ce_type", kind), ("ce_source", source)]),
        "a key that is not UTF-8": (b"\xff\xfe", b"{}", [("ce_type", kind), ("ce_source", source)]),
        "thousands of headers": (key, b"{}", [("ce_type", kind)] + [("x", b"y")] * 4000),
        "a huge header": (key, b"{}", [("ce_type", kind), ("pos", b"9" * 200_000)]),
        "headers twice": (key, b"{}", [*chained, *chained]),
        "a header that is not UTF-8": (key, b"{}", [("ce_type", kind), ("ce_subject", b"\xff")]),
        "another log": (key, b"{}", [("ce_type", kind), ("ce_source", other), ("ce_subject", key)]),
        "a far position": (key, b"{}", chained),
        "half a heartbeat": (
            b"\0heartbeat",
            b"{",
            [("ce_type", b"prorata.heartbeat"), ("ce_source", source)],
        ),
    }
