"""What a consumer makes of records: the proof that none is missing, and what is left for the handler."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from consumers.batches import Batch, is_last_of
from consumers.errors import ConsumerHalted
from consumers.horizon import Horizon
from publishing.envelope import Heartbeat, Record, decode
from publishing.topics import Topic
from publishing.wire import encoded
from tests.support.consumers.records import (
    EVENTS,
    LOG_ID,
    WINDOWS,
    event_records,
    events,
    heartbeat,
    read,
    sent,
    state,
    stored_events,
    with_header,
)

FAR: int = 1 << 60


def offsets(batch: Batch) -> list[int]:
    return [letter.record.offset for letter in batch.letters]


def halts(code: str, topic: Topic, *records: Record, **known: Any) -> str:
    """The message with which these records halt the consumer."""
    with pytest.raises(ConsumerHalted) as halted:
        read(topic, *records, **known)
    assert halted.value.code == code
    return str(halted.value)


def test_events_in_order_move_the_checkpoint_behind_them() -> None:
    batch = read(EVENTS, *events("plan_purchased", "addon_purchased"))
    assert offsets(batch) == [100, 101]
    assert (batch.after.next_offset, batch.after.last_position, batch.after.log_id) == (102, 2, LOG_ID)
    assert (batch.before.next_offset, batch.taken, batch.after.refused) == (100, 2, 0)


def test_what_follows_a_missing_event_waits_and_would_halt() -> None:
    first, _, third = events("plan_purchased", "addon_purchased", "addon_removed")
    batch = read(EVENTS, first, third)
    assert (offsets(batch), batch.taken, batch.after.next_offset) == ([100], 1, 101)
    assert batch.undecided is not None
    assert batch.undecided.code == "gap"
    assert "offset 101: it follows position 2, and the last one read is 1" in str(batch.undecided)
    assert "prorata replay" in str(batch.undecided)


def test_a_missing_event_is_noticed_from_one_batch_to_the_next() -> None:
    _, second = events("plan_purchased", "addon_purchased")
    assert read(EVENTS, second).undecided is not None
    assert read(EVENTS, second, last_position=1).after.last_position == 2


def test_an_event_that_follows_nothing_is_refused_once_the_right_one_comes() -> None:
    first, second, third = events("plan_purchased", "addon_purchased", "addon_removed")
    batch = read(EVENTS, first, third, second, third)
    assert (offsets(batch), batch.after.last_position, batch.undecided) == ([100, 102, 103], 3, None)
    assert (batch.after.refused, batch.after.refused_offset) == (1, 101)


def test_an_event_that_comes_again_is_refused() -> None:
    first, second = events("plan_purchased", "addon_purchased")
    batch = read(EVENTS, first, second, first, second)
    assert (offsets(batch), batch.after.refused, batch.after.next_offset) == ([100, 101], 2, 104)


def test_events_of_unknown_types_are_skipped_and_counted_and_still_part_of_the_chain() -> None:
    batch = read(EVENTS, *events("plan_purchased", "plan_teleported", "addon_removed"))
    assert offsets(batch) == [100, 102]
    assert (batch.after.skipped, batch.after.last_position) == (1, 3)


def test_one_record_of_another_log_is_refused() -> None:
    batch = read(EVENTS, *events("plan_purchased"), log_id=UUID(int=2))
    assert (batch.letters, batch.after.refused, batch.after.log_id) == ((), 1, UUID(int=2))


@pytest.mark.parametrize("topic", [EVENTS, WINDOWS])
def test_a_log_whose_heartbeats_go_on_is_another_log(topic: Topic) -> None:
    foreign = heartbeat(topic, 5, log_id=UUID(int=2))
    assert read(topic, foreign, heartbeat(topic, 5), foreign, log_id=LOG_ID).after.refused == 2
    halts("foreign_log", topic, foreign, foreign, log_id=LOG_ID)


@pytest.mark.parametrize("name", ["pos", "prev", "ce_type", "ce_source", "hash", "event_id"])
def test_an_event_without_a_header_moves_nothing(name: str) -> None:
    first, second = events("plan_purchased", "addon_purchased")
    batch = read(EVENTS, with_header(first, name, None), first, second)
    assert [letter.message for letter in batch.letters if letter.message] != []
    assert (batch.after.last_position, batch.after.refused) == (2, 1)


def test_heartbeats_are_remembered_and_not_handled() -> None:
    beat = heartbeat(EVENTS, 9)
    batch = read(EVENTS, heartbeat(EVENTS, 0), *events("plan_purchased"), beat)
    assert len(batch.letters) == 1
    assert batch.after.heartbeat_position == 9
    assert batch.after.heartbeat_at is not None


@pytest.mark.parametrize("topic", [EVENTS, WINDOWS])
def test_a_heartbeat_below_what_was_taken_in_is_refused_and_the_second_in_a_row_halts(topic: Topic) -> None:
    low, right = heartbeat(topic, 9), heartbeat(topic, 10)
    alone = read(topic, right, low, last_position=10).after
    assert (alone.refused, alone.heartbeat_at, alone.heartbeat_position) == (1, None, 10)
    healed = read(topic, low, right, low, right, last_position=10).after
    assert (healed.refused, healed.heartbeat_position, healed.doubts) == (2, 10, 0)
    assert healed.heartbeat_at is not None
    message = halts("log_restored", topic, low, low, last_position=10)
    assert "the log ends at position 9, and 10 was taken in" in message
    assert "prorata replay" in message


@pytest.mark.parametrize("topic", [EVENTS, WINDOWS])
def test_a_heartbeat_of_the_far_future_blinds_nobody(topic: Topic) -> None:
    batch = read(topic, heartbeat(topic, 5), heartbeat(topic, FAR), heartbeat(topic, 6), heartbeat(topic, 7))
    assert (batch.after.heartbeat_position, batch.after.refused, batch.after.doubts) == (7, 1, 0)
    assert batch.after.heartbeat_at is not None
    just_after = read(topic, heartbeat(topic, FAR), heartbeat(topic, 6)).after
    assert just_after.heartbeat_at is None


def test_a_replay_gets_past_heartbeats_that_later_ones_contradict() -> None:
    low = heartbeat(EVENTS, 1)
    beats = [decode(EVENTS, b.key, b.value, b.pairs) for b in (heartbeat(EVENTS, 3), heartbeat(EVENTS, 4))]
    assert isinstance(beats[0], Heartbeat)
    assert isinstance(beats[1], Heartbeat)
    records = *events("plan_purchased", "addon_purchased", "addon_removed"), low, low, low
    assert read(EVENTS, *records, horizon=Horizon(beats[0], beats[1], 500)).after.refused == 3


def test_the_last_event_is_known_again_by_offset_position_and_hash() -> None:
    records = events("plan_purchased", "addon_purchased")
    checkpoint = read(EVENTS, *records).after
    assert is_last_of(checkpoint, sent(records[1], 101))
    assert not is_last_of(checkpoint, sent(records[1], 102))
    assert not is_last_of(checkpoint, sent(records[0], 101))
    assert not is_last_of(checkpoint, sent(events("plan_purchased", "addon_purchased")[1], 101))


def test_an_altered_event_in_its_place_parks_its_account_and_the_chain_goes_on() -> None:
    first, second = stored_events("plan_purchased", "addon_purchased")
    records = event_records([replace(first, state=b"{}"), second])
    batch = read(EVENTS, *records)
    assert batch.letters[0].message is None
    assert "altered" in (batch.letters[0].error or "")
    assert (batch.after.last_position, batch.undecided) == (2, None)


def test_a_forged_event_in_the_next_ones_place_does_not_break_the_chain() -> None:
    first, second = stored_events("plan_purchased", "addon_purchased")
    forged = event_records([replace(second, position=FAR, state=b"{}")], first.position)
    batch = read(EVENTS, *event_records([first]), *forged, *event_records([second], first.position))
    assert offsets(batch) == [100, 102]
    assert (batch.after.last_position, batch.undecided, batch.after.refused) == (2, None, 1)


def test_of_the_states_of_a_key_the_newest_is_left() -> None:
    states = state("a/1", 1, 5), state("a/2", 1, 6), state("a/1", 1, 7), state("a/2", 1, 6)
    batch = read(WINDOWS, *states, heartbeat(WINDOWS, 9))
    assert [(letter.key, letter.record.offset) for letter in batch.letters] == [(b"a/1", 102), (b"a/2", 103)]


@pytest.mark.parametrize("lower", [(1, 9), (2, 4)])
def test_a_lower_state_changes_nothing(lower: tuple[int, int]) -> None:
    batch = read(WINDOWS, state("a/1", 2, 5), state("a/1", *lower), heartbeat(WINDOWS, 9))
    assert offsets(batch) == [100]
    assert batch.after.next_offset == 103


def test_a_corrected_fold_comes_before_a_higher_revision() -> None:
    assert offsets(read(WINDOWS, state("a/1", 1, 9), state("a/1", 2, 5), heartbeat(WINDOWS, 9))) == [101]


def test_a_state_waits_for_a_heartbeat_that_covers_it() -> None:
    alone = read(WINDOWS, state("a/1", 1, 5))
    assert (alone.letters, alone.taken, alone.undecided) == ((), 0, None)
    assert offsets(read(WINDOWS, state("a/1", 1, 5), heartbeat(WINDOWS, 4), heartbeat(WINDOWS, 5))) == [100]


@pytest.mark.parametrize("beyond", [(1, FAR), (1 << 30, 5)])
def test_a_state_beyond_the_heartbeats_is_refused_and_the_genuine_one_stays(beyond: tuple[int, int]) -> None:
    beats = heartbeat(WINDOWS, 9, fold=1), heartbeat(WINDOWS, 9, fold=1)
    batch = read(WINDOWS, state("a/1", 1, 5), state("a/1", *beyond), *beats, last_position=4)
    assert offsets(batch) == [100]
    assert (batch.after.refused, batch.after.last_position) == (1, 5)


def test_a_forged_low_heartbeat_does_not_refuse_what_the_next_one_covers() -> None:
    batch = read(WINDOWS, state("a/1", 1, 60), heartbeat(WINDOWS, 0), heartbeat(WINDOWS, 60))
    assert offsets(batch) == [100]


def test_a_state_sent_again_replaces_a_forged_one_of_a_higher_revision() -> None:
    forged, again = state("a/1", 1, 8), state("a/1", 1, 5, refreshed_at=9)
    assert offsets(read(WINDOWS, forged, again, heartbeat(WINDOWS, 9))) == [101]


@pytest.mark.parametrize(
    "broken",
    [
        state("a/1", 1, 6)._replace(key=b"a/2"),
        state("a/1", 1, 6, value=b'{"account":"a/2","fold":1,"revision":6}'),
        state("a/1", 1, 6, value=b"{"),
        state("a/1", 1, 6)._replace(value=None),  # type: ignore[arg-type]
        with_header(state("a/1", 1, 6), "revision", b"7"),
        with_header(state("a/1", 1, 6), "fold", b"9" * 4000),
        with_header(state("a/1", 1, 6), "ce_subject", b"\xff"),
        state("a/1", 1, 6)._replace(headers=encoded([("ce_type", b"access_windows")])),
        state("a/1", 1, 6)._replace(headers=encoded([*state("a/1", 1, 6).pairs, ("fold", b"1")])),
        state("a/1", 1, 6)._replace(headers=encoded([("x", b"y")] * 5000)),
        state("a/1", 1, 6)._replace(headers=encoded([]), value=b""),
    ],
)
def test_a_state_that_is_not_the_contracts_is_refused_and_the_next_one_taken_in(broken: Record) -> None:
    batch = read(WINDOWS, state("a/1", 1, 5), broken, state("a/1", 1, 7), heartbeat(WINDOWS, 9))
    assert (offsets(batch), batch.after.refused) == ([102], 1)
