"""A connection whose inserts an asyncio event loop waits for."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from psycopg.pq.abc import PGresult

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
        return list(map(_row, [result] * result.ntuples, range(result.ntuples)))


def _row(result: PGresult, nth: int) -> tuple[str, int, int]:
    account_id, version, position = (result.get_value(nth, column) or b"" for column in range(3))
    return account_id.decode(), int.from_bytes(version, "big"), int.from_bytes(position, "big")
