"""Few appends go together, many in halves; where statements are slow more of them go together."""

from __future__ import annotations

from eventlog.group_commit.pace import FEWEST, SERVERS_WORK, WORK, Pace


def test_where_statements_are_fast_few_go_together() -> None:
    pace = Pace()
    pace.took(0.000_1)
    assert pace.room == FEWEST


def test_the_slower_statements_are_the_more_go_together() -> None:
    pace = Pace()
    pace.took(0.006 + SERVERS_WORK)
    assert pace.room == round(0.006 / WORK)


def test_a_statement_is_not_slow_for_the_number_of_its_appends() -> None:
    pace = Pace()
    pace.took(0.002 + 200 * SERVERS_WORK, 200)
    assert pace.room == round(0.002 / WORK)
    pace.took(0.000_1, 200)
    assert pace.room <= round(0.002 / WORK)


def test_one_that_waited_for_a_rival_changes_little() -> None:
    pace = Pace()
    pace.took(0.002)
    pace.took(30.0)
    assert pace.room == 26


def test_what_changes_is_noticed_soon() -> None:
    pace = Pace()
    pace.took(0.01)
    for _ in range(50):
        pace.took(0.001)
    assert 10 <= pace.room <= 11
    for _ in range(50):
        pace.took(0.01)
    assert 90 < pace.room < 100


def test_few_wait_for_the_statement_under_way_but_not_for_one_that_waits_itself() -> None:
    pace = Pace()
    pace.took(0.002)
    pace.begins(now=1.0)
    assert pace.holds_back(8, now=1.002)
    assert not pace.holds_back(64, now=1.002)
    assert not pace.holds_back(8, now=1.1)
    pace.ends()
    assert not pace.holds_back(8, now=1.002)
