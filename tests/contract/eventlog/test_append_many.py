"""Many appends share a statement, and each of them wins or loses for itself."""

import pytest

from eventlog import (
    Append,
    EventLog,
    EventRefused,
    Head,
    Outcome,
    StoredEvent,
    VersionConflict,
    verify_account,
)
from tests.support.eventlog.doors import EVERY_DOOR
from tests.support.eventlog.sample_events import an_append, given_history, new_events, versions

pytestmark = EVERY_DOOR


def _stored(outcome: Outcome) -> list[StoredEvent]:
    assert isinstance(outcome, list)
    return outcome


def test_no_appends_have_no_outcomes(log: EventLog) -> None:
    assert log.append_many([]) == []
    assert log.append_together([]) == []


@pytest.mark.parametrize("counts", [[1, 1, 1, 1], [1, 3, 1, 2]], ids=["one event each", "several events"])
def test_outcomes_come_in_the_order_of_the_appends(log: EventLog, counts: list[int]) -> None:
    names = ["acme/d", "acme/a", "zeta/c", "acme/b"]
    appends = [an_append(name, count=count) for name, count in zip(names, counts, strict=True)]
    outcomes = [_stored(outcome) for outcome in log.append_many(appends)]
    for append, stored in zip(appends, outcomes, strict=True):
        assert [event.event_id for event in stored] == [event.event_id for event in append.events]
        assert log.read_account(append.account_id) == stored
        assert verify_account(log.log_id, stored) is None


@pytest.mark.parametrize("count", [1, 3])
def test_an_append_that_loses_leaves_the_others_alone(log: EventLog, count: int) -> None:
    history = given_history(log, "acme/taken", 2)
    first, lost, second = log.append_many(
        [
            an_append("acme/free-1", count=count),
            an_append("acme/taken", history[0].head, count=count),
            an_append("acme/free-2", count=count),
        ]
    )
    assert len(_stored(first)) == len(_stored(second)) == count
    assert isinstance(lost, VersionConflict)
    assert (lost.account_id, lost.expected, lost.actual) == ("acme/taken", 1, 2)
    assert log.read_account("acme/taken") == history


def test_an_append_that_is_refused_leaves_the_others_alone(log: EventLog) -> None:
    refused, stored = log.append_many([an_append("acme/\0"), an_append("acme/a")])
    assert isinstance(refused, EventRefused)
    assert log.read_account("acme/a") == stored


def test_of_two_appends_to_one_account_the_first_wins(log: EventLog) -> None:
    first, second = log.append_many([an_append("acme/a", count=2), an_append("acme/a")])
    assert log.read_account("acme/a") == first
    assert isinstance(second, VersionConflict)
    assert (second.expected, second.actual) == (0, 2)


def test_appends_sent_again_are_answered_alike_beside_new_ones(log: EventLog) -> None:
    again = an_append("acme/b", count=2)
    [first] = log.append_many([again])
    new, repeated = log.append_many([an_append("acme/a"), again])
    assert repeated == first
    assert versions(_stored(new)) == [1]


def test_appends_together_are_all_stored(log: EventLog) -> None:
    history = given_history(log, "acme/b", 2)
    together = log.append_together([an_append("acme/b", history[-1].head, 2), an_append("acme/a")])
    assert [versions(stored) for stored in together] == [[3, 4], [1]]
    assert log.read_account("acme/b") == history + together[0]
    assert log.read_account("acme/a") == together[1]


@pytest.mark.parametrize("loser", [0, 1, 2])
def test_of_appends_together_none_is_stored_when_one_loses(log: EventLog, loser: int) -> None:
    names = ["acme/a", "acme/b", "acme/c"]
    history = given_history(log, names[loser], 1)
    with pytest.raises(VersionConflict) as conflict:
        log.append_together([an_append(name, count=2) for name in names])
    assert (conflict.value.account_id, conflict.value.expected, conflict.value.actual) == (names[loser], 0, 1)
    assert log.read_settled(0, 100) == history


def test_appends_together_sent_again_are_stored_once_and_answered_alike(log: EventLog) -> None:
    appends = [an_append("acme/b", count=2), an_append("acme/a", count=1)]
    first = log.append_together(appends)
    assert log.append_together(appends) == first
    assert len(log.read_settled(0, 100)) == 3


def test_appends_together_that_were_stored_only_in_part_are_a_conflict(log: EventLog) -> None:
    stored, unknown = an_append("acme/a"), an_append("acme/b")
    log.append_many([stored])
    with pytest.raises(VersionConflict):
        log.append_together([stored, unknown])
    assert log.head("acme/b") == Head.NONE


def test_appends_together_are_to_different_accounts(log: EventLog) -> None:
    with pytest.raises(ValueError, match="one append for each account"):
        log.append_together([an_append("acme/a"), Append("acme/a", Head.NONE, tuple(new_events(2)))])
    assert log.last_position() == 0
