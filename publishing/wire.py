"""Kafka's own encoding of records (message format 2), made at once: record by record and header by header it
costs kafka-python more than all the rest, and a relay twice the time.

    headers = encoded([CONTENT, ("pos", b"42")])
    plain(headers)[1]                       # ("pos", b"42")
    record_bytes(0, key, value, headers)    # the first of a batch
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, TypeAlias

Headers: TypeAlias = list[tuple[str, bytes]]

_NO_FLAGS_NO_DELAY: Final = b"\0\0"
"""Attributes, and the time since the batch's."""


@lru_cache(maxsize=16384)
def varint(number: int) -> bytes:
    """Of a number that is not negative: zigzag, then seven bits a byte, the lowest first, each but the last
    with the eighth bit set."""
    left, written = number << 1, bytearray()
    while left > 0x7F:
        written.append(left & 0x7F | 0x80)
        left >>= 7
    written.append(left)
    return bytes(written)


def text(content: bytes) -> bytes:
    """It behind its length."""
    return varint(len(content)) + content


def encoded(headers: Headers) -> bytes:
    """How many headers there are, and each one."""
    pieces = [varint(len(headers))]
    for name, value in headers:
        pieces += (text(name.encode()), text(value))
    return b"".join(pieces)


def plain(headers: bytes) -> Headers:
    """The headers one by one."""
    count, at = _number(headers, 0)
    pairs: Headers = []
    for _ in range(count):
        name, at = _text(headers, at)
        value, at = _text(headers, at)
        pairs.append((name.decode(), value))
    return pairs


def record_bytes(nth: int, key: bytes, value: bytes, headers: bytes) -> bytes:
    """The record that stands at `nth`, from 0, in a batch all of whose records have the batch's time."""
    body = b"".join(
        (_NO_FLAGS_NO_DELAY, varint(nth), varint(len(key)), key, varint(len(value)), value, headers)
    )
    return varint(len(body)) + body


def _text(whole: bytes, at: int) -> tuple[bytes, int]:
    length, at = _number(whole, at)
    return whole[at : at + length], at + length


def _number(whole: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        number |= (whole[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if whole[at - 1] < 0x80:
            return number >> 1, at
