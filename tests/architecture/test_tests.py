"""Tests stand alone: what two of them share is in tests/support."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for folder in ("tests", "scripts") for path in (ROOT / folder).rglob("*.py"))
TEST = r"(?:test_\w+|conftest)\b"
IMPORTS_A_TEST = re.compile(
    rf"^\s*(?:(?:from|import) tests(?:\.\w+)*\.{TEST}|from tests[\w.]* import (?:\([^)]*|.*)\b{TEST}).*",
    re.MULTILINE,
)


def test_nothing_is_imported_from_a_test_or_a_conftest() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {statement}"
        for path in SOURCES
        for statement in IMPORTS_A_TEST.findall(path.read_text())
    ]
    assert found == []


def test_random_histories_are_played_in_the_property_tests_not_in_the_unit_tests() -> None:
    unit = [path for path in SOURCES if path.is_relative_to(ROOT / "tests" / "unit")]
    assert [path.name for path in unit if "tests.reference.stories" in path.read_text()] == []


def test_nothing_in_support_is_a_test() -> None:
    assert [path.name for path in (ROOT / "tests" / "support").rglob("test_*.py")] == []
