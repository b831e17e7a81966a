"""Histories kept in memory: each look is that of the log, whatever was kept."""

from __future__ import annotations

import pytest

from domain.calendar import begins_at
from eventlog import StoredEvent
from eventlog.errors import EventUnreadable
from eventlog.memory import MemoryEventLog
from projections.history.as_of import AtInstant, AtVersion, events_of
from projections.history.kept import KeptHistories
from projections.history.past import past
from tests.support.eventlog.sample_events import new_event
from tests.support.service.world import World, memory_world

ACCOUNT = "main/a1"


@pytest.fixture
def world() -> World:
    world = memory_world()
    world.open("a1")
    world.say(do="purchase_plan", account="a1", product="standard", at="2026-03-20")
    return world


def test_a_kept_history_shows_the_past_as_the_log_does(world: World) -> None:
    histories = KeptHistories(world.log)
    for day in (5, 8):
        world.say(do="purchase_addon", account="a1", product="custom_domain", at=f"2026-04-{day:02}")
        world.say(do="remove_addon", account="a1", product="custom_domain", at=f"2026-04-{day + 1:02}")
        events = list(events_of(world.log, ACCOUNT))
        kept = histories.of(ACCOUNT)
        assert kept.stored == events
        for version in range(1, len(events) + 1):
            assert kept.past(AtVersion(version)) == past(events, AtVersion(version))
        at = AtInstant(begins_at(events[-1].effective_at.date(), "Europe/Paris"))
        assert kept.past(at) == past(events, at)


def test_only_what_is_new_of_a_kept_history_is_read(world: World) -> None:
    asked: list[int] = []

    class Watched(MemoryEventLog):
        def read_account(
            self, account_id: str, after_version: int = 0, limit: int | None = None
        ) -> list[StoredEvent]:
            asked.append(after_version)
            return world.log.read_account(account_id, after_version, limit)

    histories = KeptHistories(Watched())
    first = histories.of(ACCOUNT)
    assert histories.of(ACCOUNT) is first
    world.say(do="cancel_plan", account="a1", family="marketing", at="2026-04-01")
    assert len(histories.of(ACCOUNT).stored) == len(first.stored) + 1
    last = first.stored[-1].version - 1
    assert asked == [0, last, last]


def test_a_log_that_lost_its_end_is_read_anew(world: World) -> None:
    histories = KeptHistories(world.log)
    assert histories.of(ACCOUNT).stored
    restored = memory_world()
    restored.open("a1")
    histories._log = restored.log
    assert histories.of(ACCOUNT).stored == restored.log.read_account(ACCOUNT)


def test_histories_beyond_the_bound_are_dropped_the_oldest_look_first(world: World) -> None:
    world.open("a2")
    world.open("a3")
    histories = KeptHistories(world.log, most_events=4)
    kept = histories.of(ACCOUNT)
    histories.of("main/a2")
    assert list(histories._kept) == [ACCOUNT, "main/a2"]
    assert histories.of("main/a3").stored
    assert list(histories._kept) == ["main/a2", "main/a3"]
    assert histories.of(ACCOUNT) == kept


def test_an_account_that_is_not_there_has_no_history(world: World) -> None:
    assert KeptHistories(world.log).of("main/none").past() is None


def test_a_moment_before_an_event_that_cannot_be_read_is_shown_and_a_later_one_is_refused(
    world: World,
) -> None:
    head = world.log.head(ACCOUNT)
    world.log.append(ACCOUNT, head, [new_event(event_type="from_the_future")])
    kept = KeptHistories(world.log).of(ACCOUNT)
    found = kept.past(AtVersion(head.version))
    assert found is not None
    assert found.last.version == head.version
    with pytest.raises(EventUnreadable):
        kept.past()
