"""What a person reads of a scenario that does not hold: place, rule, step, and lists line by line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from domain.catalog import Catalog
from domain.texts import escaped
from prorata.simulation.readable import readable, rule_of
from prorata.simulation.run import run
from prorata.simulation.scenario import parse_scenario

SCENARIOS = Path(__file__).parents[2] / "scenarios"
CATALOGS: dict[Path, Catalog] = {}

STANDARD = {"at": "2026-03-20", "do": "purchase_plan", "product": "standard", "charged": "20.00"}
DOMAIN = {"at": "2026-04-05T18:30", "do": "purchase_addon", "product": "custom_domain", "charged": "4.84"}


def told(*steps: dict[str, Any], expect: dict[str, Any], rules: tuple[str, ...] = ("R6", "R12")) -> str:
    """The text of a story in Paris up to 1 May 2026."""
    story = {
        "name": "a story",
        "rules": rules,
        "account": {"currency": "EUR", "time_zone": "Europe/Paris"},
        "steps": steps,
        "until": "2026-05-01",
        "expect": expect,
    }
    scenario = parse_scenario(json.dumps(story).encode(), SCENARIOS, CATALOGS)
    return readable(run(scenario), scenario, "story.json")


def test_a_story_that_holds_is_one_line() -> None:
    assert told(STANDARD, DOMAIN, expect={}) == "ok   story.json: a story\n"


def test_expected_and_got_stand_below_each_other_with_the_step_that_was_taken() -> None:
    assert told(STANDARD, {**DOMAIN, "charged": "4.85"}, expect={}) == (
        "FAIL story.json: a story (R6, R12)\n"
        "     $.steps[1].charged: purchase_addon custom_domain at 2026-04-05T18:30:00+02:00\n"
        "       expected 4.85\n"
        "       got      4.84\n"
    )


def test_a_step_that_is_refused_says_by_which_code() -> None:
    again = {**DOMAIN, "at": "2026-04-06"}
    assert told(STANDARD, DOMAIN, again, expect={}).splitlines()[1:] == [
        "     $.steps[2]: purchase_addon custom_domain at 2026-04-06",
        "       expected not rejected",
        "       got      already_active",
    ]


def test_lists_of_different_lengths_are_compared_line_by_line_in_the_fields_that_are_named() -> None:
    invoices = [
        {"date": "2026-03-20", "total": "20.00"},
        {"date": "2026-04-05", "total": "4.85"},
        {"date": "2026-04-20", "total": "30.00"},
        {"date": "2026-05-01", "total": "1.00"},
    ]
    assert told(STANDARD, DOMAIN, expect={"invoices": invoices}).splitlines()[1:] == [
        "     $.expect.invoices (R24): 4 expected, 3 came",
        "         2026-03-20 20.00",
        "       - 2026-04-05 4.85",
        "       + 2026-04-05 4.84",
        "         2026-04-20 30.00",
        "       - 2026-05-01 1.00",
    ]


def test_windows_are_spans_written_alike_on_both_sides() -> None:
    windows = [
        {"from": "2026-03-20T00:00", "until": "2026-05-20"},
        {"from": "2026-05-21", "until": None},
    ]
    expect = {"access_windows": [{"product": "standard", "windows": windows}]}
    assert told(STANDARD, expect=expect, rules=()).splitlines() == [
        "FAIL story.json: a story",
        "     $.expect.access_windows[0].windows (R45): 2 expected, 1 came",
        "         2026-03-20 – 2026-05-20",
        "       - 2026-05-21 – no end",
    ]


def test_what_was_never_held_is_null() -> None:
    expect = {"entitlements": [{"product": "surveys", "status": "active"}]}
    assert told(STANDARD, expect=expect).splitlines()[1:] == [
        "     $.expect.entitlements[0] (R44)",
        '       expected {"product":"surveys","status":"active"}',
        "       got      null",
    ]


def test_an_expectation_on_the_way_says_when_it_was_looked_at() -> None:
    look = {"at": "2026-04-20", "do": "expect", "account": {"status": "past_due", "anchor": None}}
    assert told(STANDARD, look, expect={}).splitlines()[1:] == [
        "     $.steps[1].account.status (R38): expect at 2026-04-20",
        "       expected past_due",
        "       got      good",
        "     $.steps[1].account.anchor (R3): expect at 2026-04-20",
        "       expected null",
        "       got      2026-03-20",
    ]


@pytest.mark.parametrize(
    ("place", "rule"),
    [
        ("$.expect.invoices[1].lines[0].amount", "R6"),
        ("$.expect.invoices[1].lines[0].kind", "R47"),
        ("$.expect.invoices[1].status", "R38"),
        ("$.steps[3].entitlements[0].access_until", "R44"),
        ("$.steps[3].charged", None),
        ("$.steps[3]", None),
    ],
)
def test_a_part_of_the_state_names_its_rule(place: str, rule: str | None) -> None:
    assert rule_of(place) == rule


def test_a_name_moves_no_cursor_and_ends_no_line() -> None:
    assert escaped("a\nb\x1b[2J\u202eé") == "a\\nb\\u001b[2J\\u202eé"
