"""The handler: events about money into transfers and schedules, each once, in the offset's transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from consumers.checkpoints import Connection
from consumers.finance_ledger.postings import post
from consumers.finance_ledger.shelf import DatabaseShelf
from consumers.handler import Message
from publishing.contract import Event, event_of, invoice_changes
from publishing.envelope import PublishedEvent
from publishing.topics import Topics

NAME: Final = "finance_ledger"


class FinanceLedger:
    """The handler: what was invoiced, credited, paid, given back and written off. What was earned is
    `recognition`'s."""

    name: Final = NAME
    topics: Final = (Topics().events.base,)
    own_tables: Final = ("closings",)

    def handle(self, connection: Connection, messages: Sequence[Message]) -> None:
        shelf = DatabaseShelf(connection)
        read = [(message, event_of(message)) for message in messages if isinstance(message, PublishedEvent)]
        shelf.look_up({message.account_id for message, _ in read}, _invoices_of(read))
        following: list[Event | None] = []
        next_of: dict[str, Event] = {}
        for message, event in reversed(read):
            following.append(next_of.get(message.account_id))
            next_of[message.account_id] = event
        for (message, event), after in zip(read, reversed(following), strict=True):
            post(shelf, message, event, after)
        shelf.flush()


def _invoices_of(read: Sequence[tuple[PublishedEvent, Event]]) -> Iterator[tuple[str, int]]:
    """The invoices that most events about earlier ones change."""
    for message, event in read:
        issued, statuses = invoice_changes(event)
        for number, _ in statuses:
            if issued is None:
                yield message.account_id, number
