"""A pool of connections to the log's database, each checked before its first use.

psycopg's own pool does not fit: it connects in the background, so a refused setting or a missing migration
would reach the caller as a time-out, and after a restart of the server it hands out each dead connection
once.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock
from typing import TypeVar
from uuid import UUID

import psycopg
from psycopg.types.numeric import Int8BinaryDumper

from eventlog.errors import (
    LogReplaced,
    LogUnavailable,
    NotMigrated,
    NotPrimary,
    PrivilegeMissing,
    ReadOnly,
    UnsafeDurability,
)
from eventlog.postgres.connect import NO_SETTINGS, Connection, connect
from eventlog.postgres.migrate import EVENTLOG, missing
from eventlog.postgres.positions import Positions
from eventlog.postgres.row_encoding import take_packed

T = TypeVar("T")

# Each query of the log has its index, but a plan made while the table was small would keep scanning all of
# it.
_SETTINGS = {"enable_seqscan": "off"}
# Pins the setting for this session: if the server's is turned off later, work under way stays durable.
_KEEP_DURABILITY = """
    select set_config('synchronous_commit', current_setting('synchronous_commit'), false), pg_is_in_recovery()
"""
_LOG_ID = "select id from public.log"


class Connections:
    """Up to `limit` connections, shared by threads. The constructor makes the first one and checks the
    database."""

    def __init__(self, database_url: str, name: str, *, limit: int, patience: float) -> None:
        self._database_url = database_url
        self._name = name
        self._patience = patience
        self._free = BoundedSemaphore(limit)
        self._lock = Lock()
        self._idle: list[Connection] = []
        self._closed = False
        self.positions = Positions()
        try:
            connection, self.log_id = self._connect()
        except psycopg.OperationalError as error:
            raise LogUnavailable(_first_line(error)) from error
        self._idle.append(connection)

    def run(self, work: Callable[[Connection], T]) -> T:
        """Run the work on a connection and return its result; the work must be idempotent.

        If the connection is lost, the work runs again on a new one. Raises LogUnavailable once that has
        failed for `patience` seconds; other errors pass through.
        """
        deadline = time.monotonic() + self._patience
        pause = 0.01
        while True:
            try:
                with self._connection(deadline) as connection:
                    return work(connection)
            except (_Lost, _Busy) as error:
                if time.monotonic() + pause >= deadline:
                    raise LogUnavailable(str(error)) from error.__cause__
            time.sleep(pause)
            pause = min(2 * pause, 0.5)

    def open(self, settings: Mapping[str, str]) -> Connection:
        """Open a checked connection outside the pool; the caller closes it. Raises LogUnavailable,
        LogReplaced."""
        try:
            return self._open(settings)
        except _Lost as error:
            raise LogUnavailable(str(error)) from error.__cause__

    def close(self) -> None:
        """Close idle connections now and the others when they are returned; later calls raise
        LogUnavailable."""
        self._closed = True
        self._drop_idle()

    @contextmanager
    def _connection(self, deadline: float) -> Iterator[Connection]:
        if not self._free.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise _Busy("all its connections are in use")
        try:
            connection = self._take()
            try:
                yield connection
            except psycopg.errors.InsufficientPrivilege as error:
                raise privilege_missing(connection, error) from error
            except psycopg.errors.ReadOnlySqlTransaction as error:
                raise ReadOnly from error
            except psycopg.Error as error:
                if not connection.closed:
                    raise
                self._drop_idle()  # the others have most likely been lost too
                raise _Lost(_first_line(error)) from error
            except BaseException:
                connection.close()  # interrupted: its state is unknown
                raise
            finally:
                self._give_back(connection)
        finally:
            self._free.release()

    def _take(self) -> Connection:
        if self._closed:
            raise LogUnavailable("it was closed")
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._open()

    def _open(self, settings: Mapping[str, str] = NO_SETTINGS) -> Connection:
        try:
            connection, log_id = self._connect(settings)
        except psycopg.OperationalError as error:
            raise _Lost(_first_line(error)) from error
        if log_id != self.log_id:
            connection.close()
            raise LogReplaced(self.log_id, log_id)
        return connection

    def _give_back(self, connection: Connection) -> None:
        with self._lock:
            if not self._closed and not connection.closed:
                self._idle.append(connection)
                return
        connection.close()

    def _drop_idle(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _connect(self, settings: Mapping[str, str] = NO_SETTINGS) -> tuple[Connection, UUID]:
        connection = connect(
            self._database_url, self._name, reads_only=True, settings={**_SETTINGS, **settings}
        )
        try:
            log_id = _prepare(connection)
            self.positions.look(connection)
            return connection, log_id
        except psycopg.errors.InsufficientPrivilege as error:
            connection.close()
            raise privilege_missing(connection, error) from error
        except BaseException:
            connection.close()
            raise


def privilege_missing(
    connection: Connection, error: psycopg.errors.InsufficientPrivilege
) -> PrivilegeMissing:
    """The error as PrivilegeMissing, with the login's name."""
    return PrivilegeMissing(connection.info.user, _first_line(error))


def _prepare(connection: Connection) -> UUID:
    """Refuse a database that cannot hold the log safely; set the session up; return the log's id."""
    [[durability, in_recovery]] = connection.execute(_KEEP_DURABILITY).fetchall()
    if durability == "off":
        raise UnsafeDurability
    if in_recovery:
        raise NotPrimary
    lacking = missing(connection, EVENTLOG)
    if lacking:
        raise NotMigrated(lacking)
    connection.adapters.register_dumper(int, Int8BinaryDumper)
    take_packed(connection.adapters)
    [[log_id]] = connection.execute(_LOG_ID).fetchall()
    assert isinstance(log_id, UUID)
    return log_id


class _Lost(Exception):  # noqa: N818
    """A connection was lost or could not be made; a new attempt may succeed."""


class _Busy(Exception):  # noqa: N818
    """Other threads use all connections."""


def _first_line(error: psycopg.Error) -> str:
    return str(error).partition("\n")[0]
