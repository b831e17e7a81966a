"""A transaction's records in batches: whole, in order, and never larger than a batch may be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from kafka.record.memory_records import MemoryRecords

from publishing.batches import batches_of
from publishing.envelope import Record
from publishing.wire import encoded

CONFIG = {"batch_size": 1_000, "compression_attrs": 0}
RECORDS = st.builds(
    Record,
    st.sampled_from(["a", "b"]),
    st.integers(0, 2),
    st.binary(max_size=20),
    st.integers(0, 1_500).map(lambda length: b"v" * length),
    st.lists(st.tuples(st.sampled_from(["pos", "prev"]), st.binary(max_size=9)), max_size=3).map(encoded),
)


@given(st.lists(RECORDS, max_size=40))
def test_every_record_is_in_a_batch_of_its_partition_in_order(records: list[Record]) -> None:
    found: dict[tuple[str, int], list[Record]] = {}
    for batch, _ in batches_of(records, CONFIG):
        batch.records.set_producer_state(7, 1, 0, True)
        batch.records.close()
        topic, partition = batch.topic_partition
        [read] = MemoryRecords(batch.records.buffer())
        held = [Record(topic, partition, bytes(r.key), bytes(r.value), encoded(r.headers)) for r in read]
        assert (read.producer_id, read.is_transactional, batch.record_count) == (7, True, len(held))
        assert batch.records.size_in_bytes() <= 1_000 or len(held) == 1
        found.setdefault((topic, partition), []).extend(held)
    expected: dict[tuple[str, int], list[Record]] = {}
    for record in records:
        expected.setdefault((record.topic, record.partition), []).append(record)
    assert found == expected
