"""A connection whose inserts an asyncio event loop waits for.

It runs libpq itself (`psycopg.pq`): an AsyncConnection takes twice as long over a statement, which every
append in it waits for.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final

import psycopg
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult

from eventlog.postgres.connect import Connection
from eventlog.postgres.inserting import INSERTS, insert_of
from eventlog.records import StoredEvent

SETTINGS: Final[Mapping[str, str]] = {"plan_cache_mode": "force_generic_plan"}
"""Of its session: arrays of any length want the same plan."""


class InsertFailed(Exception):  # noqa: N818
    """The statement was refused or its answer was lost: its fate must be looked up."""


class InsertConnection:
    """Runs one insert at a time in the event loop that made it, and none after `is_lost`."""

    def __init__(self, connection: Connection) -> None:
        """Take over a connection that `prepared` has set up; nobody else uses it from now on."""
        self._connection = connection
        self._pgconn = connection.pgconn
        self._socket = connection.pgconn.socket
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[list[PGresult]] | None = None
        self._results: list[PGresult] = []
        self.is_lost = False
        self._loop.add_reader(self._socket, self._read)

    async def insert(self, appends: Iterable[Sequence[StoredEvent]]) -> list[tuple[str, int, int]]:
        """Insert the rows of appends to different accounts; return account, version and position of the
        winners."""
        insert, arguments = insert_of(appends)
        self._answer, self._results = self._loop.create_future(), []
        try:
            formats = [Format.BINARY] * len(arguments)
            self._pgconn.send_query_prepared(insert.name.encode(), arguments, formats, Format.BINARY)
            self._write()
        except psycopg.Error as error:
            self._lose(error)
        [result] = await self._answer
        if result.status != ExecStatus.TUPLES_OK:
            raise InsertFailed(result.error_message.decode(errors="replace"))
        return list(map(_row, [result] * result.ntuples, range(result.ntuples)))

    def close(self) -> None:
        """Close the connection; an insert under way fails."""
        self._lose(InsertFailed("the connection was closed"))

    def _write(self) -> None:
        """Send what the socket takes; the event loop calls this again until all is sent."""
        try:
            all_sent = self._pgconn.flush() == 0
        except psycopg.Error as error:
            self._lose(error)
            return
        if all_sent:
            self._loop.remove_writer(self._socket)
        else:
            self._loop.add_writer(self._socket, self._write)

    def _read(self) -> None:
        try:
            self._pgconn.consume_input()
            while not self._pgconn.is_busy():
                result = self._pgconn.get_result()
                if result is None:
                    break
                self._results.append(result)
            else:
                return
        except psycopg.Error as error:
            self._lose(error)
            return
        if self._answer is not None and not self._answer.done() and self._results:
            self._answer.set_result(self._results)

    def _lose(self, error: Exception) -> None:
        if self.is_lost:
            return
        self.is_lost = True
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        with suppress(psycopg.Error):
            self._connection.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(InsertFailed(str(error)))


def prepared(connection: Connection) -> Connection:
    """Prepare the insert statements on this connection. It waits for the server: call it in a thread."""
    try:
        for insert in INSERTS:
            connection.execute(f"prepare {insert.name} as {insert.statement}")
    except BaseException:
        connection.close()
        raise
    return connection


def _row(result: PGresult, nth: int) -> tuple[str, int, int]:
    account_id, version, position = (result.get_value(nth, column) or b"" for column in range(3))
    return account_id.decode(), int.from_bytes(version, "big"), int.from_bytes(position, "big")
