"""Everything of kafka-python that is not its public interface: the one module that touches it.

    batch, future = batch_of(("billing.events.v1", 3), written, producer_config(producer))
    hand_over(producer, [(batch, future)])      # between begin_transaction and commit_transaction
    refuse_commit(producer, error)              # of the open transaction
    force_close(producer)                       # where `close` ran out of time
    read_at_once(consumer)                      # sooner than the client, and whatever the headers
    topic_id(consumer, "billing.events.v1")

These parts have changed from release to release, so one version is pinned. The check below runs when this
module is imported: with another version, or without a part that is used here, nothing starts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias
from uuid import UUID

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.cluster import ClusterMetadata
from kafka.consumer.fetcher import ConsumerRecord, Fetcher
from kafka.errors import KafkaError
from kafka.producer.future import FutureRecordMetadata
from kafka.producer.producer_batch import ProducerBatch
from kafka.producer.record_accumulator import RecordAccumulator
from kafka.producer.sender import Sender
from kafka.producer.transaction_manager import TransactionManager
from kafka.record.default_records import DefaultRecord, DefaultRecordBatch, DefaultRecordBatchBuilder
from kafka.record.memory_records import MemoryRecordsBuilder
from kafka.version import __version__

from publishing.errors import KafkaClientChanged
from publishing.wire import read_record

Batch: TypeAlias = tuple[Any, FutureRecordMetadata]
"""A ProducerBatch, and its one future, that of its first record."""

PINNED: Final = "3.0.12"
"""The release whose insides these are. To raise it: `pyproject.toml`, this line, and the tests that compare
what is made here with what the client makes (`tests/unit/publishing/test_kafka_internals.py`)."""

_FORMAT: Final = 2
BEFORE_THE_RECORDS: Final[int] = DefaultRecordBatchBuilder.HEADER_STRUCT.size
"""Bytes of a batch before its first record."""

_METHODS: Final[tuple[tuple[Any, tuple[str, ...]], ...]] = (
    (ClusterMetadata, ("topic_id",)),
    (DefaultRecordBatch, ("_maybe_uncompress", "_read_msg")),
    (Fetcher, ("PartitionRecords",)),
    (Fetcher.PartitionRecords, ("_unpack_records",)),
    (RecordAccumulator, ("_tp_lock",)),
    (Sender, ("force_close", "wakeup")),
    (TransactionManager, ("maybe_add_partition_to_transaction", "transition_to_abortable_error")),
)
_ATTRIBUTES: Final[tuple[tuple[Any, tuple[str, ...]], ...]] = (
    (DefaultRecordBatch, ("_buffer", "_pos")),
    (
        DefaultRecordBatchBuilder,
        ("_buffer", "_first_timestamp", "_max_timestamp", "_num_records", "_last_offset"),
    ),
    (KafkaConsumer, ("_client", "_fetcher")),
    (KafkaProducer, ("_accumulator", "_sender", "_transaction_manager")),
    (MemoryRecordsBuilder, ("_builder", "_next_offset")),
    (ProducerBatch, ("max_record_size", "produce_future", "_record_futures")),
    (RecordAccumulator, ("config", "_appends_in_progress", "_batches", "_closed", "_incomplete")),
)


def check(version: str = __version__) -> None:
    """Raise KafkaClientChanged unless the client is the pinned release and has every part used here."""
    missing = [
        f"{of.__name__}.{name}" for of, names in _METHODS for name in names if not hasattr(of, name)
    ] + [
        f"{of.__name__}.{name}"
        for of, names in _ATTRIBUTES
        for name in names
        if name not in of.__init__.__code__.co_names
    ]
    if version != PINNED or missing:
        raise KafkaClientChanged(PINNED, version, missing)


check()


def producer_config(producer: KafkaProducer) -> Mapping[str, Any]:
    """The settings that its batches are made with: `batch_size`, `compression_attrs`."""
    config: Mapping[str, Any] = vars(producer)["_accumulator"].config
    return config


def batch_of(
    partition: tuple[str, int], written: Sequence[bytes], config: Mapping[str, Any], now: float, at: int
) -> Batch:
    """A batch of records that are encoded already. `now`: of the monotonic clock; `at`: its time, in ms."""
    builder: Any = MemoryRecordsBuilder(_FORMAT, config["compression_attrs"], config["batch_size"])
    inside = builder._builder
    inside._buffer += b"".join(written)
    inside._first_timestamp = inside._max_timestamp = at
    inside._num_records, inside._last_offset = len(written), len(written) - 1
    builder._next_offset = len(written)
    batch: Any = ProducerBatch(TopicPartition(*partition), builder, now=now)
    batch.max_record_size = max(map(len, written))
    future = FutureRecordMetadata(batch.produce_future, 0, at, None, -1, -1, -1)
    batch._record_futures.append(future)
    return batch, future


def hand_over(producer: KafkaProducer, batches: Sequence[Batch]) -> None:
    """Put the batches behind those that the producer has, as part of its open transaction."""
    insides = vars(producer)
    accumulator, sender = insides["_accumulator"], insides["_sender"]
    for partition in dict.fromkeys(batch.topic_partition for batch, _ in batches):
        producer.partitions_for(partition.topic)  # waits for the topic's metadata
        insides["_transaction_manager"].maybe_add_partition_to_transaction(partition)
    for batch, future in batches:
        # A refused batch gives up those behind it, and the sender then sleeps on: the commit would hang.
        _ = future.add_errback(lambda _: sender.wakeup())
        _enqueue(accumulator, batch)
    sender.wakeup()


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


def refuse_commit(producer: KafkaProducer, error: KafkaError) -> None:
    """Let the commit of the open transaction fail, also one that waits for the last records."""
    vars(producer)["_transaction_manager"].transition_to_abortable_error(error)


def force_close(producer: KafkaProducer) -> None:
    """End the producer's thread, which would try for ever to send what it has."""
    vars(producer)["_sender"].force_close()


