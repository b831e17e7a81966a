"""The reference model checks itself: the worked examples of RULES.md hold in it too."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reference.play import read, unmet

EXAMPLES = Path(__file__).parent.parent / "scenarios" / "examples"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_the_reference_model_tells_the_example(path: Path) -> None:
    assert unmet(read(path)) == []
