"""A projector's sessions: one that looks, and one that writes meanwhile."""

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

# Of what waits for its client in the middle of COPY, the server sees no timeout, only that it is to end.
_END_STANDING: Final = """
    select pg_terminate_backend(pid) from pg_stat_activity activity
    where datname = current_database() and pid <> pg_backend_pid()
        and state = 'active' and wait_event = 'ClientRead'
        and xact_start < clock_timestamp() - make_interval(secs => %(seconds)s)
        and exists (
            select from pg_locks locks where locks.pid = activity.pid and locks.granted
                and locks.relation = 'projections.checkpoints'::regclass and locks.mode = 'RowExclusiveLock'
        )
"""


class Sessions:
    """Both are made when they are first asked for, and anew when they were lost or closed."""

    def __init__(self, database_url: str, longest_page: int) -> None:
        self._database_url = database_url
        self._longest_page = longest_page
        self._reading: Connection | None = None
        self._writing: Connection | None = None

    def reading(self) -> Connection:
        """For checkpoints and parked accounts as they are committed. Raises NotMigrated."""
        if self._reading is None or self._reading.closed:
            self._reading = self._open({})
        return self._reading

    def writing(self) -> Connection:
        """For the pages' transactions."""
        if self._writing is None or self._writing.closed:
            self._writing = self._open(
                {
                    # What a crash of the server takes is folded again: rows and checkpoint are lost together.
                    "synchronous_commit": "off",
                    # Each statement has its index; plans made while the tables were small are kept for long.
                    "enable_seqscan": "off",
                    # A projector that stands still in a transaction must not hold back the others for ever.
                    "transaction_timeout": f"{self._longest_page}s",
                }
            )
        return self._writing

    def end_standing(self) -> None:
        """End the transactions of projectors that have stood still in the middle of a COPY for too long."""
        with suppress(psycopg.Error):  # of another role, or the server is away
            self.reading().execute(_END_STANDING, {"seconds": self._longest_page})

    def close(self) -> None:
        """Close both."""
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
