"""The project's own stories hold, in the product and in the reference model of the rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.catalog import Catalog
from prorata.simulation.run import run
from prorata.simulation.scenario import read_scenario
from tests.reference.agreement import first_difference
from tests.reference.play import read, unmet

STORIES = sorted((Path(__file__).parent / "stories").glob("*.json"))
CATALOGS: dict[Path, Catalog] = {}


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_story_holds(path: Path) -> None:
    result = run(read_scenario(path, CATALOGS))
    assert result.mismatches == ()
    assert result.ok


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_reference_model_tells_the_same_story(path: Path) -> None:
    story = read(path)
    assert unmet(story) == []
    assert first_difference(story) is None
