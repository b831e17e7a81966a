"""Together the stories show every rule that a scenario can express, and meet every refusal."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path

import jsonschema
import pytest

from scripts.rules_table import LATER, RULES, TABLE, cited, code, table

HERE = Path(__file__).parent
SCHEMA = json.loads((HERE / "schema.json").read_text(encoding="utf-8"))
STORIES = {path.stem: json.loads(path.read_bytes()) for path in sorted((HERE / "stories").glob("*.json"))}
EXAMPLES = {path.stem: json.loads(path.read_bytes()) for path in sorted((HERE / "examples").glob("*.json"))}
NOT_OF_ONE_ACCOUNTS_STORY = {"R48", "R49", "R50", "R78", "R92", "R93", "R95", "R97"}
"""Previews, shop, billing page and statement are asked for, not lived through; clocks are of systems; persons
are kept outside the log."""

MET_BY_NO_STORY = {"unknown_account", "tax_unavailable"}
"""A story's account is opened by itself, and its table of taxes always has an answer."""

CODE = cache(code)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule not in NOT_OF_ONE_ACCOUNTS_STORY | LATER])
def test_at_least_two_stories_show_the_rule(rule: str) -> None:
    assert len([name for name, story in STORIES.items() if rule in story["rules"]]) >= 2


@pytest.mark.parametrize("code", sorted(set(SCHEMA["$defs"]["code"]["enum"]) - MET_BY_NO_STORY))
def test_some_story_meets_the_refusal(code: str) -> None:
    assert [name for name, story in STORIES.items() if _meets(story, code)]


def test_every_story_keeps_to_the_schema_and_says_what_it_shows() -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for name, story in STORIES.items():
        assert [error.message for error in validator.iter_errors(story)] == [], name
        assert story["rules"], name
        assert story.get("expect"), name


def test_every_story_makes_a_promise_of_its_own() -> None:
    promises = Counter(story["name"] for story in STORIES.values())
    assert [promise for promise, times in promises.items() if times > 1] == []


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule not in LATER])
def test_some_code_says_that_it_keeps_the_rule(rule: str) -> None:
    assert CODE()[rule] != []


@pytest.mark.parametrize("rule", sorted(LATER))
def test_a_rule_that_is_built_later_is_shown_by_no_scenario(rule: str) -> None:
    """Once it is built a story shows it, and it is no longer one of `LATER`."""
    told = {**STORIES, **EXAMPLES}
    assert [name for name, story in told.items() if rule in story.get("rules", ())] == []


def test_a_range_of_rules_cites_those_with_a_letter_that_stand_in_it() -> None:
    assert cited("(R7-R9, R41a)") == {"R7", "R8", "R8a", "R9", "R41a"}
    assert cited("R40–R41a, R8") == {"R40", "R41", "R41a", "R8"}
    assert cited("R0, R99, R1a, R97-R99") == set()


def test_the_table_of_the_rules_is_up_to_date() -> None:
    assert TABLE.read_text(encoding="utf-8") == table(), "run: python -m scripts.rules_table"


def _meets(story: dict[str, list[dict[str, str]]], code: str) -> bool:
    return any(step.get("rejected") == code for step in story["steps"])
