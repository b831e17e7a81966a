"""The map of `domain/` in docs/architecture.md is of the modules that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_map_names_every_module_of_the_domain_and_no_other() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    section = page.split("## The modules of `domain/`")[1].split("\n## ")[0]
    rows = [line.split(" | ", 1)[1] for line in section.splitlines() if line.startswith("| ")]
    named = set(re.findall(r"`(\w+)`", " ".join(rows)))
    assert named == {path.stem for path in (ROOT / "domain").glob("*.py")} - {"__init__"}
