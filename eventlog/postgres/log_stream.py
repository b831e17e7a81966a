"""The whole log in order, for who reads much of it: streamed, a block at a time, column by column.

    for block in log.in_order(after=0):
        events = codec.decode_all(block.kinds, block.states)

While a block is used, the server makes the next ones and the network holds them, so the reader seldom waits,
and memory holds a block. What only the chain needs is left out: `read_settled` has all columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Final

import msgspec

from eventlog.codec import KIND
from eventlog.postgres.connect import Connection
from eventlog.postgres.fence import page_of

BLOCK: Final = 100
"""Events in a block: what of them is decoded at once stays in a core's cache."""

_COLUMNS: Final = f"position, account_id, version, {KIND}, state, recorded_at"


class LogChunk(msgspec.Struct, frozen=True, gc=False):
    """Events that follow each other in the log, column by column; never empty. `kinds`: as `Codec.decode_all`
    takes them."""

    positions: tuple[int, ...]
    account_ids: tuple[str, ...]
    versions: tuple[int, ...]
    kinds: str
    states: tuple[bytes, ...]
    recorded_at: tuple[datetime, ...]

    def __len__(self) -> int:
        return len(self.positions)


def blocks(connection: Connection, after: int, until: int, shards: range, *, page: int) -> Iterator[LogChunk]:
    """The events above `after`, up to and including `until`, before which all are settled.

    `page` to a statement: for so long the server keeps a snapshot while a slow reader is at it.
    """
    statement = page_of(shards, _COLUMNS)
    bound = {"until": until, "limit": page, "first": shards[0], "last": shards[-1]}
    with connection.cursor(binary=True) as cursor:
        while True:
            read = 0
            rows = cursor.stream(statement, bound | {"after": after}, size=BLOCK)
            while some := list(islice(rows, BLOCK)):
                positions, account_ids, versions, kinds, *others = zip(*some, strict=True)
                block = LogChunk(positions, account_ids, versions, ",".join(kinds), *others)
                yield block
                read, after = read + len(block), block.positions[-1]
            if read < page:
                return
