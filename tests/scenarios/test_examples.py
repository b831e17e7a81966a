"""The worked examples of the rules hold in the simulation."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.catalog import Catalog
from prorata.simulation.run import run
from prorata.simulation.scenario import read_scenario

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.json"))
CATALOGS: dict[Path, Catalog] = {}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_holds(path: Path) -> None:
    result = run(read_scenario(path, CATALOGS))
    assert result.mismatches == ()
    assert result.ok


def test_the_examples_together_show_most_rules() -> None:
    shown = {rule for path in EXAMPLES for rule in read_scenario(path, CATALOGS).rules}
    not_of_one_story = {"R48", "R49", "R50", "R19"}
    assert {f"R{number}" for number in range(1, 48)} - shown - not_of_one_story == set()
