"""A projector's two sessions: one reads while the other writes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import psycopg

from eventlog import NotMigrated
from eventlog.postgres.connect import connect
from eventlog.postgres.migrate import missing
from projections import MIGRATIONS
from projections.tables import Connection

# PostgreSQL applies no timeout to a session waiting for COPY data; it can only be terminated.
_END_STALLED: Final = """
    select pg_terminate_backend(pid) from pg_stat_activity activity
    where datname = current_database() and pid <> pg_backend_pid()
        and state = 'active' and wait_event = 'ClientRead'
        and xact_start < clock_timestamp() - make_interval(secs => %(seconds)s)
        and exists (
            select from pg_locks locks where locks.pid = activity.pid and locks.granted
                and locks.relation = 'projections.checkpoints'::regclass and locks.mode = 'RowExclusiveLock'
        )
"""


_SCANS: Final = "enable_seqscan", "enable_hashjoin", "enable_mergejoin", "enable_material"


class Sessions:
    """Connects when a session is first asked for, and again if it was lost or closed."""

    def __init__(self, database_url: str, longest_page: int) -> None:
        self._database_url = database_url
        self._longest_page = longest_page
        self._reading: Connection | None = None
        self._writing: Connection | None = None

    def reading(self) -> Connection:
        """The session that reads committed checkpoints and parked accounts. Raises NotMigrated."""
        if self._reading is None or self._reading.closed:
            self._reading = self._open({})
        return self._reading

    def writing(self) -> Connection:
        """The session of the pages' transactions. Raises NotMigrated."""
        if self._writing is None or self._writing.closed:
            self._writing = self._open(
                {
                    # A crash of the server may lose the last pages: rows and checkpoint together, so they are
                    # folded again.
                    "synchronous_commit": "off",
                    # Each statement has its index, but a plan made while the tables were small would keep
                    # scanning them.
                    **dict.fromkeys(_SCANS, "off"),
                    # A projector that hangs in a transaction must not hold back the others for ever.
                    "transaction_timeout": f"{self._longest_page}s",
                }
            )
        return self._writing

    def end_stalled(self) -> None:
        """End the transactions of projectors that have hung in a COPY for longer than the longest page."""
        with suppress(psycopg.Error):  # the session is another role's, or the server is away
            self.reading().execute(_END_STALLED, {"seconds": self._longest_page})

    def close(self) -> None:
        """Close both sessions."""
        for connection in (self._reading, self._writing):
            if connection is not None:
                connection.close()
        self._reading = self._writing = None

    def _open(self, settings: Mapping[str, str]) -> Connection:
        connection = connect(self._database_url, "prorata project", settings=settings)
        lacking = missing(connection, MIGRATIONS)
        if lacking:
            connection.close()
            raise NotMigrated(lacking)
        return connection
