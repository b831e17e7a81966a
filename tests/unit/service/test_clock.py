"""Nothing is billed by a clock that is ahead of the database's."""

from datetime import UTC, datetime, timedelta

import pytest

from service.clock import CHECKED_EVERY, CheckedClock, FixedClock
from service.errors import ClockAhead

NOW = datetime(2026, 4, 5, 8, 30, tzinfo=UTC)
LIMIT = timedelta(seconds=60)


class Machine:
    """A machine's clock and a database's, and how often that one was asked."""

    def __init__(self, *, ahead: timedelta = timedelta()) -> None:
        self.system = FixedClock(NOW + ahead)
        self.database = NOW
        self.passed = 0.0
        self.asked = 0
        self.clock = CheckedClock(self.system, self._ask, limit=LIMIT, monotonic=lambda: self.passed)

    def _ask(self) -> datetime:
        self.asked += 1
        return self.database

    def wait(self, seconds: float) -> None:
        """Time passes for all alike."""
        self.passed += seconds
        self.system.advance(timedelta(seconds=seconds))
        self.database += timedelta(seconds=seconds)


@pytest.mark.parametrize("ahead", [timedelta(days=-90), timedelta(), LIMIT])
def test_a_clock_that_is_not_ahead_by_more_than_the_limit_is_read(ahead: timedelta) -> None:
    assert Machine(ahead=ahead).clock.now() == NOW + ahead


def test_a_clock_that_is_ahead_is_refused_with_both_numbers() -> None:
    machine = Machine(ahead=timedelta(days=90))
    with pytest.raises(ClockAhead, match=r"7776000 seconds ahead of the database's, and 60 are allowed"):
        machine.clock.now()


def test_a_clock_that_jumps_ahead_is_refused_at_once() -> None:
    machine = Machine()
    machine.clock.now()
    machine.system.advance(timedelta(seconds=61))
    with pytest.raises(ClockAhead):
        machine.clock.now()


def test_a_clock_that_creeps_ahead_is_refused() -> None:
    machine = Machine()
    for _ in range(60):
        machine.clock.now()
        machine.wait(1)
        machine.system.advance(timedelta(seconds=1))
    machine.wait(CHECKED_EVERY)
    machine.system.advance(timedelta(seconds=1))
    with pytest.raises(ClockAhead):
        machine.clock.now()


def test_a_clock_that_was_set_right_is_read_again() -> None:
    machine = Machine(ahead=timedelta(hours=1))
    with pytest.raises(ClockAhead):
        machine.clock.now()
    machine.system.at = machine.database
    assert machine.clock.now() == NOW


def test_the_database_is_asked_now_and_then_and_not_for_every_command() -> None:
    machine = Machine()
    for _ in range(100):
        machine.clock.now()
        machine.wait(CHECKED_EVERY / 100)
    assert machine.asked == 1
    machine.wait(1)
    machine.clock.now()
    assert machine.asked == 2
