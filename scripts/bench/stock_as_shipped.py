"""A second peer for reading: `eventsourcing` as it ships, with its mapper and its JSON transcoder.

with opened(Shipped, database_url) as application:
    fill(application, events=10_000, stored=application.stored)

It follows the package's documentation: a frozen dataclass for each type of event, and a registered
transcoding for each type of value in an event. The values are the domain's own structs, which are created
faster than dataclasses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, make_dataclass, replace
from datetime import date
from functools import cache
from typing import Any, Final

import msgspec
from eventsourcing.application import Application
from eventsourcing.persistence import JSONTranscoder, StoredEvent, Transcoding
from eventsourcing.utils import register_topic

from domain import events as domain_events
from domain.calendar import Cycle
from domain.catalog import BlockPrice
from eventlog import NewEvent
from eventlog.codec import domain_codec
from scripts.bench import stock

NAME: Final = f"{stock.NAME} as it ships"


@dataclass(frozen=True)
class BillingEvent:
    """The fields that the package requires of an event."""

    originator_id: str
    originator_version: int


class DateAsISO(Transcoding):
    """Transcodes dates; the package itself only transcodes instants."""

    type: type = date
    name = "date_iso"

    def encode(self, obj: date) -> str:
        """The date as ISO 8601 text."""
        return obj.isoformat()

    def decode(self, data: str) -> date:
        """The date in the text."""
        return date.fromisoformat(data)


def _fields_of(value: msgspec.Struct) -> dict[str, Any]:
    """The fields that the value has: those left out are UNSET."""
    fields = msgspec.structs.asdict(value)
    return {name: part for name, part in fields.items() if part is not msgspec.UNSET}


class ValueAsDict(Transcoding):
    """Transcodes a value object as its fields, as the package's documentation does by hand for each class."""

    def __init__(self, struct: type[msgspec.Struct]) -> None:
        self.type = struct
        self.name = struct.__name__

    def encode(self, obj: msgspec.Struct) -> dict[str, Any]:
        """The fields that it has; the package encodes their values in turn."""
        return _fields_of(obj)

    def decode(self, data: dict[str, Any]) -> Any:
        """The value object; lists become the tuples that they were before JSON."""
        return self.type(**data)


class Shipped(Application[str]):
    """The package's application with all of its own parts."""

    name = "shipped"

    def register_transcodings(self, transcoder: JSONTranscoder) -> None:
        """Register the package's transcodings, and ours for the values in events."""
        super().register_transcodings(transcoder)
        transcoder.register(DateAsISO())
        for struct in _structs():
            transcoder.register(ValueAsDict(struct))

    def stored(self, account: str, version: int, event: NewEvent) -> StoredEvent:
        """The event as the package's mapper stores it."""
        stored = self._mapped(event.type, event.schema_version, event.state)
        return replace(stored, originator_id=account, originator_version=version)

    @cache  # noqa: B019 - the workload repeats its histories; the application lives as long as its run
    def _mapped(self, event_type: str, schema_version: int, state: bytes) -> StoredEvent:
        event = domain_codec().decode(event_type, schema_version, state)
        fields = _fields_of(event)
        shipped = _event_classes()[type(event)]("", 0, **fields)
        for name in event.__struct_fields__:
            if name not in fields:
                del shipped.__dict__[name]  # a field that an event does not have is not in its bytes either
        return self.mapper.to_stored_event(shipped)


@cache
def _event_classes() -> dict[type, Any]:
    """Type of domain event → a dataclass of the same name and fields."""
    made = {}
    for struct in _structs():
        if struct.__struct_config__.tag is not None:
            fields = [(name, Any, field(default=None)) for name in struct.__struct_fields__]
            one = make_dataclass(struct.__name__, fields, bases=(BillingEvent,), frozen=True)
            one.__module__ = __name__
            register_topic(f"{__name__}:{one.__qualname__}", one)
            made[struct] = one
    return made


def _structs() -> Iterator[type[msgspec.Struct]]:
    """The domain's events and the values in them."""
    for found in (*vars(domain_events).values(), Cycle, BlockPrice):
        if isinstance(found, type) and issubclass(found, msgspec.Struct) and found is not msgspec.Struct:
            yield found
