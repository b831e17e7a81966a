"""The reference model checks itself: the worked examples of RULES.md hold in it too."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reference.agreement import BEFORE_R41A
from tests.reference.play import read, unmet

EXAMPLES = Path(__file__).parent.parent / "scenarios" / "examples"
FILES = sorted(path for path in EXAMPLES.glob("*.json") if path.stem not in BEFORE_R41A)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_reference_model_tells_the_example(path: Path) -> None:
    assert unmet(read(path)) == []
