"""The whole log in order, as readers follow it: every event once, none stepped over."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventlog import SHARDS, EventLog, Head, StoredEvent, VersionConflict, shard_of
from tests.support.eventlog.sample_events import given_history, new_event, new_events


def _accounts_of_every_shard() -> list[str]:
    accounts: dict[int, str] = {}
    nth = 0
    while len(accounts) < SHARDS:
        accounts.setdefault(shard_of(f"acme/{nth}"), f"acme/{nth}")
        nth += 1
    return list(accounts.values())


def _follow(log: EventLog, limit: int, shards: range | None = None) -> list[StoredEvent]:
    events: list[StoredEvent] = []
    while page := log.read_settled(events[-1].position if events else 0, limit, shards):
        assert len(page) <= limit
        events += page
    return events


def test_the_first_event_ever_is_not_stepped_over(log: EventLog) -> None:
    assert log.read_settled(0, 100) == []
    stored = given_history(log, "acme/a", 1)
    assert log.read_settled(0, 100) == stored


def test_events_of_all_accounts_come_in_the_order_of_their_positions(log: EventLog) -> None:
    stored = [event for name in ("acme/b", "acme/a", "acme/b") for event in given_history(log, name, 2)]
    assert log.read_settled(0, 100) == stored
    assert log.read_settled(stored[2].position, 100) == stored[3:]
    assert log.read_settled(stored[-1].position, 100) == []


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
def test_pages_join_to_the_whole_log(log: EventLog, limit: int) -> None:
    stored = [event for nth in range(7) for event in given_history(log, f"acme/{nth}", nth % 3 + 1)]
    assert _follow(log, limit) == stored


def test_positions_that_were_burnt_do_not_hold_a_reader_up(log: EventLog) -> None:
    before = given_history(log, "acme/a", 1)
    for _ in range(3):
        with pytest.raises(VersionConflict):
            log.append("acme/a", Head.NONE, [new_event()])
    after = given_history(log, "acme/a", 1)
    assert after[0].position > before[0].position + 1, "nothing was burnt"
    assert log.read_settled(0, 100) == before + after
    assert log.read_settled(before[0].position, 100) == after


def test_a_log_of_burnt_positions_at_its_end_has_no_news(log: EventLog) -> None:
    [stored] = given_history(log, "acme/a", 1)
    with pytest.raises(VersionConflict):
        log.append("acme/a", Head.NONE, [new_event()])
    assert log.read_settled(stored.position, 100) == []


@pytest.mark.parametrize("width", [1, 2, 8, 9, 32, 64])
def test_ranges_of_shards_share_the_log_out(log: EventLog, width: int) -> None:
    stored = [event for name in _accounts_of_every_shard() for event in given_history(log, name, 2)]
    for first in range(0, SHARDS, width):
        shards = range(first, min(first + width, SHARDS))
        assert _follow(log, 5, shards) == [event for event in stored if event.shard in shards]


@pytest.mark.parametrize("shards", [range(0), range(5, 5), range(0, 64, 2)])
def test_shards_are_a_range_of_neighbours(log: EventLog, shards: range) -> None:
    with pytest.raises(ValueError, match="range of neighbours"):
        log.read_settled(0, 100, shards)


@given(
    appends=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 3), st.booleans()), max_size=12),
    limit=st.integers(1, 6),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_reader_sees_each_event_once_and_each_account_in_order_whatever_was_appended(
    log: EventLog, appends: list[tuple[int, int, bool]], limit: int
) -> None:
    seen = _follow(log, 1_000)
    expected = list(seen)
    for account, count, stale in appends:
        head = log.head(f"acme/{account}")
        if stale and head.version:
            with pytest.raises(VersionConflict):
                log.append(f"acme/{account}", Head.NONE, new_events(count))
        else:
            expected += log.append(f"acme/{account}", head, new_events(count))
    assert _follow(log, limit) == expected
