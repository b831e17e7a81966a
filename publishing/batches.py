"""Records in whole batches for kafka-python's producer: what `KafkaProducer.send` does for one record after
the other, done for all of a transaction at once, at a tenth of the time.

    sent = append_all(producer, records)    # between begin_transaction and commit_transaction

From there on they are the client's own: its sender drains, numbers, compresses, sends and retries them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kafka import KafkaProducer
from kafka.producer.future import FutureRecordMetadata

from publishing.envelope import Record
from publishing.kafka_internals import BEFORE_THE_RECORDS, Batch, batch_of, hand_over, producer_config
from publishing.wire import record_bytes


def append_all(producer: KafkaProducer, records: Sequence[Record]) -> list[FutureRecordMetadata]:
    """Hand the records to the producer, in the order of each partition; a future for each batch of them.

    Raises TypeError for what is no record, before anything is handed over.
    """
    made = batches_of(records, producer_config(producer))
    hand_over(producer, made)
    return [future for _, future in made]


def batches_of(records: Sequence[Record], config: Mapping[str, Any]) -> list[Batch]:
    """The client's own batches, partition after partition, of its `batch_size` and compression."""
    now, at = time.monotonic(), int(time.time() * 1000)
    return [
        batch_of(place, written, config, now, at)
        for place, of_it in _by_place(records).items()
        for written in _cut(of_it, config["batch_size"] - BEFORE_THE_RECORDS)
    ]


def _by_place(records: Sequence[Record]) -> dict[tuple[str, int], list[Record]]:
    places: dict[tuple[str, int], list[Record]] = {}
    for record in records:
        places.setdefault((record.topic, record.partition), []).append(record)
    return places


def _cut(records: Sequence[Record], most: int) -> Iterator[list[bytes]]:
    """The records encoded, in as few batches as so many bytes allow; a larger record has one for itself."""
    written: list[bytes] = []
    size = 0
    for _, _, key, value, headers in records:
        record = record_bytes(len(written), key, value, headers)
        if written and size + len(record) > most:
            yield written
            written, size = [], 0
            record = record_bytes(0, key, value, headers)
        written.append(record)
        size += len(record)
    yield written
