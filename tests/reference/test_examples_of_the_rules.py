"""The reference model checks itself: the worked examples of RULES.md hold in it too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.reference.agreement import unmet

EXAMPLES = Path(__file__).parent.parent / "scenarios" / "examples"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_the_reference_model_tells_the_example(path: Path) -> None:
    scenario = json.loads(path.read_text(encoding="utf-8"))
    catalogue = scenario.get("catalog", "../catalog.json")
    if isinstance(catalogue, str):
        catalogue = json.loads((path.parent / catalogue).read_text(encoding="utf-8"))
    assert unmet(scenario, catalogue) == []
