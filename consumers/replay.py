"""Replay: topics from their beginning into empty tables beside the live ones, which then take their place.

    replay = Replay(FinanceLedger(), database_url, bootstrap)
    replay.run()                # as often as one likes: it goes on where it ended
    replay.swap()               # the live tables are kept as finance_ledger_before until the next replay

The live consumer goes on meanwhile; nobody's reading is interrupted but for the renaming itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from psycopg import sql

from consumers.checkpoints import Connection
from consumers.errors import ANOTHER_HISTORY, ConsumerHalted, ReplayRefused
from consumers.halts import CONSUMERS
from consumers.handler import Handler, Message
from consumers.leftovers import BEFORE, NEXT, leftovers
from consumers.runtime import Consumer
from eventlog.postgres.connect import connect
from eventlog.postgres.replacing import QualifiedName, schema_takes_after, take_after, views_follow
from publishing.clients import Broker

_Offsets: TypeAlias = dict[str, dict[tuple[str, int], int]]
"""By consumer, topic and partition."""

_TABLES: Final = """
    select tablename from pg_tables where schemaname = %(schema)s order by tablename
"""

_SCHEMA_EXISTS: Final = """
    select to_regnamespace(quote_ident(%(schema)s)) is not null
"""

_RENAME_ROWS: Final = sql.SQL("update consumers.{table} set consumer = %(after)s where consumer = %(before)s")
_FORGET_ROWS: Final = sql.SQL("delete from consumers.{table} where consumer = %(consumer)s")
_OF_CONSUMERS: Final = ("partitions", "revisions", "dead_letters")

# The rows of live and replay, so that neither goes on while the names change.
_LOCK: Final = """
    select consumer, topic, partition, next_offset from consumers.partitions
    where consumer = any(%(consumers)s) order by consumer, topic, partition for update
"""

_LOCK_PATIENCE: Final = "set local lock_timeout = '10s'"


@dataclass(frozen=True)
class _Beside:
    """The handler under the name, and so on the tables, of its replay."""

    handler: Handler
    name: str

    @property
    def topics(self) -> Sequence[str]:
        return self.handler.topics

    @property
    def own_tables(self) -> Sequence[str]:
        return self.handler.own_tables

    def handle(self, connection: Connection, messages: Sequence[Message]) -> None:
        self.handler.handle(connection, messages)


class Replay:
    """One consumer's replay. Its place is kept like every consumer's, so it may be killed and begun again."""

    def __init__(self, handler: Handler, database_url: str, bootstrap: Broker, *, prefix: str = "") -> None:
        self._handler = handler
        self._live = handler.name
        self._next = handler.name + NEXT
        self._database_url = database_url
        self._consumer = Consumer(_Beside(handler, self._next), database_url, bootstrap, prefix=prefix)

    def run(self) -> None:
        """Read what is in the topics now into the tables beside the live ones, which are made if need be.

        What an earlier replay has read is thrown away where it is of another history than the topics are now.
        """
        with self._connected() as connection, connection.transaction():
            began = _exists(connection, self._next)
            if not began:
                self._create(connection)
        try:
            self._consumer.run_once()
        except ConsumerHalted as halted:
            if not began or halted.code not in ANOTHER_HISTORY:
                raise
            self.forget()
            self.run()

    def forget(self) -> None:
        """Drop what was replayed."""
        with self._connected() as connection, connection.transaction():
            _drop(connection, self._next)

    def discard(self) -> list[str]:
        """Drop what replays have replaced or left unfinished; the names of what there was.

        Raises ReplayRefused `replay_running` while one reads.
        """
        with self._connected() as connection, connection.transaction():
            left = [leftover for leftover in leftovers(connection) if leftover.consumer == self._live]
            for leftover in left:
                if leftover.running:
                    raise ReplayRefused("replay_running", f"a replay of {self._live} is running")
                _drop(connection, leftover.name)
        return [leftover.name for leftover in left]

    def swap(self) -> None:
        """Let the replayed tables take the live ones' place.

        Raises ReplayRefused: `replay_behind` where they have read less than the live ones (run it again), and
        `replay_lacks` where the live ones hold what no topic says, such as closed months.
        """
        before = self._live + BEFORE
        with self._connected() as connection, connection.transaction():
            connection.execute(_LOCK_PATIENCE)
            self._check(connection)
            _drop(connection, before)
            with views_follow(connection, _tables(connection, self._live)):
                for now, after in ((self._live, before), (self._next, self._live)):
                    names = {"now": sql.Identifier(now), "after": sql.Identifier(after)}
                    connection.execute(sql.SQL("alter schema {now} rename to {after}").format(**names))
                    for table in _OF_CONSUMERS:
                        statement = _RENAME_ROWS.format(table=sql.Identifier(table))
                        connection.execute(statement, {"before": now, "after": after})
            CONSUMERS.forget(connection, self._live)

    def _check(self, connection: Connection) -> None:
        for table in self._handler.own_tables:
            own = sql.SQL("select exists (select from {})").format(sql.Identifier(self._live, table))
            if connection.execute(own).fetchall() == [(True,)]:
                message = f"{self._live}.{table} has rows, which the replayed tables cannot have"
                raise ReplayRefused("replay_lacks", message)
        found = connection.execute(_LOCK, {"consumers": [self._live, self._next]}).fetchall()
        offsets: _Offsets = {self._live: {}, self._next: {}}
        for consumer, topic, partition, offset in found:
            offsets[consumer][topic, partition] = offset
        if self._is_of_another_history(connection, offsets):
            return  # its offsets say nothing about how far the replay is
        for (topic, partition), offset in offsets[self._live].items():
            reached = offsets[self._next].get((topic, partition), 0)
            if reached < offset:
                message = (
                    f"the replay is at offset {reached} of partition {partition} of {topic}, {self._live} "
                )
                raise ReplayRefused("replay_behind", message + f"at {offset}")

    def _is_of_another_history(self, connection: Connection, offsets: _Offsets) -> bool:
        """Whether the live consumer has read other topics, or has halted for that."""
        read, replayed = ({topic for topic, _ in offsets[name]} for name in (self._live, self._next))
        halted = {halt.code for halt in CONSUMERS.all(connection) if halt.name == self._live}
        return read.isdisjoint(replayed) or not halted.isdisjoint(ANOTHER_HISTORY)

    def _create(self, connection: Connection) -> None:
        schema = sql.Identifier(self._next)
        connection.execute(sql.SQL("create schema {}").format(schema))
        schema_takes_after(connection, self._live, self._next)
        for live in _tables(connection, self._live):
            new = self._next, live[1]
            names = {"new": sql.Identifier(*new), "live": sql.Identifier(*live)}
            connection.execute(sql.SQL("create table {new} (like {live} including all)").format(**names))
            take_after(connection, live, new)

    def _connected(self) -> Connection:
        return connect(self._database_url, f"prorata replay {self._live}")


def _tables(connection: Connection, schema: str) -> list[QualifiedName]:
    return [(schema, table) for (table,) in connection.execute(_TABLES, {"schema": schema}).fetchall()]


def _exists(connection: Connection, schema: str) -> bool:
    [[found]] = connection.execute(_SCHEMA_EXISTS, {"schema": schema}).fetchall()
    return bool(found)


def _drop(connection: Connection, schema: str) -> None:
    connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))
    for table in _OF_CONSUMERS:
        connection.execute(_FORGET_ROWS.format(table=sql.Identifier(table)), {"consumer": schema})
    CONSUMERS.forget(connection, schema)
