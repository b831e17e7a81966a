"""Kafka's own encoding of records (message format 2), made at once: record by record and header by header it
costs kafka-python more than all the rest, and a relay twice the time.

    headers = encoded([CONTENT, ("pos", b"42")])
    plain(headers)[1]                       # ("pos", b"42")
    record_bytes(0, key, value, headers)    # the first of a batch
    read_record(batch, at)                  # what a consumer gets, whoever wrote it
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, TypeAlias

from kafka.record.util import decode_varint

Headers: TypeAlias = list[tuple[str, bytes]]

ReadHeaders: TypeAlias = list[tuple[str, bytes | None]]
"""Of a record that anybody may have written: a header may have no value."""

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
    """The bytes, length-prefixed."""
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


_MORE_OR_NEGATIVE: Final = 0x81
"""The bits of a number's first byte that are clear where it is the only one, and not negative."""


def read_record(buffer: bytes, at: int) -> tuple[int, int, int, bytes | None, bytes | None, ReadHeaders, int]:
    """The record that begins there: its length, milliseconds after the batch's time, number in the batch,
    key, value and headers, and where the next one begins.

    Bytes of a header's name that are not UTF-8 become escapes. Raises ValueError or IndexError for
    what is no record.
    """
    length, at = decode_varint(buffer, at)
    end = at + length
    _, at = decode_varint(buffer, at)  # attributes, of which there are none
    delay, at = decode_varint(buffer, at)
    nth, at = decode_varint(buffer, at)
    key, at = _bytes(buffer, at)
    value, at = _bytes(buffer, at)
    headers, at = _headers(buffer, at)
    if at != end:
        raise ValueError(f"{length} bytes that end at byte {at - end + length}")
    return length, delay, nth, key, value, headers, at


def _headers(buffer: bytes, at: int) -> tuple[ReadHeaders, int]:
    count, at = decode_varint(buffer, at)
    if count < 0:
        raise ValueError(f"{count} headers")
    headers: ReadHeaders = []
    for _ in range(count):
        size = buffer[at]
        if size & _MORE_OR_NEGATIVE:
            size, begin = decode_varint(buffer, at)
            if size < 0:
                raise ValueError(f"a header's name of {size} bytes")
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
    return content.decode(errors="backslashreplace")
