"""Documents and events together tell a reader everything that a story can expect (docs/scenarios.md)."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from domain.happened import Chronicle
from projections.history.as_of import AtVersion, as_of
from projections.models import access_windows, credit_notes, entitlements, invoices
from prorata.simulation.run import history_of, run
from prorata.simulation.scenario import read_scenario
from prorata.simulation.shown import Documents, Shown, shown_documents
from tests.support.projections.looking_back import ACCOUNT, log_of

SCENARIOS = Path(__file__).parents[2] / "scenarios"
STORIES = sorted(SCENARIOS.glob("*/*.json"))


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_a_story_ends_in_its_documents_as_in_simulation(path: Path) -> None:
    scenario = read_scenario(path, {})
    history = history_of(scenario)
    log, all_of_it = log_of(history), AtVersion(len(history))
    [held] = as_of(log, entitlements.FOLD, ACCOUNT, all_of_it)
    [windows] = as_of(log, access_windows.FOLD, ACCOUNT, all_of_it)
    documents = Documents(
        held,
        windows,
        as_of(log, invoices.FOLD, ACCOUNT, all_of_it),
        as_of(log, credit_notes.FOLD, ACCOUNT, all_of_it),
        Chronicle(held.time_zone).take_all(history).happened,
    )
    found = shown_documents(documents, scenario.catalog, at=scenario.until)
    assert by_product(found) == by_product(run(scenario).state)


def by_product(shown: Shown) -> Shown:
    """With products in order of their ids: their place is the catalogue's, whose later versions differ."""
    return replace(
        shown,
        entitlements=tuple(sorted(shown.entitlements, key=lambda one: one.product)),
        access_windows=tuple(sorted(shown.access_windows, key=lambda one: one.product)),
    )
