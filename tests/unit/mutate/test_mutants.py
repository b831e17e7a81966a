"""The mutants of `scripts/mutate`: what is changed, what is left alone, and that a process can become one."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from scripts.mutate.changes import changes, compiled
from scripts.mutate.mutants import ROOT, is_program, modules, mutants


def _changed(source: str) -> list[tuple[str, str, str]]:
    return [(change.kind, change.before, change.after) for change in changes(ast.parse(source))]


def test_a_comparison_is_moved_at_its_boundary_and_turned_round() -> None:
    assert _changed("a < b") == [("comparison", "a < b", "a <= b"), ("comparison", "a < b", "a >= b")]


def test_conditions_operands_arguments_and_statements_are_changed_one_by_one() -> None:
    found = _changed("def f(a, b):\n    if a and not b:\n        g(a, b, k=1)")
    assert ("condition", "if a and (not b):", "if True:") in found
    assert ("and, or", "a and (not b)", "a or not b") in found
    assert ("and, or", "a and (not b)", "a") in found
    assert ("not, minus", "not b", "b") in found
    assert ("arguments swapped", "g(a, b, k=1)", "g(b, a, k=1)") in found
    assert ("argument left out", "g(a, b, k=1)", "g(a, b)") in found
    assert ("statement", "g(a, b, k=1)", "pass") in found
    assert ("constant", "1", "2") in found


@pytest.mark.parametrize(
    "source",
    [
        '"""A docstring."""',
        "from a import b",
        "def f(a: int) -> 'text': ...",
        "assert a < b, 1",
        "x: dict[str, 1]",
        "X = Literal['a', 'b']",
        "@cache(maxsize=1)\ndef f(): ...",
        "class A(B, frozen=True): ...",
        "f'{a < b}'",
        "'a sentence'",
    ],
)
def test_what_says_no_rule_is_left_alone(source: str) -> None:
    assert _changed(source) == []


def test_one_change_is_made_and_the_tree_stays_as_it_was() -> None:
    tree = ast.parse("def f(a, b):\n    return a < b")
    before = ast.dump(tree)
    results = []
    for change in changes(tree):
        names: dict[str, object] = {}
        exec(compiled(tree, change, "f.py"), names)
        function = names["f"]
        assert callable(function)
        results.append((function(1, 1), function(1, 2)))
    assert results == [(None, None), (True, True), (True, False)]
    assert ast.dump(tree) == before


def test_every_function_that_holds_a_mutant_can_become_one() -> None:
    script = """
import importlib
from scripts.mutate.mutants import become, is_program, modules, mutants, out_of_reach
for module in modules():
    importlib.import_module(f"domain.{module}")
    assert out_of_reach(module) == [], module
    for mutant in mutants(module):
        if mutant.change.function and is_program(mutant):
            become(mutant)
            break
"""
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


def test_what_is_no_program_is_no_mutant() -> None:
    assert modules()
    removed = [m for m in mutants("repeated_names") if m.change.before == "found = False"]
    assert [is_program(mutant) for mutant in removed] == [False]
