"""A connection whose statements an asyncio event loop waits for.

It runs libpq itself (`psycopg.pq`): an AsyncConnection takes twice as long over a statement, which every
append and every read in it waits for.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import psycopg
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult

from eventlog.postgres.connect import Connection

SETTINGS: Final[Mapping[str, str]] = {"plan_cache_mode": "force_generic_plan"}
"""Of its session: arrays of any length want the same plan."""

_FORMATS: Final = [[Format.BINARY] * count for count in range(10)]


class StatementFailed(Exception):  # noqa: N818
    """The statement was refused or its answer was lost: its fate must be looked up."""


class LoopConnection:
    """Runs one prepared statement at a time in the event loop that made it, and none after `is_lost`."""

    def __init__(self, connection: Connection) -> None:
        """Take over a connection that `prepared` has set up; nobody else uses it from now on."""
        self._connection = connection
        self._pgconn = connection.pgconn
        self._socket = connection.pgconn.socket
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[list[PGresult]] | None = None
        self._results: list[PGresult] = []
        self._is_writing = False
        self.is_lost = False
        self._loop.add_reader(self._socket, self._read)

    async def run(self, statement: bytes, arguments: Sequence[bytes | None]) -> PGresult:
        """Run the prepared statement; arguments and rows are in the binary format.

        Raises StatementFailed.
        """
        self._answer, self._results = self._loop.create_future(), []
        try:
            formats = _FORMATS[len(arguments)]
            self._pgconn.send_query_prepared(statement, arguments, formats, Format.BINARY)
            self._write()
        except psycopg.Error as error:
            self._lose(error)
        [result] = await self._answer
        if result.status != ExecStatus.TUPLES_OK:
            raise StatementFailed(result.error_message.decode(errors="replace"))
        return result

    async def rows(self, statement: bytes, *arguments: bytes) -> list[tuple[Any, ...]]:
        """The rows that the prepared statement returns, as Python's values.

        Raises StatementFailed, and psycopg.DataError for a value that cannot be decoded.
        """
        result = await self.run(statement, arguments)
        transformer = Transformer(self._connection)
        transformer.set_pgresult(result)
        return transformer.load_rows(0, result.ntuples, tuple)

    def close(self) -> None:
        """Close the connection; a statement under way fails."""
        self._lose(StatementFailed("the connection was closed"))

    def _write(self) -> None:
        """Send what the socket takes; the event loop calls this again until all is sent."""
        try:
            all_sent = self._pgconn.flush() == 0
        except psycopg.Error as error:
            self._lose(error)
            return
        if all_sent == self._is_writing:
            if all_sent:
                self._loop.remove_writer(self._socket)
            else:
                self._loop.add_writer(self._socket, self._write)
            self._is_writing = not all_sent

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
            self._answer.set_exception(StatementFailed(str(error)))


def prepared(connection: Connection, statements: Mapping[str, str]) -> Connection:
    """Prepare the statements, by their names, on this connection. It waits for the server: call it in a
    thread."""
    try:
        for name, statement in statements.items():
            connection.execute(f"prepare {name} as {statement}")
    except BaseException:
        connection.close()
        raise
    return connection
