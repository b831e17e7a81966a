"""The log in PostgreSQL.

    log = PostgresEventLog("postgresql://…")     # after `prorata migrate`

An append is one autocommitted statement. docs/eventlog.md states the guarantees and their reasons.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import TypeVar, TypeVarTuple
from uuid import UUID

import psycopg

from eventlog.appending import chained_rows, one_of_each_account, utc_now
from eventlog.errors import EventRefused, LogError, LogUnavailable
from eventlog.history import HistoryChunk
from eventlog.port import Outcome
from eventlog.postgres import fence, inserting, log_stream, reading
from eventlog.postgres.connect import NO_SETTINGS, Connection
from eventlog.postgres.connections import Connections
from eventlog.postgres.log_stream import LogChunk
from eventlog.postgres.positions import Positions
from eventlog.records import Append, FenceHolder, Head, NewEvent, StoredEvent
from eventlog.shards import neighbours

Ts = TypeVarTuple("Ts")
T = TypeVar("T")

_ACCOUNTS_PAGE = 1_000
_SERVER_TIME = "select clock_timestamp()"


class PostgresEventLog:
    """An EventLog on a migrated PostgreSQL database; each process makes its own, threads share it.

    `name`: the name that `pg_stat_activity` shows for its connections.
    `patience`: seconds for which a call tries to reach a lost server before it raises LogUnavailable.
    `fence_patience`: seconds for which a settled read waits for open transactions before it returns nothing.
    """

    def __init__(
        self,
        database_url: str,
        name: str = "prorata log",
        *,
        clock: Callable[[], datetime] = utc_now,
        connections: int = 8,
        patience: float = 10.0,
        fence_patience: float = 5.0,
    ) -> None:
        self._clock = clock
        self._fence_patience = fence_patience
        self._connections = Connections(database_url, name, limit=connections, patience=patience)

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    @property
    def log_id(self) -> UUID:
        return self._connections.log_id

    @property
    def positions(self) -> Positions:
        """What this process knows of the positions handed out so far."""
        return self._connections.positions

    def append(self, account_id: str, head: Head, events: Sequence[NewEvent]) -> list[StoredEvent]:
        [outcome] = self.append_many([Append(account_id, head, tuple(events))])
        if isinstance(outcome, LogError):
            raise outcome
        return outcome

    def append_many(self, appends: Sequence[Append]) -> list[Outcome]:
        outcomes: dict[int, Outcome] = {}
        waiting: dict[int, list[StoredEvent]] = {}
        now = self._clock()
        for nth, append in enumerate(appends):
            try:
                waiting[nth] = chained_rows(self.log_id, append, now)
            except EventRefused as refusal:
                outcomes[nth] = refusal
        while waiting:
            group = one_of_each_account(waiting)
            outcomes |= self._store_each(appends, group)
            waiting = {nth: rows for nth, rows in waiting.items() if nth not in group}
        return [outcomes[nth] for nth in range(len(appends))]

    def append_together(self, appends: Sequence[Append]) -> list[list[StoredEvent]]:
        if len(appends) < 2:
            return [self.append(append.account_id, append.head, append.events) for append in appends]
        now = self._clock()
        sealed = {nth: chained_rows(self.log_id, append, now) for nth, append in enumerate(appends)}
        if len(one_of_each_account(sealed)) < len(appends):
            raise ValueError("append_together takes one append for each account")
        try:
            return self._run(inserting.store_together, self.positions, appends, sealed)
        except psycopg.Error as error:
            raise EventRefused(", ".join(append.account_id for append in appends), str(error)) from error

    def fates(self, appends: Sequence[Append]) -> list[Outcome]:
        """The outcome of each append, stored or conflicting; no attempt to store it may be under way."""
        return self._run(lambda connection: [inserting.fate(connection, append) for append in appends])

    def connect(self, settings: Mapping[str, str] = NO_SETTINGS) -> Connection:
        """Open another checked connection to the log, with these settings; the caller closes it."""
        return self._connections.open(settings)

    def head(self, account_id: str) -> Head:
        return self._read(reading.head_of, account_id)

    def read_account(
        self, account_id: str, after_version: int = 0, limit: int | None = None
    ) -> list[StoredEvent]:
        return self._read(reading.read_account, account_id, after_version, limit)

    def histories_up_to(self, versions: Mapping[str, int]) -> list[HistoryChunk]:
        return self._read(reading.histories_up_to, versions)

    def event(self, account_id: str, version: int) -> StoredEvent | None:
        return self._read(reading.event, account_id, version)

    def first_events(self, account_ids: Sequence[str]) -> list[StoredEvent]:
        return self._read(reading.first_events, account_ids)

    def find_command(self, account_id: str, command_id: str) -> list[StoredEvent]:
        return self._read(reading.find_command, account_id, command_id)

    def commands_named(self, begins: str, command_id: str, limit: int) -> list[StoredEvent]:
        return self._read(reading.commands_named, begins, command_id, limit)

    def read_settled(self, after: int, limit: int, shards: range | None = None) -> list[StoredEvent]:
        return self._read(fence.read_settled, after, limit, neighbours(shards), self._fence_patience)

    def in_order(
        self, after: int = 0, shards: range | None = None, *, page: int = 10_000
    ) -> Generator[LogChunk, None, None]:
        """Stream all events above `after` that are settled now; none if a writer outlasts the fence's
        patience.

        After LogUnavailable the reader may call it again, with the position of its last event.
        """
        with closing(self.connect()) as connection:
            try:
                until = fence.settled_until(connection, after, self._fence_patience)
                with reading.readable():
                    yield from log_stream.blocks(connection, after, until, neighbours(shards), page=page)
            except psycopg.OperationalError as error:
                if not connection.closed:
                    raise
                raise LogUnavailable(str(error)) from error

    def server_time(self) -> datetime:
        """The time on the database's clock."""
        [[now]] = self._run(lambda connection: connection.execute(_SERVER_TIME).fetchall())
        assert isinstance(now, datetime)
        return now

    def fence_holder(self) -> FenceHolder | None:
        return self._run(fence.fence_holder)

    def at_position(self, position: int) -> StoredEvent | None:
        return self._read(reading.at_position, position)

    def last_position(self) -> int:
        return self._run(reading.last_position)

    def accounts(self, after: str = "") -> Iterator[str]:
        while page := self._run(reading.accounts, after, _ACCOUNTS_PAGE):
            yield from page
            after = page[-1]

    def _store_each(
        self, appends: Sequence[Append], group: Mapping[int, list[StoredEvent]]
    ) -> dict[int, Outcome]:
        """Store a group in one statement; if that fails, each append alone, so that a bad row fails only its
        caller."""
        try:
            return self._run(inserting.store_each, self.positions, appends, group)
        except LogUnavailable as unavailable:
            return dict.fromkeys(group, unavailable)
        except psycopg.Error as error:
            if len(group) == 1:
                return {nth: EventRefused(appends[nth].account_id, str(error)) for nth in group}
        outcomes: dict[int, Outcome] = {}
        for nth, rows in group.items():
            outcomes |= self._store_each(appends, {nth: rows})
        return outcomes

    def _run(self, work: Callable[[Connection, *Ts], T], *arguments: *Ts) -> T:
        return self._connections.run(lambda connection: work(connection, *arguments))

    def _read(self, work: Callable[[Connection, *Ts], T], *arguments: *Ts) -> T:
        with reading.readable():
            return self._run(work, *arguments)
