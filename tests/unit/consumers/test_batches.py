"""What a consumer makes of records: the proof that none is missing, and what is left for the handler."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from kafka.consumer.fetcher import ConsumerRecord
from msgspec.structs import replace

from consumers.batches import Batch, is_last_of, read_batch
from consumers.checkpoints import PartitionCheckpoint
from consumers.errors import ConsumerHalted
from eventlog import NewEvent, StoredEvent
from eventlog.memory import MemoryEventLog
from publishing.envelope import (
    Heartbeat,
    PublishedState,
    Record,
    event_record,
    heartbeat_record,
    state_record,
)
from publishing.headers import EventHeaders
from publishing.topics import Topic, Topics
from publishing.wire import encoded
from tests.support.eventlog.sample_events import NOON, new_event

TOPICS = Topics()
EVENTS, WINDOWS = TOPICS.events, TOPICS.access_windows
LOG = MemoryEventLog(log_id=UUID(int=1))
HEARTBEAT = Heartbeat(LOG.log_id, 9, datetime(2026, 4, 5, tzinfo=UTC))


def stored_events(*types: str) -> list[StoredEvent]:
    """Events of an account, of these types."""
    log = MemoryEventLog(log_id=LOG.log_id)
    new: list[NewEvent] = [new_event(event_type=event_type) for event_type in types]
    return log.append("acme/a-1", log.head("acme/a-1"), new)


def events(*types: str) -> list[Record]:
    """Their records, the first one at position 1."""
    stored = stored_events(*types)
    return [event_record(EVENTS, EventHeaders(LOG.log_id), event, 0, event.position - 1) for event in stored]


def state(key: str, fold: int, revision: int) -> Record:
    """A state of that account."""
    published = PublishedState(LOG.log_id, "access_windows", key, fold, revision, b"{}")
    return state_record(WINDOWS, key, published, 0, NOON)


def read(topic: Topic, *records: Record, place: dict[str, Any] | None = None) -> Batch:
    """The batch of these records, from offset 100 on."""
    before = PartitionCheckpoint("test", topic.name, 0, 100, None, 0, None, None, 0)
    before = replace(before, **(place or {}))
    return read_batch(topic, before, [_sent(record, nth) for nth, record in enumerate(records, 100)])


def _sent(record: Record, offset: int) -> ConsumerRecord:
    sizes = (len(record.key), len(record.value), 0)
    return ConsumerRecord(
        record.topic, 0, 0, offset, 0, 0, record.key, record.value, record.pairs, None, *sizes
    )


def halts(code: str, topic: Topic, *records: Record, place: dict[str, Any] | None = None) -> str:
    """The message with which these records halt the consumer."""
    with pytest.raises(ConsumerHalted) as halted:
        read(topic, *records, place=place)
    assert halted.value.code == code
    return str(halted.value)


def test_events_in_order_move_the_place_behind_them() -> None:
    batch = read(EVENTS, *events("plan_purchased", "addon_purchased"))
    assert [letter.record.offset for letter in batch.letters] == [100, 101]
    assert (batch.after.next_offset, batch.after.last_position, batch.after.log_id) == (102, 2, LOG.log_id)
    assert batch.before.next_offset == 100


def test_a_missing_event_halts_and_says_which() -> None:
    first, _, third = events("plan_purchased", "addon_purchased", "addon_removed")
    message = halts("gap", EVENTS, first, third)
    assert "offset 101: it follows position 2, and the last one read is 1" in message


def test_a_missing_event_is_noticed_from_one_batch_to_the_next() -> None:
    _, second = events("plan_purchased", "addon_purchased")
    halts("gap", EVENTS, second)
    assert read(EVENTS, second, place={"last_position": 1}).after.last_position == 2


def test_an_event_that_comes_again_halts() -> None:
    first, second = events("plan_purchased", "addon_purchased")
    halts("repeated", EVENTS, first, second, first)


def test_events_of_unknown_types_are_skipped_and_counted_and_still_part_of_the_chain() -> None:
    batch = read(EVENTS, *events("plan_purchased", "plan_teleported", "addon_removed"))
    assert [letter.record.offset for letter in batch.letters] == [100, 102]
    assert (batch.after.skipped, batch.after.last_position) == (1, 3)


def test_another_logs_events_halt() -> None:
    halts("foreign_log", EVENTS, *events("plan_purchased"), place={"log_id": UUID(int=2)})


def test_a_record_that_is_in_no_chain_halts() -> None:
    [record] = events("plan_purchased")
    without = [header for header in record.pairs if header[0] != "prev"]
    halts("unchained", EVENTS, record._replace(headers=encoded(without)))


def test_heartbeats_are_remembered_and_not_handled() -> None:
    beat = heartbeat_record(EVENTS, 0, HEARTBEAT)
    batch = read(EVENTS, beat, *events("plan_purchased"), beat)
    assert len(batch.letters) == 1
    assert (batch.after.heartbeat_position, batch.after.heartbeat_at) == (9, HEARTBEAT.log_time)


@pytest.mark.parametrize("heard_of", [{"last_position": 10}, {"heartbeat_position": 10}])
@pytest.mark.parametrize("topic", [EVENTS, WINDOWS])
def test_a_heartbeat_of_a_log_that_ends_before_what_was_heard_of_halts(
    topic: Topic, heard_of: dict[str, int]
) -> None:
    message = halts("log_restored", topic, heartbeat_record(topic, 0, HEARTBEAT), place=heard_of)
    assert "the log ends at position 9, and 10 was heard of before" in message
    assert "prorata replay" in message


def test_the_last_event_is_known_again_by_offset_position_and_hash() -> None:
    records = events("plan_purchased", "addon_purchased")
    place = read(EVENTS, *records).after
    assert is_last_of(place, _sent(records[1], 101))
    assert not is_last_of(place, _sent(records[1], 102))
    assert not is_last_of(place, _sent(records[0], 101))
    assert not is_last_of(place, _sent(events("plan_purchased", "addon_purchased")[1], 101))


def test_an_altered_event_is_a_letter_with_an_error() -> None:
    stored = replace(stored_events("plan_purchased")[0], state=b"{}")
    [letter] = read(EVENTS, event_record(EVENTS, EventHeaders(LOG.log_id), stored, 0, 0)).letters
    assert letter.message is None
    assert letter.error is not None
    assert "altered" in letter.error


def test_an_unreadable_envelope_is_a_letter_with_an_error() -> None:
    [record] = events("plan_purchased")
    without = [header for header in record.pairs if header[0] != "hash"]
    [letter] = read(EVENTS, record._replace(headers=encoded(without))).letters
    assert (letter.message, letter.key) == (None, b"acme/a-1")


def test_of_the_states_of_a_key_the_newest_is_left() -> None:
    batch = read(WINDOWS, state("a/1", 1, 5), state("a/2", 1, 6), state("a/1", 1, 7), state("a/2", 1, 6))
    assert [(letter.key, letter.record.offset) for letter in batch.letters] == [(b"a/1", 102), (b"a/2", 103)]


@pytest.mark.parametrize("lower", [(1, 9), (2, 4)])
def test_a_lower_state_changes_nothing(lower: tuple[int, int]) -> None:
    batch = read(WINDOWS, state("a/1", 2, 5), state("a/1", *lower))
    assert [letter.record.offset for letter in batch.letters] == [100]
    assert batch.after.next_offset == 102


def test_a_corrected_fold_comes_before_a_higher_revision() -> None:
    batch = read(WINDOWS, state("a/1", 1, 9), state("a/1", 2, 5))
    assert [letter.record.offset for letter in batch.letters] == [101]


def test_states_behind_an_unreadable_one_of_their_key_stay_behind_it() -> None:
    unreadable = state("a/1", 1, 6)._replace(headers=encoded([("ce_type", b"access_windows")]))
    batch = read(WINDOWS, state("a/1", 1, 5), unreadable, state("a/1", 1, 7), state("a/1", 1, 8))
    assert [letter.record.offset for letter in batch.letters] == [100, 101, 103]
