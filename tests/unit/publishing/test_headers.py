"""Headers encoded at once are those that kafka-python would have written one by one."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from publishing.headers import CONTENT, Headers, encoded, plain

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=70)
LONG = st.integers(0, 9000).map(lambda length: b"x" * length)


def written(headers: Headers) -> bytes:
    """A batch of one record with these headers, as kafka-python writes it."""
    builder = DefaultRecordBatchBuilder(2, 0, False, 1, 0, 0, 10**6)
    builder.append(0, 1_000, b"key", b"value", headers)
    build: Callable[[], bytearray] = builder.build
    return bytes(build())


@given(st.lists(st.tuples(NAMES, st.binary(max_size=200) | LONG), max_size=20))
def test_the_bytes_and_the_pairs_are_the_same(others: Headers) -> None:
    headers = [CONTENT, *others]
    assert written(encoded(headers)) == written(headers)
    assert plain(encoded(headers)) == headers
    [record] = DefaultRecordBatch(bytearray(written(encoded(headers))))
    assert record.headers == headers


def test_encoding_twice_changes_nothing() -> None:
    once = encoded([CONTENT, ("pos", b"7")])
    assert encoded(once) is once
