"""Heartbeats are quick while something is published and seldom while nothing is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from consumers.entitlement_cache import MAX_AGE
from publishing.holding import PRODUCTION
from publishing.rhythm import Rhythm

MORNING = datetime(2026, 4, 5, 8, tzinfo=UTC)


def beats(seconds: int, *, events_at: tuple[int, ...] = (), begun: datetime = MORNING) -> list[int]:
    """The seconds at which heartbeats go out, of a relay that asks each second."""
    rhythm, found = Rhythm(PRODUCTION.idle_seconds), []
    for second in range(seconds):
        log_time = begun + timedelta(seconds=second)
        due = rhythm.is_due(float(second), log_time)
        rhythm.went_out(float(second), log_time if due else None, events=int(second in events_at))
        found += [second] if due else []
    return found


def test_an_idle_stream_has_one_every_half_minute_after_its_beginning() -> None:
    assert beats(100) == [0, 1, 31, 61, 91]


def test_two_follow_each_event_within_seconds() -> None:
    assert beats(50, events_at=(10,)) == [0, 1, 11, 12, 42]
    assert beats(20, events_at=(10, 11, 12)) == [0, 1, 11, 12, 13]


def test_the_first_of_a_day_is_never_late() -> None:
    before_midnight = datetime(2026, 4, 5, 23, 59, 50, tzinfo=UTC)
    assert beats(15, begun=before_midnight) == [0, 1, 10]


def test_one_that_would_not_be_true_is_made_up_for() -> None:
    rhythm = Rhythm(30.0)
    for second in range(3):  # a long transaction holds it back
        assert rhythm.is_due(float(second), MORNING)
        rhythm.went_out(float(second), None, events=0)


def test_readers_never_take_what_they_know_for_old_while_a_relay_is_idle() -> None:
    assert timedelta(seconds=PRODUCTION.idle_seconds + PRODUCTION.lease_seconds) < MAX_AGE
