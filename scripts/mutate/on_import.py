"""Test one mutant of code that runs on import, in a new interpreter: exit 0 if every test passes.

python -m scripts.mutate.on_import MODULE NUMBER
"""

from __future__ import annotations

import os
import resource
import sys
from functools import cache
from subprocess import DEVNULL, run

from scripts.mutate.mutants import ROOT, Mutant, import_as, mutants

TESTS = ["tests/scenarios", "tests/unit/domain", "tests/unit/prorata/test_catalog_diff.py"]
"""Without the random histories, since a survivor runs all tests."""
LEDGER_TESTS = ["tests/unit/consumers"]
SECONDS = 120
"""Seconds of processor time for all tests."""


def survives(mutant: Mutant) -> tuple[bool, bool]:
    """Whether all tests pass on the mutant, and whether they timed out."""
    exit_code = _run(mutant.module, str(mutant.number))
    return exit_code == 0, exit_code < 0


def can_judge(module: str) -> bool:
    """Whether the tests that are asked for the module pass on the unchanged code."""
    return _pass_unchanged("ledger." if module.startswith("ledger.") else "")


@cache
def _pass_unchanged(subject: str) -> bool:
    passes = _run(subject) == 0
    if not passes:
        print(
            f"what is done on import is left out, since some test fails: pytest {' '.join(_tests(subject))}"
        )
    return passes


def _tests(module: str) -> list[str]:
    return LEDGER_TESTS if module.startswith("ledger.") else TESTS


def _run(*arguments: str) -> int:
    program = [sys.executable, "-m", __name__, *arguments]
    return run(program, cwd=ROOT, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, check=False).returncode


def main(module: str, number: str = "") -> int:
    """The tests' exit code on the mutant of that number, or without one on the unchanged code."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    if number:
        import_as(next(mutant for mutant in mutants(module) if str(mutant.number) == number))

    import pytest

    from scripts.mutate.killers import OPTIONS, prepare

    prepare()
    return int(pytest.main([*OPTIONS, "-x", *_tests(module)]))


if __name__ == "__main__":
    os._exit(main(*sys.argv[1:]))
