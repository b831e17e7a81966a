"""What a consumer does with the records: the part that differs between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from consumers.places import Connection
from publishing.envelope import PublishedEvent, PublishedState

Message: TypeAlias = PublishedEvent | PublishedState


class Handler(Protocol):
    """Turns messages into rows."""

    @property
    def name(self) -> str:
        """Of the consumer: what its offsets and dead letters are kept under."""
        ...

    @property
    def topics(self) -> Sequence[str]:
        """Base names of the topics that it reads."""
        ...

    def handle(self, connection: Connection, messages: Sequence[Message]) -> None:
        """Write the effects of the messages, which are of one partition and in order, and commit nothing.

        Of a state topic they are the newest states, one of each key. It may be called again after a rollback.
        What it raises parks the key of the message at fault; errors of the connection or of the statements
        themselves (a missing table) do not, since they are not the message's.
        """
        ...
