"""Windows that touch are one, an empty one is not kept, and what has ended is not ended again (R45)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.state import Window
from domain.windows import close_window, open_window, renew_window

DAYS = [datetime(2026, 3, day, tzinfo=UTC) for day in range(1, 10)]


def _windows(*spans: tuple[int, int | None]) -> tuple[Window, ...]:
    return tuple(Window(DAYS[start], None if until is None else DAYS[until]) for start, until in spans)


@pytest.mark.parametrize(
    ("before", "start", "until", "after"),
    [
        ([], 1, 3, [(1, 3)]),
        ([], 1, None, [(1, None)]),
        ([], 3, 3, []),
        ([], 3, 2, []),
        ([(1, 3)], 3, 5, [(1, 5)]),
        ([(1, 3)], 2, 5, [(1, 5)]),
        ([(1, 3)], 4, 5, [(1, 3), (4, 5)]),
        ([(1, 3)], 4, 4, [(1, 3)]),
        ([(1, 3)], 3, 3, [(1, 3)]),
        ([(1, 5)], 2, 3, [(1, 5)]),
        ([(1, 3)], 3, None, [(1, None)]),
        ([(1, None)], 3, 5, [(1, None)]),
        ([(1, None)], 3, None, [(1, None)]),
        ([(0, 1), (2, 3)], 3, 4, [(0, 1), (2, 4)]),
    ],
)
def test_one_more_span_is_joined_to_the_last_where_they_touch(
    before: list[tuple[int, int | None]],
    start: int,
    until: int | None,
    after: list[tuple[int, int | None]],
) -> None:
    end = None if until is None else DAYS[until]
    windows = {"other": _windows((0, 1)), "this": _windows(*before)}
    open_window(windows, "this", DAYS[start], end)
    assert windows == {"other": _windows((0, 1)), "this": _windows(*after)}


@pytest.mark.parametrize(
    ("before", "at", "after"),
    [
        ([(1, 5)], 3, [(1, 3)]),
        ([(1, None)], 3, [(1, 3)]),
        ([(1, 3)], 3, [(1, 3)]),
        ([(1, 3)], 4, [(1, 3)]),
        ([(1, 3)], 1, []),
        ([(2, 3)], 1, []),
        ([(0, 1), (2, None)], 2, [(0, 1)]),
        ([(0, 1), (2, None)], 4, [(0, 1), (2, 4)]),
        ([], 3, []),
    ],
)
def test_access_ends_at_the_instant_if_it_has_not_ended_before(
    before: list[tuple[int, int | None]], at: int, after: list[tuple[int, int | None]]
) -> None:
    windows = {"this": _windows(*before)}
    close_window(windows, "this", DAYS[at])
    assert windows == {"this": _windows(*after)}


def test_what_was_never_used_has_no_window_to_close() -> None:
    windows: dict[str, tuple[Window, ...]] = {}
    close_window(windows, "this", DAYS[1])
    assert windows == {}


@pytest.mark.parametrize(
    "before", [[], [(1, 3)], [(1, 2)], [(1, 4)], [(1, 8)], [(1, None)], [(0, 1), (2, 3)]]
)
def test_a_renewed_cycle_is_joined_like_any_other_span(before: list[tuple[int, int | None]]) -> None:
    renewed, opened = {"p": _windows(*before)}, {"p": _windows(*before)}
    renew_window(renewed, "p", DAYS[3], DAYS[5])
    open_window(opened, "p", DAYS[3], DAYS[5])
    assert renewed == opened
    assert renewed["p"][-1].until in {None, DAYS[5], DAYS[8]}
