"""Records encoded at once are those that kafka-python would have written one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import given
from hypothesis import strategies as st
from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from publishing import wire
from publishing.wire import (
    Headers,
    ReadHeaders,
    encoded,
    plain,
    read_record,
    record_bytes,
    text,
    varint,
)

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=70)
LONG = st.integers(0, 9000).map(lambda length: b"x" * length)
BYTES = st.binary(max_size=200) | LONG
HEADERS = st.lists(st.tuples(NAMES, BYTES), max_size=80)


def written(records: Sequence[tuple[bytes, bytes, Headers]]) -> bytes:
    """The records of a batch, as kafka-python writes them."""
    builder = DefaultRecordBatchBuilder(2, 0, False, 1, 0, 0, 10**7)
    for nth, (key, value, headers) in enumerate(records):
        builder.append(nth, 1_000, key, value, headers)
    build: Callable[[], bytearray] = builder.build
    return bytes(build()[DefaultRecordBatch.HEADER_STRUCT.size :])


@given(st.lists(st.tuples(BYTES, BYTES, HEADERS), min_size=1, max_size=4))
def test_the_bytes_are_the_same(records: list[tuple[bytes, bytes, Headers]]) -> None:
    ours = [
        record_bytes(nth, key, value, encoded(headers)) for nth, (key, value, headers) in enumerate(records)
    ]
    assert b"".join(ours) == written(records)


def test_so_they_are_far_into_a_batch() -> None:
    records: list[tuple[bytes, bytes, Headers]] = [(b"key", b"value", [])] * 20_000
    assert b"".join(record_bytes(nth, b"key", b"value", encoded([])) for nth in range(20_000)) == written(
        records
    )


@given(HEADERS)
def test_headers_are_read_as_they_were_written(headers: Headers) -> None:
    assert plain(encoded(headers)) == headers


def read(headers: bytes) -> ReadHeaders:
    """The headers of a record, as a consumer reads them."""
    return read_record(record_bytes(0, b"key", b"value", headers), 0)[5]


@given(HEADERS, st.data())
def test_headers_are_read_alike_whether_others_of_their_shape_were_met_or_not(
    headers: Headers, data: st.DataObject
) -> None:
    alike = [
        (name, data.draw(st.binary(min_size=len(v), max_size=len(v)))) for name, v in headers if len(v) < 99
    ]
    shuffled = data.draw(st.permutations(alike))
    for each in (headers, alike, shuffled, alike, headers):
        assert read(encoded(each)) == each


def test_headers_of_one_length_and_many_shapes_are_told_apart() -> None:
    for nth in range(99):
        headers = [(f"{nth:03}", b"a" * (nth + 1)), ("n", b"b" * (99 - nth)), ("é", b"")]
        assert read(encoded(headers)) == headers
        no_value = b"\x02" + text(b"n") + b"\x01"
        assert read(no_value) == [("n", None)]


def test_a_length_that_is_written_in_more_bytes_than_it_needs_is_read() -> None:
    usual, wordy = encoded([("nn", b"xy")]), b"\x02\x04nn\x82\x00x"
    assert len(usual) == len(wordy)
    for _ in range(2):
        assert read(usual) == [("nn", b"xy")]
        assert read(wordy) == [("nn", b"x")]


def test_little_is_remembered_of_what_anybody_may_have_written() -> None:
    for size in range(6_000):
        read(encoded([("n" * (size % 7), b"v" * size)]))
        read(encoded([("m" * (size % 7), b"v" * size)]))
    assert sum(map(len, vars(wire)["_shapes"].values())) <= 2_048


@given(st.integers(0, 2**31 - 1))
def test_a_length_is_written_as_the_client_reads_it(length: int) -> None:
    from kafka.record.util import decode_varint

    assert decode_varint(varint(length)) == (length, len(varint(length)))
