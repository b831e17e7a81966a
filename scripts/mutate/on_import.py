"""One mutant of what is done on import, in an interpreter of its own: exit 0 where every test passes.

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
"""A survivor costs all of them, so not the random ones."""
SECONDS = 120
"""Of processor time for all tests."""


def survives(mutant: Mutant) -> tuple[bool, bool]:
    """Whether all tests pass on it, and whether they were ended for their time."""
    exit_code = _run(mutant.module, str(mutant.number))
    return exit_code == 0, exit_code < 0


@cache
def can_judge() -> bool:
    """Whether the tests pass on the unchanged code."""
    passes = _run() == 0
    if not passes:
        print(f"what is done on import is left out, since some test fails: pytest {' '.join(TESTS)}")
    return passes


def _run(*arguments: str) -> int:
    program = [sys.executable, "-m", __name__, *arguments]
    return run(program, cwd=ROOT, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, check=False).returncode


def main(*name: str) -> int:
    """The exit code of the tests; without a name on the unchanged code."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    if name:
        module, number = name
        import_as(next(mutant for mutant in mutants(module) if str(mutant.number) == number))

    import pytest

    from scripts.mutate.killers import OPTIONS, prepare

    prepare()
    return int(pytest.main([*OPTIONS, "-x", *TESTS]))


if __name__ == "__main__":
    os._exit(main(*sys.argv[1:]))
