"""What `domain/` may not contain, read off its code: clock, chance, I/O, floating point, and date arithmetic
outside `domain/calendar.py` (RULES.md 12, invariant 7; R5)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

DOMAIN = Path(__file__).parents[3] / "domain"
MODULES = sorted(DOMAIN.rglob("*.py"))

IMPORTABLE = {
    "__future__", "calendar", "collections", "contextlib", "datetime", "decimal", "domain", "functools",
    "hashlib", "importlib", "json", "msgspec", "re", "typing", "zoneinfo",
}  # fmt: skip
"""Nothing here reads a clock, draws lots or reaches outside; `importlib` reads the pinned zone data."""
IN_CALENDAR_ONLY = {"calendar", "importlib", "zoneinfo"}
FORBIDDEN_CALLS = {
    "open",
    "print",
    "input",
    "float",
    "eval",
    "exec",
    "round",
    "now",
    "utcnow",
    "today",
    "uuid4",
}
DATE_ARITHMETIC = {"date", "monthrange", "toordinal", "fromordinal", "relativedelta"}

every_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
outside_calendar = pytest.mark.parametrize(
    "path", [path for path in MODULES if path.stem != "calendar"], ids=lambda path: path.stem
)


def _nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def _imported(path: Path) -> set[str]:
    found = set()
    for node in _nodes(path):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found


def _called(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in _nodes(path):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id, node
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr, node


@every_module
def test_imports_neither_clock_nor_chance_nor_io(path: Path) -> None:
    assert sorted(_imported(path) - IMPORTABLE) == []


@outside_calendar
def test_reads_zone_data_in_calendar_alone(path: Path) -> None:
    assert sorted(_imported(path) & IN_CALENDAR_ONLY) == []


@every_module
def test_asks_no_clock_and_opens_nothing(path: Path) -> None:
    allowed = {"open"} if path.stem == "calendar" else set()
    assert sorted(name for name, _ in _called(path) if name in FORBIDDEN_CALLS - allowed) == []


@every_module
def test_has_no_floating_point(path: Path) -> None:
    literals = [node.value for node in _nodes(path) if isinstance(node, ast.Constant)]
    assert [value for value in literals if isinstance(value, float | complex)] == []
    names = [node.id for node in _nodes(path) if isinstance(node, ast.Name)]
    assert "float" not in names


@outside_calendar
def test_counts_no_days_outside_calendar(path: Path) -> None:
    assert (
        sorted(name for name, call in _called(path) if name in DATE_ARITHMETIC and _makes_a_date(call)) == []
    )
    for name, call in _called(path):
        if name == "timedelta":
            assert {keyword.arg for keyword in call.keywords} <= {"hours", "minutes", "seconds"}
            assert not call.args, "a span between instants is written in hours, never in days"


def _makes_a_date(call: ast.Call) -> bool:
    """`instant.date()` reads one off; `date(…)` makes one."""
    return isinstance(call.func, ast.Name) or bool(call.args)
