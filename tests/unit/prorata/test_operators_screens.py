"""What operators look at fits 80 columns, keeps its indent, and is red only where a terminal shows it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest
from rich.console import Console

from projections.live.lag import LaneLag, ProjectionLag
from projections.live.parking import Parked
from prorata.cli.operate.project_screen import print_lags, print_parked
from prorata.cli.terminal.tables import hanging
from prorata.processes.version import code_version

LANES = tuple(LaneLag(n, 1_234_560 + n, 0, 0.0, f"project {n // 4}") for n in range(7))
BEHIND = LaneLag(7, 1_000_000, 1, 12.34, None)
LAGS = [ProjectionLag("access_windows", 1_000_000, 1, 12.34, 2, (*LANES, BEHIND))]


def shown(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines printed, none of which is wider than 80 columns."""
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    return [line.rstrip() for line in lines if line.strip()]


def test_lag_has_a_row_for_each_run_of_lanes_that_are_alike(capsys: pytest.CaptureFixture[str]) -> None:
    print_lags(LAGS)
    rows = shown(capsys)[2:]
    assert [row.split()[:3] for row in rows] == [
        ["access_windows", "all", "1000000"],
        ["0", "–", "3"],
        ["4", "–", "6"],
        ["7", "1000000", "1"],
    ]
    assert "1 event " in rows[3]
    assert rows[3].endswith("12.3 s            nobody")


def test_lag_of_nothing_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    print_lags([])
    assert "prorata migrate" in " ".join(shown(capsys))


def test_parked_is_a_paragraph_for_each_account_that_keeps_its_indent(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = "EventUnreadable: the event of type plan_purchased, schema version 9, is of a later version " * 2
    print_parked([Parked("entitlements", "main/a1", 3, 120, error, datetime(2026, 4, 5, 8, tzinfo=UTC))])
    first, since, *rest = shown(capsys)
    assert first == "main/a1 in entitlements"
    assert since == "  since 2026-04-05 08:00Z, at its event 3 (position 120)"
    assert all(line.startswith("  ") for line in rest)
    assert rest[-1] == "  once the cause is gone: prorata release main/a1"


@pytest.mark.parametrize(("is_terminal", "red"), [(True, True), (False, False)])
def test_trouble_is_red_on_a_terminal_alone(is_terminal: bool, red: bool) -> None:
    out = Console(width=80, force_terminal=is_terminal, color_system="standard" if is_terminal else None)
    with out.capture() as captured:
        hanging(out, "!", "the broker does not answer", "red")
    assert ("\x1b[31m" in captured.get()) is red


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("stauts", 'Did you mean "status"?'),
        ("catalog lod", 'Did you mean "load"?'),
        ("histroy a1", 'Did you mean "history"?'),
    ],
)
def test_an_unknown_command_is_answered_with_the_one_that_was_meant(line: str, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "prorata", *line.split()], capture_output=True, text=True, check=False
    )
    assert (done.returncode, said in done.stderr) == (2, True)


def test_version_says_what_processes_say_of_themselves() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "prorata", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"prorata {code_version()}\n"
