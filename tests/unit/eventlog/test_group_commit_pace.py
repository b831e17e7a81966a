"""Few appends go together, many in halves; on a slow disk more of them go together."""

from __future__ import annotations

from eventlog.group_commit.pace import FEWEST, Pace


def test_on_a_fast_disk_few_go_together() -> None:
    pace = Pace()
    pace.took(0.000_3)
    assert pace.room == FEWEST


def test_the_slower_the_disk_the_more_go_together() -> None:
    pace = Pace()
    pace.took(0.006)
    assert pace.room == 120


def test_one_that_waited_for_a_rival_changes_little() -> None:
    pace = Pace()
    pace.took(0.002)
    pace.took(30.0)
    assert pace.room == 44


def test_few_wait_for_the_statement_under_way_but_not_for_one_that_waits_itself() -> None:
    pace = Pace()
    pace.took(0.002)
    pace.begins(now=1.0)
    assert pace.holds_back(16, now=1.002)
    assert not pace.holds_back(64, now=1.002)
    assert not pace.holds_back(16, now=1.1)
    pace.ends()
    assert not pace.holds_back(16, now=1.002)


def test_a_disk_that_becomes_faster_is_noticed_at_once_and_one_that_becomes_slower_soon() -> None:
    pace = Pace()
    pace.took(0.01)
    pace.took(0.001)
    assert pace.room == FEWEST
    for _ in range(25):
        pace.took(0.01)
    assert pace.room == 200
