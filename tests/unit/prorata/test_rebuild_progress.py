"""How far a rebuild is, in a line."""

import pytest

from projections.rebuild.rebuilding import Phase, RebuildProgress
from prorata.cli.operate.rebuild import EVERY, ProgressLines


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def folded(events: int, units: int, *, resumed: int = 0, phase: Phase = "fold") -> RebuildProgress:
    return RebuildProgress(phase, events, 10_000_000, units, 256, resumed)


def test_it_says_the_rate_and_what_is_left(clock: Clock) -> None:
    said = ProgressLines("calendar", clock)
    clock.now += 10
    assert said.line(folded(1_000_000, 25)) == (
        "calendar: folded 1,000,000 of at most 10,000,000 events, 100,000/s, about 90 s left"
    )


def test_what_an_interrupted_run_has_done_is_said_and_not_in_the_rate(clock: Clock) -> None:
    said = ProgressLines("calendar", clock)
    assert said.line(folded(4_000_000, 100, resumed=4_000_000)) == (
        "calendar: folded 4,000,000 of at most 10,000,000 events; "
        "going on after 100 of 256 units that an interrupted run has done"
    )
    clock.now += 20
    assert said.line(folded(5_000_000, 125, resumed=4_000_000)).endswith("50,000/s, about 100 s left")


def test_without_a_terminal_it_says_each_phase_and_little_between(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    said = ProgressLines("calendar", clock)
    for second in range(12):
        said.print_if_due(folded(second * 1_000, second))
        clock.now += 1
    said.print_if_due(folded(10_000_000, 256))
    said.print_if_due(folded(10_000_000, 256, phase="index"))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 12 / EVERY // 1 + 1 + 2
    assert lines[-1] == "calendar: index …"
    assert "folded 10,000,000 of" in lines[-2]
