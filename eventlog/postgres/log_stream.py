"""Stream the log in order, in blocks of events, for readers of much of it.

    for block in log.in_order(after=0):
        events = codec.decode_all(block.kinds, block.states)

The server makes the next blocks while one is used, so the reader seldom waits, and memory holds one block.
Columns that only the hash chain needs are left out; `read_settled` has all.
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
"""Events in a block: few enough that those decoded together stay in a core's cache."""

_COLUMNS: Final = f"position, account_id, version, {KIND}, state, recorded_at"


class LogChunk(msgspec.Struct, frozen=True, gc=False):
    """One or more consecutive events, column by column. `kinds`: as `Codec.decode_all` takes them."""

    positions: tuple[int, ...]
    account_ids: tuple[str, ...]
    versions: tuple[int, ...]
    kinds: str
    states: tuple[bytes, ...]
    recorded_at: tuple[datetime, ...]

    def __len__(self) -> int:
        return len(self.positions)


def blocks(connection: Connection, after: int, until: int, shards: range, *, page: int) -> Iterator[LogChunk]:
    """Yield the shards' events above `after` and up to `until` (inclusive), which is settled.

    `page`: events to a statement, during which the server keeps a snapshot for the reader.
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
