"""Records encoded at once are those that kafka-python would have written one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import given
from hypothesis import strategies as st
from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from publishing.wire import Headers, encoded, plain, record_bytes, varint

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


@given(st.integers(0, 2**31 - 1))
def test_a_length_is_written_as_the_client_reads_it(length: int) -> None:
    from kafka.record.util import decode_varint

    assert decode_varint(varint(length)) == (length, len(varint(length)))
