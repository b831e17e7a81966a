"""The envelope: every field that the chain's hash covers goes there and back, and a change of any shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from eventlog import StoredEvent
from eventlog.memory import MemoryEventLog
from publishing.envelope import (
    HEARTBEAT_KEY,
    Heartbeat,
    PublishedEvent,
    PublishedState,
    Record,
    decode,
    event_record,
    heartbeat_record,
    state_record,
)
from publishing.errors import EnvelopeUnreadable
from publishing.headers import EventHeaders
from publishing.topics import Topics
from tests.support.eventlog.sample_events import NOON, given_history, new_event

LOG_ID = UUID("3f0b3a7e-5d0c-4c8f-9d3e-111111111111")
TOPICS = Topics()
TOPIC = TOPICS.events


def stored_event(**fields: Any) -> StoredEvent:
    """An event as a log keeps it."""
    log = MemoryEventLog(log_id=LOG_ID, clock=lambda: NOON)
    given_history(log, "acme/ä-1", 2)
    [stored] = log.append("acme/ä-1", log.head("acme/ä-1"), [new_event(**fields)])
    return stored


def record_of(stored: StoredEvent, prev: int = 2) -> Record:
    """Its record."""
    partition = TOPIC.partition_of(stored.account_id)
    return event_record(TOPIC, EventHeaders(LOG_ID), stored, partition, prev, "test")


def read(record: Record) -> Any:
    """The record's message."""
    return decode(TOPIC, record.key, record.value, record.pairs)


@pytest.mark.parametrize(
    "fields",
    [{}, {"command_id": None, "actor": None}, {"command_id": "", "actor": "ü"}, {"state": b"\x00\xff"}],
)
def test_an_event_goes_there_and_back(fields: dict[str, Any]) -> None:
    stored = stored_event(**fields)
    message = read(record_of(stored))
    assert message == PublishedEvent(LOG_ID, 2, stored, "test")
    assert message.is_intact()


def test_an_event_is_a_cloud_event_with_the_stored_bytes_as_its_value() -> None:
    stored = stored_event()
    record = record_of(stored)
    headers = {name: value.decode() for name, value in record.pairs}
    assert (record.key, record.value) == ("acme/ä-1".encode(), stored.state)
    assert headers == {
        "content-type": "application/json",
        "ce_specversion": "1.0",
        "ce_id": "3f0b3a7e-5d0c-4c8f-9d3e-111111111111/3",
        "ce_source": "urn:uuid:3f0b3a7e-5d0c-4c8f-9d3e-111111111111",
        "ce_type": "addon_purchased",
        "ce_subject": "acme/ä-1",
        "ce_time": "2026-04-05T12:00:00.123456+00:00",
        "ce_dataschema": "urn:prorata:schema:billing.events.v1:addon_purchased:1",
        "ce_clock": "test",
        "ce_pos": "3",
        "ce_prev": "2",
        "ce_version": "3",
        "pos": "3",
        "prev": "2",
        "version": "3",
        "schema_version": "1",
        "event_id": str(stored.event_id),
        "effective_at": "2026-04-05T08:30:00+00:00",
        "command_id": "command-1",
        "actor": "owner:u-1",
        "previous_hash": stored.previous_hash.hex(),
        "hash": stored.hash.hex(),
    }


@pytest.mark.parametrize(
    "change",
    [
        {"version": 4},
        {"event_id": UUID(int=1)},
        {"command_id": None},
        {"type": "addon_removed"},
        {"schema_version": 2},
        {"recorded_at": NOON + timedelta(microseconds=1)},
        {"effective_at": NOON},
        {"actor": None},
        {"state": b"{}"},
        {"previous_hash": bytes(31) + b"\x01"},
        {"hash": bytes(31) + b"\x01"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_is_altered_shows(change: dict[str, Any]) -> None:
    altered = replace(stored_event(), **change)
    assert not read(record_of(altered)).is_intact()


def test_another_logs_event_is_not_intact() -> None:
    record = event_record(TOPIC, EventHeaders(UUID(int=7)), stored_event(), 0, 2)
    assert not read(record).is_intact()


@pytest.mark.parametrize("missing", ["pos", "prev", "version", "hash", "ce_source", "ce_subject", "ce_type"])
def test_a_record_without_one_of_its_headers_is_refused_by_name(missing: str) -> None:
    record = record_of(stored_event())
    headers = [header for header in record.pairs if header[0] != missing]
    with pytest.raises(EnvelopeUnreadable, match=f"billing.events.v1 .*{missing}"):
        decode(TOPIC, record.key, record.value, headers)


def test_a_record_under_another_key_is_refused() -> None:
    record = record_of(stored_event())
    with pytest.raises(EnvelopeUnreadable, match="its key is not the account's id"):
        decode(TOPIC, b"acme/b-1", record.value, record.pairs)


def test_a_state_goes_there_and_back() -> None:
    value = b'{"account":"acme/a-1","fold":2,"revision":70,"clock":"wall"}'
    state = PublishedState(LOG_ID, "invoices", "acme/a-1", fold=2, revision=70, value=value, clock="wall")
    topic = TOPICS.invoices
    record = state_record(topic, "acme/a-1/1", state, 3, NOON)
    assert record[:4] == (topic.name, 3, b"acme/a-1/1", value)
    assert decode(topic, record.key, record.value, record.pairs) == state
    headers = dict(record.pairs)
    assert headers["ce_id"] == f"{LOG_ID}/70/billing.invoices.v1/acme/a-1/1/2".encode()
    assert headers["ce_dataschema"] == b"urn:prorata:schema:billing.invoices.v1"
    assert (headers["ce_revision"], headers["ce_fold"], headers["ce_clock"]) == (b"70", b"2", b"wall")


def test_what_was_published_before_release_2_says_no_clock() -> None:
    record = record_of(stored_event())
    extensions = ("ce_clock", "ce_pos", "ce_prev", "ce_version", "ce_dataschema")
    older = [header for header in record.pairs if header[0] not in extensions]
    message = decode(TOPIC, record.key, record.value, older)
    assert isinstance(message, PublishedEvent)
    assert (message.clock, message.is_intact()) == (None, True)


def test_a_clock_that_there_is_not_is_refused() -> None:
    record = record_of(stored_event())
    headers = [(name, b"lunar" if name == "ce_clock" else value) for name, value in record.pairs]
    with pytest.raises(EnvelopeUnreadable, match="no clock 'lunar'"):
        decode(TOPIC, record.key, record.value, headers)


def test_every_extension_has_a_name_that_cloudevents_allow() -> None:
    """Lower-case letters and digits: an SDK drops, or refuses, what has another name."""
    state = PublishedState(LOG_ID, "invoices", "acme/a-1", 2, 70, b"{}", clock="wall")
    for record in (record_of(stored_event()), state_record(TOPICS.invoices, "acme/a-1/1", state, 3, NOON)):
        names = [name.removeprefix("ce_") for name, _ in record.pairs if name.startswith("ce_")]
        assert all(name.isalnum() and name.islower() and len(name) <= 20 for name in names)


def test_a_heartbeat_goes_there_and_back_on_any_topic() -> None:
    heartbeat = Heartbeat(LOG_ID, 70, datetime(2026, 4, 5, 12, tzinfo=UTC))
    for topic in TOPICS.public:
        record = heartbeat_record(topic, 5, heartbeat)
        assert (record.key, record.partition) == (HEARTBEAT_KEY, 5)
        assert decode(topic, record.key, record.value, record.pairs) == heartbeat


def test_the_same_event_has_the_same_record_each_time() -> None:
    stored = stored_event()
    assert record_of(stored) == record_of(stored)
