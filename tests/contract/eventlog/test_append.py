"""An append stores all of its events right after the head it was made for, or none."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.texts import is_plain
from eventlog import (
    NO_HASH,
    EventLog,
    EventRefused,
    Head,
    NewEvent,
    VersionConflict,
    hash_of,
    shard_of,
    verify_account,
)
from tests.support.eventlog.doors import EVERY_DOOR, SetClock
from tests.support.eventlog.sample_events import MORNING, NOON, given_history, new_event, new_events, versions

pytestmark = EVERY_DOOR

ACCOUNT = "acme/a-1"


def test_the_first_event_of_an_account_is_version_1_and_follows_nothing(log: EventLog) -> None:
    event = new_event()
    [stored] = log.append(ACCOUNT, Head.NONE, [event])
    assert (stored.account_id, stored.version, stored.previous_hash) == (ACCOUNT, 1, NO_HASH)
    assert stored.shard == shard_of(ACCOUNT)
    assert stored.recorded_at == NOON
    assert stored.hash == hash_of(log.log_id, stored)


def test_what_append_returns_is_what_can_be_read(log: EventLog) -> None:
    stored = log.append(ACCOUNT, Head.NONE, new_events(3))
    assert log.read_account(ACCOUNT) == stored
    assert log.head(ACCOUNT) == stored[-1].head


def test_later_events_go_on_from_the_head(log: EventLog) -> None:
    first = log.append(ACCOUNT, Head.NONE, new_events(4))
    second = log.append(ACCOUNT, first[-1].head, new_events(4))
    assert versions(first + second) == list(range(1, 9))
    positions = [event.position for event in first + second]
    assert positions == sorted(set(positions))
    assert verify_account(log.log_id, first + second) is None


def test_an_append_for_a_version_that_is_taken_is_a_conflict_that_says_where_the_account_is(
    log: EventLog,
) -> None:
    history = given_history(log, ACCOUNT, 3)
    with pytest.raises(VersionConflict) as conflict:
        log.append(ACCOUNT, history[0].head, [new_event()])
    assert (conflict.value.account_id, conflict.value.expected, conflict.value.actual) == (ACCOUNT, 1, 3)
    assert log.read_account(ACCOUNT) == history


@pytest.mark.parametrize("count", [1, 2])
def test_an_append_that_would_leave_a_gap_is_a_conflict(log: EventLog, count: int) -> None:
    history = given_history(log, ACCOUNT, 1)
    ahead = Head(version=5, hash=history[-1].hash, recorded_at=NOON)
    with pytest.raises(VersionConflict) as conflict:
        log.append(ACCOUNT, ahead, new_events(count))
    assert (conflict.value.expected, conflict.value.actual) == (5, 1)
    assert log.read_account(ACCOUNT) == history


@pytest.mark.parametrize("count", [1, 2])
def test_an_append_that_follows_another_history_is_a_conflict(log: EventLog, count: int) -> None:
    history = given_history(log, ACCOUNT, 1)
    elsewhere = Head(version=1, hash=b"\x01" * 32, recorded_at=NOON)
    with pytest.raises(VersionConflict, match="with another history"):
        log.append(ACCOUNT, elsewhere, new_events(count))
    assert log.read_account(ACCOUNT) == history


@pytest.mark.parametrize("count", [1, 2, 5])
def test_of_an_append_that_loses_nothing_is_stored(log: EventLog, count: int) -> None:
    history = given_history(log, ACCOUNT, 2)
    with pytest.raises(VersionConflict):
        log.append(ACCOUNT, history[0].head, new_events(count))
    assert log.read_account(ACCOUNT) == history
    assert log.read_settled(0, 100) == history


def test_an_append_sent_again_is_stored_once_and_answered_alike(log: EventLog, clock: SetClock) -> None:
    events = new_events(3)
    first = log.append(ACCOUNT, Head.NONE, events)
    clock.now += timedelta(minutes=1)
    assert log.append(ACCOUNT, Head.NONE, events) == first
    assert log.read_account(ACCOUNT) == first


def test_an_append_sent_again_after_others_followed_is_still_answered_alike(log: EventLog) -> None:
    events = new_events(2)
    first = log.append(ACCOUNT, Head.NONE, events)
    log.append(ACCOUNT, first[-1].head, new_events(2))
    assert log.append(ACCOUNT, Head.NONE, events) == first


def test_an_append_that_only_begins_like_a_stored_one_is_a_conflict(log: EventLog) -> None:
    events = new_events(2)
    log.append(ACCOUNT, Head.NONE, events)
    with pytest.raises(VersionConflict):
        log.append(ACCOUNT, Head.NONE, [events[0], new_event()])
    with pytest.raises(VersionConflict):
        log.append(ACCOUNT, Head.NONE, [*events, new_event()])


def test_recorded_at_follows_the_clock(log: EventLog, clock: SetClock) -> None:
    [first] = given_history(log, ACCOUNT, 1)
    clock.now = NOON + timedelta(microseconds=1)
    [second] = given_history(log, ACCOUNT, 1)
    assert (first.recorded_at, second.recorded_at) == (NOON, NOON + timedelta(microseconds=1))


def test_recorded_at_never_goes_back_within_an_account(log: EventLog, clock: SetClock) -> None:
    [first] = given_history(log, ACCOUNT, 1)
    clock.now = NOON - timedelta(hours=1)
    [second] = given_history(log, ACCOUNT, 1)
    [other] = given_history(log, "acme/a-2", 1)
    assert first.recorded_at == second.recorded_at == NOON
    assert other.recorded_at == NOON - timedelta(hours=1)


def test_instants_of_any_zone_come_back_as_the_same_instants_in_utc(log: EventLog) -> None:
    in_tokyo = datetime(2026, 4, 5, 17, 30, tzinfo=timezone(timedelta(hours=9)))
    log.append(ACCOUNT, Head.NONE, [new_event(effective_at=in_tokyo)])
    [stored] = log.read_account(ACCOUNT)
    assert stored.effective_at == MORNING
    assert stored.effective_at.utcoffset() == timedelta(0)
    assert verify_account(log.log_id, [stored]) is None


def test_absent_and_empty_stay_apart(log: EventLog) -> None:
    absent, empty = new_event(command_id=None, actor=None), new_event(command_id="", actor="", state=b"")
    log.append(ACCOUNT, Head.NONE, [absent, empty])
    first, second = log.read_account(ACCOUNT)
    assert (first.command_id, first.actor) == (None, None)
    assert (second.command_id, second.actor, second.state) == ("", "", b"")


_texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=30).filter(is_plain)
_events = st.builds(
    NewEvent,
    event_id=st.uuids(),
    command_id=st.none() | _texts,
    type=_texts,
    schema_version=st.integers(1, 32_767),
    effective_at=st.datetimes(
        min_value=datetime(2, 1, 1),  # noqa: DTZ001
        max_value=datetime(9998, 12, 31),  # noqa: DTZ001
        timezones=st.just(UTC),
    ),
    actor=st.none() | _texts,
    state=st.binary(max_size=300),
)


@given(events=st.lists(_events, min_size=1, max_size=4))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_event_comes_back_as_it_was_given_and_verifies(log: EventLog, events: list[NewEvent]) -> None:
    account_id = f"acme/{uuid4()}"
    log.append(account_id, Head.NONE, events)
    stored = log.read_account(account_id)
    assert [
        NewEvent(e.event_id, e.command_id, e.type, e.schema_version, e.effective_at, e.actor, e.state)
        for e in stored
    ] == events
    assert verify_account(log.log_id, stored) is None


@pytest.mark.parametrize("account_id", ["a" * 200, "é" * 100, "acme/a b", "acme/'; --", "acme/%s"])
def test_account_ids_are_any_text_of_up_to_200_bytes(log: EventLog, account_id: str) -> None:
    stored = given_history(log, account_id, 2)
    assert log.read_account(account_id) == stored


@pytest.mark.parametrize(
    ("account_id", "reason"),
    [
        ("", "1 to 200 bytes"),
        ("a" * 201, "1 to 200 bytes"),
        ("é" * 101, "1 to 200 bytes"),
        ("acme/\0", "without NUL"),
        ("acme/a\n1", "line breaks"),
        ("acme/\u202ea", "direction overrides"),
        ("acme/\ud800", "half characters"),
    ],
)
def test_an_account_id_that_cannot_be_kept_is_refused(log: EventLog, account_id: str, reason: str) -> None:
    with pytest.raises(EventRefused, match=reason):
        log.append(account_id, Head.NONE, [new_event()])
    assert log.last_position() == 0


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (new_event(command_id="a\0b"), "no control characters"),
        (new_event(command_id="a\x1b[2J"), "no control characters"),
        (new_event(actor="u-1\n9  account_closed"), "line breaks"),
        (new_event(event_type="opened\u2028"), "line breaks"),
        (new_event(actor="\udfff"), "half characters"),
        (new_event(schema_version=0), "between 1 and 32767"),
        (new_event(schema_version=40_000), "between 1 and 32767"),
        (new_event(effective_at=datetime(2026, 4, 5)), "no time zone"),  # noqa: DTZ001
    ],
)
def test_an_event_that_cannot_be_kept_is_refused_with_those_beside_it(
    log: EventLog, event: NewEvent, reason: str
) -> None:
    with pytest.raises(EventRefused, match=reason):
        log.append(ACCOUNT, Head.NONE, [new_event(), event])
    assert log.read_account(ACCOUNT) == []


def test_an_append_of_no_events_is_refused(log: EventLog) -> None:
    with pytest.raises(EventRefused, match="no event"):
        log.append(ACCOUNT, Head.NONE, [])


@pytest.mark.parametrize(("version", "size"), [(-1, 32), (0, 32), (1, 0), (1, 31), (1, 33)])
def test_a_head_that_no_log_gave_is_refused(log: EventLog, version: int, size: int) -> None:
    with pytest.raises(EventRefused, match="not read from a log"):
        log.append(ACCOUNT, Head(version=version, hash=b"\x01" * size, recorded_at=None), [new_event()])
