"""Records decoded at once are what kafka-python makes of the same bytes; damaged bytes are refused alike."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import TopicPartition
from kafka.consumer.fetcher import ConsumerRecord, Fetcher
from kafka.errors import CorruptRecordError
from kafka.protocol.consumer import IsolationLevel
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder

from consumers.reading import _PartitionRecords

PLACE = TopicPartition("billing.events.v1", 3)
CLIENTS: Any = Fetcher.PartitionRecords
HEADER = 61
"""Bytes before a batch's records."""

TEXTS = st.text(max_size=6) | st.integers(60, 300).map(lambda length: "n" * length)
VALUES = st.none() | st.binary(max_size=6) | st.integers(60, 20_000).map(lambda length: b"v" * length)
RECORDS = st.lists(
    st.tuples(st.integers(0, 10**13), VALUES, VALUES, st.lists(st.tuples(TEXTS, VALUES), max_size=5)),
    min_size=1,
    max_size=8,
)


def written(records: list[Any], compression: int = 0, *, transactional: bool = False) -> bytes:
    builder: Any = MemoryRecordsBuilder(2, compression, 1 << 20)
    for at, key, value, headers in records:
        builder.append(at, key, value, headers)
    if transactional:
        builder.set_producer_state(7, 1, 0, True)
    builder.close()
    return bytes(builder.buffer())


def taken(kind: Any, content: bytes, fetch_offset: int = 0, **options: Any) -> list[ConsumerRecord]:
    found = kind(fetch_offset, PLACE, MemoryRecords(content), **options)
    return list(found.take())


@given(RECORDS, RECORDS, st.sampled_from([0, 1, 3, 4]), st.integers(0, 3))
def test_as_the_client_reads_them(first: Any, second: Any, compression: int, fetch_offset: int) -> None:
    content = written(first, compression) + written(second, compression)
    assert taken(_PartitionRecords, content, fetch_offset) == taken(CLIENTS, content, fetch_offset)


@given(RECORDS, st.booleans())
def test_what_was_aborted_is_left_out(records: Any, aborted: bool) -> None:
    class Transaction:
        producer_id, first_offset = 7, 0

    options: dict[str, Any] = {
        "isolation_level": IsolationLevel.READ_COMMITTED,
        "aborted_transactions": [Transaction] if aborted else [],
    }
    content = written(records, transactional=True)
    found = taken(_PartitionRecords, content, **options)
    assert found == taken(CLIENTS, content, **options)
    assert len(found) == (0 if aborted else len(records))


@given(RECORDS, st.data())
def test_damaged_bytes_are_refused_or_read_alike(records: Any, data: st.DataObject) -> None:
    content = bytearray(written(records))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(HEADER, len(content) - 1))] = data.draw(st.integers(0, 255))

    def outcome(kind: Any) -> Any:
        try:
            return taken(kind, bytes(content), check_crcs=False)
        except CorruptRecordError:
            return "refused"

    assert outcome(_PartitionRecords) == outcome(CLIENTS)


def test_a_checksum_that_is_wrong_is_noticed() -> None:
    content = bytearray(written([(0, b"k", b"value", [])]))
    content[-1] ^= 1
    with pytest.raises(CorruptRecordError, match="crc"):
        taken(_PartitionRecords, bytes(content))
