"""Records for kafka-python's consumer, decoded at once: a record has up to seventeen headers, and the client
reads each number before and in them by a call of its own, which is a third of what a consumer costs.

    kafka = KafkaConsumer(…)
    read_at_once(kafka)                 # it returns what it returned before, sooner

Everything else stays the client's: fetching, checksums, compression, transactions, what was aborted.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from kafka import KafkaConsumer
from kafka.consumer.fetcher import ConsumerRecord, Fetcher
from kafka.errors import CorruptRecordError
from kafka.record.default_records import DefaultRecord, DefaultRecordBatch
from kafka.record.util import decode_varint

_MORE_OR_NEGATIVE: Final = 0x81
"""The bits of a number's first byte that are clear where it is the only one, and not negative."""


def read_at_once(kafka: KafkaConsumer) -> None:
    """Let this consumer decode its records so. Before it is asked for any."""
    vars(kafka)["_fetcher"].PartitionRecords = _PartitionRecords


class _PartitionRecords(Fetcher.PartitionRecords):
    """What came of a partition: the client's own, but for the decoding of records."""

    def _unpack_records(self, place: Any, records: Any, *deserializers: Any) -> Iterator[ConsumerRecord]:
        inside: Any = super()
        yield from inside._unpack_records(place, _Batches(records), *deserializers)


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
        buffer = self._buffer
        length, at = decode_varint(buffer, self._pos)
        end = at + length
        _, at = decode_varint(buffer, at)  # attributes, of which there are none
        delay, at = decode_varint(buffer, at)
        nth, at = decode_varint(buffer, at)
        key, at = _bytes(buffer, at)
        value, at = _bytes(buffer, at)
        headers, at = _headers(buffer, at)
        if at != end:
            raise CorruptRecordError(f"a record of {length} bytes ends at its byte {at - end + length}")
        self._pos = at
        kind = self.timestamp_type
        timestamp = self.max_timestamp if kind == self.LOG_APPEND_TIME else self.first_timestamp + delay
        return DefaultRecord(length, self.base_offset + nth, timestamp, kind, key, value, headers)


def _headers(buffer: bytes, at: int) -> tuple[list[tuple[str, bytes | None]], int]:
    count, at = decode_varint(buffer, at)
    if count < 0:
        raise CorruptRecordError(f"a record with {count} headers")
    headers: list[tuple[str, bytes | None]] = []
    for _ in range(count):
        size = buffer[at]
        if size & _MORE_OR_NEGATIVE:
            size, begin = decode_varint(buffer, at)
            if size < 0:
                raise CorruptRecordError(f"a header's name of {size} bytes")
        else:
            size, begin = size >> 1, at + 1
        at = begin + size
        name = _name(buffer[begin:at])
        size = buffer[at]
        if size & _MORE_OR_NEGATIVE:
            size, begin = decode_varint(buffer, at)
            if size < 0:
                headers.append((name, None))
                at = begin
                continue
        else:
            size, begin = size >> 1, at + 1
        at = begin + size
        headers.append((name, buffer[begin:at]))
    return headers, at


def _bytes(buffer: bytes, at: int) -> tuple[bytes | None, int]:
    size, at = decode_varint(buffer, at)
    return (None, at) if size < 0 else (buffer[at : at + size], at + size)


@lru_cache(maxsize=1024)
def _name(content: bytes) -> str:
    return content.decode()
