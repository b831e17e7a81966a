"""Export a log in PostgreSQL: everything that has settled when it begins.

for line in exported(log):
    file.write(line)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from typing import Final

import psycopg
from psycopg.rows import args_row

from eventlog.errors import LogUnavailable, NotSettled
from eventlog.postgres.connect import Connection
from eventlog.postgres.fence import settled_until
from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.reading import COLUMNS, readable
from eventlog.records import StoredEvent
from eventlog.transfer.lines import written

_PAGE: Final = 2_000
_PATIENCE: Final = 5.0
_CREATED: Final = "select created_at from public.log"
_EVENTS: Final = f"""
    select {COLUMNS} from public.events
    where position > %(after)s and position <= %(until)s order by position limit {_PAGE}
"""  # noqa: S608 - only constants are joined


def exported(log: PostgresEventLog) -> Iterator[bytes]:
    """The lines of the file.

    Raises NotSettled where open transactions hold back the log's end; LogUnavailable.
    """
    with closing(log.connect()) as connection:
        try:
            until = settled_until(connection, 0, _PATIENCE)
            if until == 0 and log.last_position() > 0:
                raise NotSettled(str(log.fence_holder()))
            [[created_at]] = connection.execute(_CREATED).fetchall()
            assert isinstance(created_at, datetime)
            yield from written(log.log_id, created_at, _events(connection, until))
        except psycopg.OperationalError as error:
            raise LogUnavailable(str(error)) from error


def _events(connection: Connection, until: int) -> Iterator[StoredEvent]:
    after = 0
    with connection.cursor(row_factory=args_row(StoredEvent), binary=True) as cursor:
        while True:
            with readable():
                page = cursor.execute(_EVENTS, {"after": after, "until": until}).fetchall()
            yield from page
            if len(page) < _PAGE:
                return
            after = page[-1].position