def topic_id(consumer: KafkaConsumer, topic: str) -> UUID | None:
    """The broker's id of the topic, as the last metadata said."""
    found: UUID | None = vars(consumer)["_client"].cluster.topic_id(topic)
    return found


def read_at_once(consumer: KafkaConsumer) -> None:
    """Let this consumer's records be decoded by `publishing.wire`. Before it is asked for any.

    The client gives up a whole partition, for ever, at a header whose name is not UTF-8; anybody who can
    write to the topic can send one.
    """
    vars(consumer)["_fetcher"].PartitionRecords = PartitionRecords


class PartitionRecords(Fetcher.PartitionRecords):
    """What came of a partition: the client's own, but for the decoding of records."""

    def _unpack_records(self, partition: Any, records: Any, *deserializers: Any) -> Iterator[ConsumerRecord]:
        inside: Any = super()
        yield from inside._unpack_records(partition, _Batches(records), *deserializers)


class _Batches:
    """The batches of a response, each with a quicker way to its records."""

    def __init__(self, records: Any) -> None:
        self._records = records

    def next_batch(self) -> Any:
        batch = self._records.next_batch()
        if type(batch) is DefaultRecordBatch and not batch.is_control_batch:
            batch.__class__ = _Batch
        return batch


class _Batch(DefaultRecordBatch):
    """A batch of records of message format 2."""

    __slots__ = ()
    _buffer: bytes
    _pos: int

    def _maybe_uncompress(self) -> None:
        inside: Any = super()
        inside._maybe_uncompress()
        self._buffer = bytes(self._buffer)  # whose slices need no copy to be bytes

    def _read_msg(self) -> DefaultRecord:
        length, delay, nth, key, value, headers, self._pos = read_record(self._buffer, self._pos)
        kind = self.timestamp_type
        timestamp = self.max_timestamp if kind == self.LOG_APPEND_TIME else self.first_timestamp + delay
        return DefaultRecord(length, self.base_offset + nth, timestamp, kind, key, value, headers)
