"""Tests stand alone: what two of them share is in tests/support."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for folder in ("tests", "scripts") for path in (ROOT / folder).rglob("*.py"))


def test_nothing_is_imported_from_a_test_or_a_conftest() -> None:
    found = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in SOURCES
        for name in _imported(ast.parse(path.read_bytes()))
        if _is_test(name)
    }
    assert sorted(found) == []


def test_nothing_in_support_is_a_test() -> None:
    assert [path.name for path in (ROOT / "tests" / "support").rglob("test_*.py")] == []


def _imported(module: ast.Module) -> set[str]:
    """The dotted names of all imports, wherever they stand; `from a import b` may mean `a.b`."""
    names: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _is_test(name: str) -> bool:
    package, *inside = name.split(".")
    return package == "tests" and any(part == "conftest" or part.startswith("test_") for part in inside)
