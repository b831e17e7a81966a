"""The lease of a stream: a row with a holder and an expiry by the database's clock.

    with connect(database_url, "prorata relay") as connection:
        lease = Lease(connection, "prorata-relay-events", seconds=5)
        if lease.acquire():
            now = lease.renew()     # each second; raises LeaseLost

It only decides who works. A holder that lost it without knowing is fenced by Kafka.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

import psycopg

from eventlog.postgres.connect import Connection
from publishing.errors import LeaseLost

_ACQUIRE: Final = """
    insert into publishing.leases as lease (stream, holder, label, acquired_at, expires_at)
    values (%(stream)s, %(holder)s, %(label)s, clock_timestamp(),
        clock_timestamp() + make_interval(secs => %(seconds)s))
    on conflict (stream) do update
    set holder = excluded.holder, label = excluded.label, acquired_at = excluded.acquired_at,
        expires_at = excluded.expires_at
    where lease.expires_at <= clock_timestamp()
    returning holder
"""

# Also after it ran out, as long as nobody took it.
_RENEW: Final = """
    update publishing.leases
    set expires_at = clock_timestamp() + make_interval(secs => %(seconds)s)
    where stream = %(stream)s and holder = %(holder)s
    returning clock_timestamp()
"""

_RELEASE: Final = """
    update publishing.leases set expires_at = clock_timestamp()
    where stream = %(stream)s and holder = %(holder)s
"""

_HOLDER: Final = """
    select label from publishing.leases where stream = %(stream)s
"""


class Lease:
    """One holder's claim on one stream."""

    def __init__(self, connection: Connection, stream: str, *, seconds: float) -> None:
        self._connection = connection
        self._stream = stream
        self._bound: dict[str, str | float | UUID] = {
            "stream": stream,
            "holder": uuid4(),
            "label": f"process {os.getpid()} on {socket.gethostname()}",
            "seconds": seconds,
        }

    def acquire(self) -> bool:
        """Whether it is ours now: it was nobody's, or had run out."""
        return self._connection.execute(_ACQUIRE, self._bound).fetchone() is not None

    def renew(self) -> datetime:
        """Hold it for another term; the database's time. Raises LeaseLost once another relay has it."""
        row = self._connection.execute(_RENEW, self._bound).fetchone()
        if row is None:
            raise LeaseLost(self._stream)
        now: datetime = row[0]
        return now.astimezone(UTC)

    def release(self) -> None:
        """Let the next one have it at once. One that cannot be given back runs out."""
        with suppress(psycopg.Error):
            self._connection.execute(_RELEASE, self._bound)

    def holder(self) -> str:
        """Who holds it, or held it last, for a message."""
        row = self._connection.execute(_HOLDER, self._bound).fetchone()
        return "nobody" if row is None else str(row[0])
