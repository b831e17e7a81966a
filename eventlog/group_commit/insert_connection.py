"""A connection whose inserts an asyncio event loop waits for."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from eventlog.group_commit.loop_connection import LoopConnection
from eventlog.postgres.inserting import INSERTS, insert_of
from eventlog.records import StoredEvent

STATEMENTS: Final[Mapping[str, str]] = {insert.name: insert.statement for insert in INSERTS}
"""What is to be prepared on the connection."""


class InsertConnection(LoopConnection):
    """Runs one insert at a time in the event loop that made it, and none after `is_lost`."""

    async def insert(self, appends: Iterable[Sequence[StoredEvent]]) -> list[tuple[str, int, int]]:
        """Insert the rows of appends to different accounts; return account, version and position of the
        winners.

        Raises StatementFailed.
        """
        insert, arguments = insert_of(appends)
        result = await self.run(insert.name.encode(), arguments)
        value = result.get_value
        return [
            (str(value(nth, 0) or b"", "utf-8"), _number(value(nth, 1)), _number(value(nth, 2)))
            for nth in range(result.ntuples)
        ]


def _number(value: bytes | None) -> int:
    assert value is not None
    return int.from_bytes(value, "big")
