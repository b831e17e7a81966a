"""A consumer that writes a row for each event that it handles, so that doubled, lost and reordered effects
show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from consumers.checkpoints import Connection
from consumers.handler import Message
from publishing.envelope import PublishedEvent

TALLY_TABLE: Final = """
    create table tally (nth bigserial, account_id text, version bigint, type text)
"""
_WRITE: Final = "insert into tally (account_id, version, type) values (%s, %s, %s)"
_READ: Final = "select account_id, version from tally order by nth"


class Tally:
    """Writes the rows. `fails` raises for a record that cannot be handled; `written` is called before the
    commit."""

    name: Final = "tally"
    topics: Final = ("billing.events.v1",)
    own_tables: Final = ()

    def __init__(
        self,
        fails: Callable[[PublishedEvent], None] = lambda _: None,
        written: Callable[[Sequence[Message]], None] = lambda _: None,
    ) -> None:
        self._fails = fails
        self._written = written

    def handle(self, connection: Connection, messages: Sequence[Message]) -> None:
        for message in messages:
            assert isinstance(message, PublishedEvent)
            self._fails(message)
            connection.execute(_WRITE, [message.account_id, message.event.version, message.type])
        self._written(messages)


def tallied(connection: Connection) -> dict[str, list[int]]:
    """Account → the versions handled, in order of handling."""
    found: dict[str, list[int]] = {}
    for account_id, version in connection.execute(_READ):
        found.setdefault(account_id, []).append(version)
    return found
