"""What is made of kafka-python's insides is what the client makes itself, and another release is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import TopicPartition
from kafka.consumer.fetcher import ConsumerRecord, Fetcher
from kafka.errors import CorruptRecordError
from kafka.protocol.consumer import IsolationLevel
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder

from publishing.batches import batches_of
from publishing.envelope import Record
from publishing.errors import KafkaClientChanged
from publishing.kafka_internals import PINNED, PartitionRecords, check
from publishing.wire import encoded

PLACE = TopicPartition("billing.events.v1", 3)
CLIENTS: Any = Fetcher.PartitionRecords
CONFIG = {"batch_size": 1 << 20, "compression_attrs": 0}
HEADER = 61
"""Bytes before a batch's records."""

TEXTS = st.text(max_size=6) | st.integers(60, 300).map(lambda length: "n" * length)
TAKEN = st.binary(max_size=6) | st.integers(60, 20_000).map(lambda length: b"v" * length)
VALUES = st.none() | TAKEN
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
    assert taken(PartitionRecords, content, fetch_offset) == taken(CLIENTS, content, fetch_offset)


@given(RECORDS, st.booleans())
def test_what_was_aborted_is_left_out(records: Any, aborted: bool) -> None:
    class Transaction:
        producer_id, first_offset = 7, 0

    options: dict[str, Any] = {
        "isolation_level": IsolationLevel.READ_COMMITTED,
        "aborted_transactions": [Transaction] if aborted else [],
    }
    content = written(records, transactional=True)
    found = taken(PartitionRecords, content, **options)
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

    ours, theirs = outcome(PartitionRecords), outcome(CLIENTS)
    assert ours == theirs or any("\\x" in name for record in ours for name, _ in record.headers)


def test_a_header_whose_name_is_not_utf_8_does_not_stop_the_reader() -> None:
    """The client itself refuses the partition there, at each poll anew."""
    content = written([(0, b"k", b"v", [("nn", b"x")]), (0, b"k", b"v", [])]).replace(b"nn", b"\xff\xfe")
    with pytest.raises(CorruptRecordError):
        taken(CLIENTS, content, check_crcs=False)
    first, second = taken(PartitionRecords, content, check_crcs=False)
    assert (first.headers, second.headers) == ([("\\xff\\xfe", b"x")], [])


@given(st.lists(st.tuples(st.binary(max_size=9), TAKEN), max_size=8))
def test_a_batch_of_ours_is_byte_by_byte_the_clients(records: list[tuple[bytes, bytes]]) -> None:
    headers = [("pos", b"1"), ("prev", b"0")]
    ours = batches_of([Record("a", 0, key, value, encoded(headers)) for key, value in records], CONFIG)
    for batch, _ in ours:
        at = batch.records._builder._first_timestamp
        builder: Any = MemoryRecordsBuilder(2, 0, CONFIG["batch_size"])
        for key, value in records:
            builder.append(at, key, value, headers)
        for one in (builder, batch.records):
            one.set_producer_state(7, 1, 0, True)
            one.close()
        assert bytes(batch.records.buffer()) == bytes(builder.buffer())


def test_another_release_of_the_client_is_refused_with_a_sentence() -> None:
    with pytest.raises(KafkaClientChanged, match=r"kafka-python is 3\.1\.0.*requirements\.lock") as refused:
        check("3.1.0")
    assert (refused.value.pinned, refused.value.missing) == (PINNED, ())


def test_a_part_that_is_gone_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Fetcher.PartitionRecords, "_unpack_records")
    with pytest.raises(KafkaClientChanged, match=r"lacks PartitionRecords\._unpack_records"):
        check()


def test_the_release_is_the_one_that_pyproject_names() -> None:
    assert f'"kafka-python[crc32c,lz4,zstd]=={PINNED}"' in Path("pyproject.toml").read_text()


def test_a_checksum_that_is_wrong_is_noticed() -> None:
    content = bytearray(written([(0, b"k", b"value", [])]))
    content[-1] ^= 1
    with pytest.raises(CorruptRecordError, match="crc"):
        taken(PartitionRecords, bytes(content))
