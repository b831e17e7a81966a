"""Events become bytes and come back, in whatever schema version they were written."""

import types
import typing
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain import events as domain_events
from eventlog import Append, EventUnreadable, Head
from eventlog.appending import chained_rows
from eventlog.codec import UPCASTERS, Codec, Upcaster, domain_codec, kind
from tests.support.eventlog.sample_events import LOG_ID, NOON, new_event


def sample(kind: Any) -> Any:
    """A value of an annotated type, with each field of its structs filled."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return sample(arguments[0])
    if origin is typing.Literal:
        return arguments[0]
    if origin is tuple:
        return tuple(sample(argument) for argument in arguments if argument is not ...)
    if origin is dict:
        return {sample(arguments[0]): sample(arguments[1])}
    if issubclass(kind, msgspec.Struct):
        hints = typing.get_type_hints(kind)
        return kind(**{name: sample(hints[name]) for name in kind.__struct_fields__})
    values = {Decimal: Decimal("10.00"), date: NOON.date(), type(NOON): NOON, str: "text", bool: True, int: 7}
    return values[kind]


@pytest.mark.parametrize("event_type", domain_events.EVENT_TYPES)
def test_every_billing_event_comes_back_as_it_was(event_type: str) -> None:
    codec = domain_codec()
    event = sample(domain_events.EVENT_TYPES[event_type])
    encoded = codec.encode(event)
    assert encoded[:2] == (event_type, domain_events.schema_version(event))
    decoded = codec.decode(*encoded)
    assert decoded == event
    assert repr(decoded) == repr(event), "an amount lost its digits"


@pytest.mark.parametrize("event_type", domain_events.EVENT_TYPES)
def test_every_version_that_was_ever_written_has_a_way_to_today_s(event_type: str) -> None:
    today = domain_events.schema_version(sample(domain_events.EVENT_TYPES[event_type]))
    assert [version for name, version in UPCASTERS if name == event_type] == list(range(1, today))


class Opened(msgspec.Struct, frozen=True, tag_field="type", tag="opened"):
    """A stand-in, in its third schema version."""

    currency: str
    zone: str
    limits: dict[str, Decimal]


class Closed(msgspec.Struct, frozen=True, tag_field="type", tag="closed"):
    """Another one, in its first."""


Event = Opened | Closed


def _renamed(fields: dict[str, Any]) -> dict[str, Any]:
    return {**fields, "zone": fields["time_zone"]}


def _limited(fields: dict[str, Any]) -> dict[str, Any]:
    return {**fields, "limits": {}}


def stand_in_codec(upcasters: dict[tuple[str, int], Upcaster]) -> Codec[Event]:
    """A codec of Opened and Closed."""
    return Codec(
        Event,
        lambda event: str(event.__struct_config__.tag),
        lambda event: 3 if isinstance(event, Opened) else 1,
        upcasters=upcasters,
    )


CODEC = stand_in_codec({("opened", 1): _renamed, ("opened", 2): _limited})
OPENED = Opened("EUR", "Europe/Paris", {})


def test_bytes_are_json_in_the_order_of_the_fields() -> None:
    assert CODEC.encode(OPENED) == (
        "opened",
        3,
        b'{"type":"opened","currency":"EUR","zone":"Europe/Paris","limits":{}}',
    )


def test_equal_events_give_equal_bytes() -> None:
    one = replace(OPENED, limits={"a": Decimal(1), "b": Decimal(2)})
    other = replace(OPENED, limits={"b": Decimal(2), "a": Decimal(1)})
    assert one == other
    assert CODEC.encode(one) == CODEC.encode(other)


@pytest.mark.parametrize(
    ("version", "state"),
    [
        (1, b'{"type":"opened","currency":"EUR","time_zone":"Europe/Paris"}'),
        (2, b'{"type":"opened","currency":"EUR","zone":"Europe/Paris"}'),
        (3, b'{"type":"opened","currency":"EUR","zone":"Europe/Paris","limits":{}}'),
    ],
)
def test_an_event_of_an_older_version_is_lifted_to_today_s(version: int, state: bytes) -> None:
    assert CODEC.decode("opened", version, state) == OPENED


@pytest.mark.parametrize(
    ("event_type", "version", "state", "reason"),
    [
        ("opened", 3, b"", "truncated"),
        ("opened", 3, b"\xff", "malformed"),
        ("opened", 3, b'{"type":"opened","currency":"EUR"}', "missing required field `zone`"),
        ("opened", 3, b'{"type":"opened","currency":1,"zone":"","limits":{}}', r"at `\$.currency`"),
        ("reopened", 1, b'{"type":"reopened"}', "Invalid value 'reopened'"),
        ("opened", 3, b'{"type":"closed"}', "its bytes say 'closed'"),
        ("opened", 4, b'{"type":"opened","currency":"","zone":"","limits":{}}', "reads schema version 3"),
        ("opened", 1, b'{"type":"opened","currency":"EUR"}', "time_zone"),
        ("opened", 1, b"[]", "list"),
        ("opened", 1, b"{", "truncated"),
    ],
)
def test_bytes_that_hold_no_event_are_unreadable_and_it_is_said_why(
    event_type: str, version: int, state: bytes, reason: str
) -> None:
    with pytest.raises(EventUnreadable, match=reason) as unreadable:
        CODEC.decode(event_type, version, state)
    assert (unreadable.value.event_type, unreadable.value.schema_version) == (event_type, version)


def test_a_version_without_an_upcaster_is_unreadable() -> None:
    with pytest.raises(EventUnreadable, match="reads schema version 3"):
        stand_in_codec({}).decode("opened", 1, CODEC.encode(OPENED)[2])


WRITTEN = [
    ("opened", 3, CODEC.encode(OPENED)[2]),
    ("closed", 1, b'{"type":"closed"}'),
    ("opened", 1, b'{"type":"opened","currency":"EUR","time_zone":"Europe/Paris"}'),
]


@pytest.mark.parametrize("number", range(len(WRITTEN) + 1))
def test_many_at_once_are_each_of_them(number: int) -> None:
    chosen = WRITTEN[:number] * 2
    kinds = ",".join([kind(event_type, version) for event_type, version, _ in chosen])
    states = [state for *_, state in chosen]
    assert CODEC.decode_all(kinds, states) == [CODEC.decode(*written) for written in chosen]


@pytest.mark.parametrize(
    ("event_type", "version", "state"),
    [
        ("opened", 3, b""),
        ("opened", 3, b'{"type":"closed"}'),
        ("closed", 2, b'{"type":"closed"}'),
        ("opened", 1, b'{"type":"opened","currency":"EUR"}'),
    ],
)
def test_one_that_is_unreadable_fails_all_at_once(event_type: str, version: int, state: bytes) -> None:
    good = b'{"type":"closed"}'
    with pytest.raises((EventUnreadable, msgspec.MsgspecError, ValueError)):
        CODEC.decode_all(f"closed:1,{kind(event_type, version)}", [good, state])


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_bytes_raise_anything_else(state: bytes) -> None:
    for version in (1, 3):
        with pytest.raises(EventUnreadable):
            CODEC.decode("opened", version, state)


def test_an_unreadable_row_is_named_with_its_place() -> None:
    append = Append("acme/a", Head.NONE, (new_event(), new_event(event_type="opened", schema_version=9)))
    stored = replace(chained_rows(LOG_ID, append, NOON)[1], position=77)
    with pytest.raises(EventUnreadable) as unreadable:
        CODEC.read(stored)
    assert (unreadable.value.account_id, unreadable.value.version, unreadable.value.position) == (
        "acme/a",
        2,
        77,
    )
    assert "'opened' in schema version 9 of account 'acme/a', version 2, position 77" in str(unreadable.value)


def test_a_row_is_read_as_its_event() -> None:
    event_type, schema_version, state = CODEC.encode(OPENED)
    event = new_event(event_type=event_type, schema_version=schema_version, state=state)
    [stored] = chained_rows(LOG_ID, Append("acme/a", Head.NONE, (event,)), NOON)
    assert CODEC.read(stored) == OPENED
