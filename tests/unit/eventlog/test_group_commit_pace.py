"""Few appends go together, many in halves; where statements are slow more of them go together."""

from __future__ import annotations

from eventlog.group_commit.pace import FEWEST, Pace


def test_where_statements_are_fast_few_go_together() -> None:
    pace = Pace()
    pace.took(0.000_1)
    assert pace.room == FEWEST


def test_the_slower_statements_are_the_more_go_together() -> None:
    pace = Pace()
    pace.took(0.006)
    assert pace.room == 120


def test_one_that_waited_for_a_rival_changes_little() -> None:
    pace = Pace()
    pace.took(0.002)
    pace.took(30.0)
    assert pace.room == 52


def test_what_changes_is_noticed_soon() -> None:
    pace = Pace()
    pace.took(0.01)
    for _ in range(50):
        pace.took(0.001)
    assert 20 <= pace.room <= 21
    for _ in range(50):
        pace.took(0.01)
    assert 180 < pace.room < 200


def test_few_wait_for_the_statement_under_way_but_not_for_one_that_waits_itself() -> None:
    pace = Pace()
    pace.took(0.002)
    pace.begins(now=1.0)
    assert pace.holds_back(16, now=1.002)
    assert not pace.holds_back(64, now=1.002)
    assert not pace.holds_back(16, now=1.1)
    pace.ends()
    assert not pace.holds_back(16, now=1.002)
