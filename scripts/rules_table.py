"""Write docs/rule-index.md: each rule with its code, the scenarios that show it and the tests that cite it.

python -m scripts.rules_table            # writes docs/rule-index.md
python -m scripts.rules_table --check    # exit 1 if it is out of date
"""

from __future__ import annotations

import argparse
import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "docs" / "rule-index.md"
LAST = 98
LETTERED = {8: "R8a", 41: "R41a"}
"""A rule that stands between two numbers, by the number before it."""
RULES = tuple(
    rule for number in range(1, LAST + 1) for rule in (f"R{number}", LETTERED.get(number)) if rule is not None
)
LATER = frozenset({"R88", "R89", "R90", "R91", "R94"})
"""Documents, which are not built yet: no story can show them."""

KEEPING = ("domain", "service/persons")
"""Where rules are kept."""

_RULE = r"R([1-9][0-9]?)(a?)"
_CITED = re.compile(rf"\b{_RULE}(?:\s*[-–]\s*{_RULE})?\b")
_HEADING = re.compile(r"^- \*\*(R[0-9]+a?)(?: ([^*]*?))?\.?\*\*(.*)", re.MULTILINE)

HEAD = """\
# Rules, code, scenarios, tests

Made by `python -m scripts.rules_table` from what stands in the code; a test refuses a stale one. The rules
themselves are in [RULES.md](RULES.md). Code: what of `domain/` or `service/persons/` cites the rule; *later*:
it is not built yet. Scenarios: files of `tests/scenarios` that list it. Tests: modules that cite it.

| rule | code | scenarios | tests |
|---|---|---|---|
"""


def cited(text: str) -> set[str]:
    """The rules that a text cites; a range such as R38-R41 cites each rule in it, R38-R41a also the last."""
    found = set()
    for first, letter, last, last_letter in _CITED.findall(text):
        if not last:
            found.add(f"R{first}{letter}")
            continue
        ends = (f"R{first}{letter}", f"R{last}{last_letter}")
        if set(ends) <= set(RULES):
            found |= set(RULES[RULES.index(ends[0]) : RULES.index(ends[1]) + 1])
    return found & set(RULES)


def names() -> dict[str, str]:
    """Rule → its first words in RULES.md."""
    text = (ROOT / "docs" / "RULES.md").read_text()
    found = {}
    for rule, title, rest in _HEADING.findall(text):
        found[rule] = (title or " ".join(rest.split()[:6])).strip(" :.")
    return found


def code() -> dict[str, list[str]]:
    """Rule → the modules, functions and classes of domain/ and service/persons/ that cite it; a module does
    so in its docstring."""
    found: dict[str, list[str]] = {rule: [] for rule in RULES}
    for path in [path for folder in KEEPING for path in sorted((ROOT / folder).glob("*.py"))]:
        source = path.read_text()
        lines = source.splitlines()
        tree = ast.parse(source)
        for rule in cited(ast.get_docstring(tree) or ""):
            module = path.parent.name if path.stem == "__init__" else path.stem
            found[rule].append(f"[{module}](../{path.relative_to(ROOT)})")
        for node, name in _definitions(tree):
            own = "\n".join(lines[node.lineno - 1 : node.end_lineno])
            for rule in cited(own):
                found[rule].append(f"[{path.stem}.{name}](../{path.relative_to(ROOT)})")
    return found


def _definitions(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef | ast.ClassDef, str]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node, node.name


def scenarios() -> dict[str, list[Path]]:
    """Rule → the scenario files that list it."""
    found: dict[str, list[Path]] = {rule: [] for rule in RULES}
    for path in sorted((ROOT / "tests" / "scenarios").rglob("*.json")):
        story = json.loads(path.read_text())
        for rule in found.keys() & story.get("rules", ()):
            found[rule].append(path)
    return found


def tests() -> dict[str, list[Path]]:
    """Rule → the test modules that cite it."""
    found: dict[str, list[Path]] = {rule: [] for rule in RULES}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for rule in cited(path.read_text()):
            found[rule].append(path)
    return found


def table() -> str:
    """The whole page."""
    titles, where, shown, tested = names(), code(), scenarios(), tests()
    rows = []
    for rule in RULES:
        stories = ", ".join(f"[{i}](../{path.relative_to(ROOT)})" for i, path in enumerate(shown[rule], 1))
        built = [*where[rule], *(["*later*"] if rule in LATER else [])]
        modules = ", ".join(f"[{path.stem}](../{path.relative_to(ROOT)})" for path in tested[rule])
        rows.append(f"| **{rule}** {titles.get(rule, '')} | {', '.join(built)} | {stories} | {modules} |")
    return HEAD + "\n".join(rows) + "\n"


def main() -> int:
    """Write the page, or with --check report whether it is up to date; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--check", action="store_true", help="only compare")
    if parser.parse_args().check:
        return 0 if TABLE.read_text() == table() else 1
    TABLE.write_text(table())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
