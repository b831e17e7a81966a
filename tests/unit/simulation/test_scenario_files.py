"""What is not a scenario is refused with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from domain.catalog import Catalog
from domain.errors import InvalidInput
from prorata.cli.simulate import play
from prorata.simulation.run import run
from prorata.simulation.scenario import parse_scenario

SCENARIOS = Path(__file__).parents[2] / "scenarios"
CATALOGS: dict[Path, Catalog] = {}
STORY: dict[str, Any] = {
    "name": "a story",
    "account": {"currency": "EUR", "time_zone": "Europe/Paris"},
    "steps": [{"at": "2026-03-20", "do": "purchase_plan", "product": "standard"}],
    "until": "2026-05-01",
}
STEP = STORY["steps"][0]


def refused(data: bytes) -> tuple[str, str]:
    with pytest.raises(InvalidInput) as caught:
        parse_scenario(data, SCENARIOS, CATALOGS)
    return caught.value.place, caught.value.message


@pytest.mark.parametrize(
    ("step", "place", "message"),
    [
        ({**STEP, "tier": None}, "$.steps[0].tier", "null is no value: leave the field out"),
        ({**STEP, "do": "fly"}, "$.steps[0].do", "there is no command 'fly'"),
        ({**STEP, "colour": 1}, "$.steps[0]", "Object contains unknown field `colour`"),
        (
            {**STEP, "expected_total": "1" * 18},
            "$.steps[0].expected_total",
            "an amount has at most 15 digits",
        ),
        (
            {**STEP, "rejected": "past_due", "charged": "1.00"},
            "$.steps[0].rejected",
            "a rejected step has no `charged`, no `outcome` and no `answer`",
        ),
        (
            {**STEP, "at": "2026-03-20T10:00:00.5"},
            "$.steps[0].at",
            "'2026-03-20T10:00:00.5' is not a moment: it has parts of a second",
        ),
        (
            {**STEP, "at": "2026-03-29T02:30"},
            "$.steps[0].at",
            "the local time 2026-03-29T02:30:00 does not exist in Europe/Paris",
        ),
        ({**STEP, "at": "2026-05-02"}, "$.steps[0].at", "no step is after `until`"),
    ],
)
def test_a_step_that_is_none_is_told_with_its_place(step: dict[str, Any], place: str, message: str) -> None:
    assert refused(json.dumps({**STORY, "steps": [step]}).encode()) == (place, message)


def test_an_amount_with_a_line_end_is_none() -> None:
    step = {**STEP, "charged": "20.00\n"}
    assert refused(json.dumps({**STORY, "steps": [step]}).encode())[0] == "$.steps[0].charged"


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (json.dumps(STORY).replace('"until"', '"name": "another", "until"'), "$"),
        (json.dumps(STORY).replace('"do"', '"at": "2026-03-21", "do"'), "$.steps[0]"),
        (json.dumps(STORY).replace('"currency"', '"currency": "USD", "currency"'), "$.account"),
    ],
)
def test_a_field_that_stands_twice_is_refused(data: str, place: str) -> None:
    where, message = refused(data.encode())
    assert where == place
    assert message.endswith("stands twice")


def test_centuries_of_renewals_are_settled_in_seconds() -> None:
    story = {**STORY, "until": "2926-03-20", "expect": {"account": {"next_renewal": "2926-04-20"}}}
    result = run(parse_scenario(json.dumps(story).encode(), SCENARIOS, CATALOGS))
    assert result.mismatches == ()
    assert len(result.state.invoices) == 900 * 12 + 1


def test_a_refused_file_says_its_name_and_place_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "story.json"
    file.write_text(json.dumps({**STORY, "a\nb": 1}))
    played = play(file, json=False)
    assert (played.out, played.exit_code) == ("", 2)
    assert played.err == f"{file}: Object contains unknown field `a\\nb` - at `$`\n"
