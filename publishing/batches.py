"""Records in whole batches for kafka-python's producer: what `KafkaProducer.send` does for one record after
the other, done for all of a transaction at once, at a tenth of the time.

    sent = append_all(producer, records)    # between begin_transaction and commit_transaction

From there on they are the client's own: its sender drains, numbers, compresses, sends and retries them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from kafka import KafkaProducer, TopicPartition
from kafka.producer.future import FutureRecordMetadata
from kafka.producer.producer_batch import ProducerBatch
from kafka.record.default_records import DefaultRecordBatchBuilder
from kafka.record.memory_records import MemoryRecordsBuilder

from publishing.envelope import Record
from publishing.wire import record_bytes

Batch: TypeAlias = tuple[Any, FutureRecordMetadata]
"""A ProducerBatch, and its one future, that of its first record."""

_FORMAT: Final = 2
_BEFORE_THE_RECORDS: Final = DefaultRecordBatchBuilder.HEADER_STRUCT.size


def append_all(producer: KafkaProducer, records: Sequence[Record]) -> list[FutureRecordMetadata]:
    """Hand the records to the producer, in the order of each partition; a future for each batch of them.

    Raises TypeError for what is no record, before anything is handed over.
    """
    insides = vars(producer)
    accumulator, sender = insides["_accumulator"], insides["_sender"]
    made = batches_of(records, accumulator.config)
    for place in dict.fromkeys(batch.topic_partition for batch, _ in made):
        producer.partitions_for(place.topic)  # waits for the topic's metadata
        insides["_transaction_manager"].maybe_add_partition_to_transaction(place)
    for batch, future in made:
        # A refused batch gives up those behind it, and the sender then sleeps on: the commit would hang.
        _ = future.add_errback(lambda _: sender.wakeup())
        _enqueue(accumulator, batch)
    sender.wakeup()
    return [future for _, future in made]


def batches_of(records: Sequence[Record], config: Mapping[str, Any]) -> list[Batch]:
    """The client's own batches, partition after partition, of its `batch_size` and compression."""
    now, at = time.monotonic(), int(time.time() * 1000)
    return [
        _batch(place, written, config, now, at)
        for place, of_it in _by_place(records).items()
        for written in _cut(of_it, config["batch_size"] - _BEFORE_THE_RECORDS)
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


def _batch(
    place: tuple[str, int], written: list[bytes], config: Mapping[str, Any], now: float, at: int
) -> Batch:
    builder: Any = MemoryRecordsBuilder(_FORMAT, config["compression_attrs"], config["batch_size"])
    inside = builder._builder
    inside._buffer += b"".join(written)
    inside._first_timestamp = inside._max_timestamp = at
    inside._num_records, inside._last_offset = len(written), len(written) - 1
    builder._next_offset = len(written)
    batch: Any = ProducerBatch(TopicPartition(*place), builder, now=now)
    batch.max_record_size = max(map(len, written))
    future = FutureRecordMetadata(batch.produce_future, 0, at, None, -1, -1, -1)
    batch._record_futures.append(future)
    return batch, future


def _enqueue(accumulator: Any, batch: Any) -> None:
    """As `RecordAccumulator.append` does with a batch that it has just begun."""
    accumulator._appends_in_progress.increment()  # a producer that is closed meanwhile waits for us
    try:
        with accumulator._tp_lock(batch.topic_partition):
            if accumulator._closed:
                raise RuntimeError("the producer is closed")
            accumulator._batches[batch.topic_partition].append(batch)
            accumulator._incomplete.add(batch)
    finally:
        accumulator._appends_in_progress.decrement()
