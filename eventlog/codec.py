"""Encode domain events as the bytes that the log keeps, and decode them: JSON, fields in their order.

    codec = domain_codec()
    event_type, schema_version, state = codec.encode(event)
    event = codec.read(stored)

An event is read in today's schema version of its type. What was written in an older one is lifted step by
step by upcasters: plain functions from the JSON object of one version to that of the next.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final, Generic, TypeAlias, TypeVar

import msgspec

from domain import events as domain_events
from eventlog.errors import EventUnreadable
from eventlog.records import StoredEvent

E = TypeVar("E", bound=msgspec.Struct)

Upcaster: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
"""Turns the JSON object of one schema version into that of the next."""


def _as_it_is(event: dict[str, Any]) -> dict[str, Any]:
    """Of a field that may hold more now: what it held means the same."""
    return event


UPCASTERS: Mapping[tuple[str, int], Upcaster] = {
    ("resume_dropped", 1): _as_it_is,
    ("plan_ended", 1): _as_it_is,
    ("addon_ended", 1): _as_it_is,
}
"""By type and the version that the upcaster reads. None is ever removed: what was written stays readable."""

_FAILURES = (msgspec.MsgspecError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""The exceptions that damaged bytes can cause in a decoder or an upcaster."""

KIND: Final = "type || ':' || schema_version"
"""SQL expression equal to `kind(type, schema_version)`."""


def kind(event_type: str, schema_version: int) -> str:
    """Type and schema version as one text: `plan_paused:1`."""
    return f"{event_type}:{schema_version}"


def kinds_of(stored: Iterable[StoredEvent]) -> str:
    """The kinds of these rows, joined by commas, as `decode_all` takes them."""
    return ",".join([kind(row.type, row.schema_version) for row in stored])


def _type_and_version(of_kind: str) -> tuple[str, int]:
    event_type, _, version = of_kind.rpartition(":")
    return event_type, int(version)


@cache
def domain_codec() -> "Codec[domain_events.Event]":
    """The codec of the billing events: one for all, since it takes some milliseconds to make."""
    return Codec(
        domain_events.Event, domain_events.type_name, domain_events.schema_version, upcasters=UPCASTERS
    )


class Codec(Generic[E]):
    """Encodes and decodes a tagged union of frozen structs; safe to share between threads."""

    def __init__(
        self,
        union: Any,
        type_name: Callable[[E], str],
        schema_version: Callable[[E], int],
        *,
        upcasters: Mapping[tuple[str, int], Upcaster],
    ) -> None:
        self._union = union
        self._type_name = type_name
        self._schema_version = schema_version
        self._upcasters = upcasters
        self._encoder = msgspec.json.Encoder(order="deterministic")
        self._decoder: msgspec.json.Decoder[E] = msgspec.json.Decoder(union)
        self._old = {kind(*written) for written in upcasters}
        self._alike = {
            kind(name, version): kind(name, version + 1)
            for (name, version), upcaster in upcasters.items()
            if upcaster is _as_it_is and (name, version + 1) not in upcasters
        }
        self._today: dict[type[E], str] = {}

    def encode(self, event: E) -> tuple[str, int, bytes]:
        """The event's type, its schema version, and its bytes: equal events give equal bytes."""
        return self._type_name(event), self._schema_version(event), self._encoder.encode(event)

    def decode(self, event_type: str, schema_version: int, state: bytes) -> E:
        """The event in these bytes; raise EventUnreadable, without a place, where they hold none."""
        try:
            written, lifted = self._lift(event_type, schema_version, state)
            event = self._decoder.decode(lifted)
            if self._type_name(event) != event_type:
                raise ValueError(f"its bytes say {self._type_name(event)!r}")
            if self._schema_version(event) != written:
                raise ValueError(f"this code reads schema version {self._schema_version(event)}")
        except _FAILURES as error:
            raise EventUnreadable(None, None, None, event_type, schema_version, str(error)) from error
        return event

    def decode_all(self, kinds: str, states: Sequence[bytes]) -> list[E]:
        """The events in these bytes, without asking of each what `decode` asks; raise whatever fails.

        `kinds`: of what kind each is, as its row says, in this order with commas between (`kinds_of`). For
        many events at once: who needs to know which one failed, and why, gives each to `decode`.
        """
        if any(old in kinds for old in self._old):  # or the beginning of another kind: seen below
            each = [self._alike.get(one, one) for one in kinds.split(",")]
            if not self._old.isdisjoint(each):
                written = map(_type_and_version, each)
                return [self.decode(*one, state) for one, state in zip(written, states, strict=True)]
            kinds = ",".join(each)
        events = list(map(self._decoder.decode, states))
        if self._kinds_of(events) != kinds:
            raise ValueError("the bytes hold other types or versions than their rows say")
        return events

    def read(self, stored: StoredEvent) -> E:
        """The event of this row; raise EventUnreadable with its account, version and position."""
        try:
            return self.decode(stored.type, stored.schema_version, stored.state)
        except EventUnreadable as error:
            place = stored.account_id, stored.version, stored.position
            raise EventUnreadable(
                *place, stored.type, stored.schema_version, error.reason
            ) from error.__cause__

    def read_all(self, stored: Sequence[StoredEvent]) -> list[E]:
        """The events of these rows, as `decode_all` makes them."""
        return self.decode_all(kinds_of(stored), [row.state for row in stored])

    def _kinds_of(self, events: Sequence[E]) -> str:
        """The kinds that these events would be written as today; each class has one."""
        today = self._today
        try:
            return ",".join([today[type(event)] for event in events])
        except KeyError:
            today |= {type(one): kind(self._type_name(one), self._schema_version(one)) for one in events}
        return ",".join([today[type(event)] for event in events])

    def _lift(self, event_type: str, version: int, state: bytes) -> tuple[int, bytes]:
        if (event_type, version) not in self._upcasters:
            return version, state
        fields = msgspec.json.decode(state)
        while upcaster := self._upcasters.get((event_type, version)):
            fields = upcaster(fields)
            version += 1
        return version, self._encoder.encode(fields)
