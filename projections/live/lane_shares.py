"""Share the lanes out among workers on any number of machines: each holds advisory locks on its lanes.

    with Shares(database_url) as shares:
        projector.lanes = shares.held()      # again and again

The locks belong to the session: the server releases them as soon as the worker or its connection dies, and
after PATIENCE seconds if it hangs. They only avoid doing work twice: checkpoints decide what is written.
"""

from __future__ import annotations

import os
import socket
import time
from types import TracebackType
from typing import Final, Self

import psycopg

from eventlog.postgres.connect import connect
from projections.live.lanes import LANES
from projections.tables import Connection

BEAT: Final = 1.0
"""Seconds between two looks at the shares; a lane is without a worker for at most so long."""

PATIENCE: Final = 15
"""Seconds without a sign of life after which the server ends a worker's session; longer than a page takes."""

SPACE: Final = 0x70726C61
"""First key of the advisory locks: a lane's is (SPACE, lane), and each worker holds (SPACE, 8) as shared."""

_JOIN: Final = f"select pg_advisory_lock_shared({SPACE}, {LANES})"

# Every worker sees them in the same order, so all agree on the shares.
_WORKERS: Final = f"""
    select locks.pid, locks.pid = pg_backend_pid() from pg_locks locks
    where locks.locktype = 'advisory' and locks.classid = {SPACE} and locks.objid = {LANES}
        and locks.database = (select oid from pg_database where datname = current_database())
        and locks.granted
    order by locks.pid
"""  # noqa: S608

_TAKE: Final = f"select pg_try_advisory_lock({SPACE}, %(lane)s)"
_GIVE_BACK: Final = f"select pg_advisory_unlock({SPACE}, %(lane)s)"


class Shares:
    """One worker's share of the lanes: adjacent ones, as many as every other worker has, give or take one."""

    def __init__(self, database_url: str, *, beat: float = BEAT, patience: int = PATIENCE) -> None:
        self._database_url = database_url
        self._beat = beat
        self._patience = patience
        self._connection: Connection | None = None
        self._held: frozenset[int] = frozenset()
        self._look_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release all lanes."""
        self._held, self._look_at = frozenset(), 0.0
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def held(self) -> frozenset[int]:
        """The lanes that this worker holds; they are looked at again every `beat` seconds.

        Raises psycopg.OperationalError if the session was lost; the worker then holds no lane.
        """
        if time.monotonic() < self._look_at:
            return self._held
        try:
            self._held = self._taken(self._joined())
        except psycopg.OperationalError:
            self.close()
            raise
        self._look_at = time.monotonic() + self._beat
        return self._held

    def _taken(self, connection: Connection) -> frozenset[int]:
        """Release lanes that now belong to another worker's share; take the free ones of this worker's
        share."""
        workers = connection.execute(_WORKERS).fetchall()
        wanted = frozenset(share([mine for _, mine in workers].index(True), len(workers)))
        for lane in sorted(self._held - wanted):
            connection.execute(_GIVE_BACK, {"lane": lane})
        taken = [lane for lane in sorted(wanted - self._held) if _is_true(connection, _TAKE, lane)]
        return (self._held & wanted).union(taken)

    def _joined(self) -> Connection:
        if self._connection is None:
            name = f"prorata project, {socket.gethostname()} {os.getpid()}"
            connection = connect(
                self._database_url, name, settings={"idle_session_timeout": f"{self._patience}s"}
            )
            connection.execute(_JOIN)
            self._connection = connection
        return self._connection


def share(nth: int, workers: int) -> range:
    """The lanes of the `nth` worker, counted from 0; empty for some if there are more workers than lanes."""
    return range(LANES * nth // workers, LANES * (nth + 1) // workers)


def _is_true(connection: Connection, statement: str, lane: int) -> bool:
    [[answer]] = connection.execute(statement, {"lane": lane}).fetchall()
    return bool(answer)
