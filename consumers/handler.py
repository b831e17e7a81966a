"""What a consumer does with the records: the part that differs between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol, TypeAlias

import psycopg

from consumers.checkpoints import Connection
from publishing.envelope import PublishedEvent, PublishedState

Message: TypeAlias = PublishedEvent | PublishedState


class Handler(Protocol):
    """Turns messages into rows."""

    @property
    def name(self) -> str:
        """Of the consumer: what its offsets and dead letters are kept under, and the schema of its tables."""
        ...

    @property
    def topics(self) -> Sequence[str]:
        """Base names of the topics that it reads."""
        ...

    @property
    def own_tables(self) -> Sequence[str]:
        """Tables that hold what no topic says: while one has rows, no replay takes the live tables' place."""
        ...

    def handle(self, connection: Connection, messages: Sequence[Message]) -> None:
        """Write the effects of the messages, which are of one partition and in order, and commit nothing.

        Its tables are named without the schema, which the session looks in first: so the same handler can
        fill other tables beside the live ones (`consumers.replay`).
        Of a state topic they are the newest states, one of each key. It may be called again after a rollback.
        What it raises parks the key of the message at fault; errors of the connection or of the statements
        themselves (a missing table) do not, since they are not the message's.
        """
        ...


_AT_HOME: Final = """
    select set_config('search_path', quote_ident(%(schema)s) || ', public', true),
        coalesce(has_schema_privilege(to_regnamespace(quote_ident(%(schema)s)), 'usage'), true)
"""


def at_home(connection: Connection, consumer: str) -> None:
    """Let this transaction look for tables in the consumer's schema first.

    Raises InsufficientPrivilege where that is closed to its role: PostgreSQL would find no tables there.
    """
    [[_, is_open]] = connection.execute(_AT_HOME, {"schema": consumer}).fetchall()
    if not is_open:
        raise psycopg.errors.InsufficientPrivilege(f"permission denied for schema {consumer}")
