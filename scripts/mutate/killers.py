"""Judge mutants by the tests, collected once, and by random histories with the reference model's results. For
each mutant, forked children run the tests that reach its lines, the cheapest first."""

from __future__ import annotations

import os
import pickle
import resource
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from random import Random
from types import FrameType
from typing import Any, NamedTuple

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import Phase, settings

from scripts.mutate.mutants import DOMAIN, ROOT, Mutant, become
from tests.reference.account.telling import tell
from tests.reference.agreement import difference_from
from tests.reference.play import plain
from tests.reference.stories import story

CATALOGUE_TESTS = [f"tests/unit/prorata/test_catalog_{name}.py" for name in ("check", "diff", "schema")]
TESTS = ["tests/scenarios", "tests/unit/domain", "tests/property/domain", *CATALOGUE_TESTS]
LEFT_OUT = [
    *["tests/property/domain/test_purity_of_the_code.py", "tests/scenarios/test_coverage.py"],
    *["tests/property/domain/test_reference_model.py", "tests/property/domain/test_invariants.py"],
]
"""The first two read the sources and run none; the random histories replace the third; the last is too slow
to run thousands of times."""
OPTIONS = [
    *"-q -s --assert=plain --tb=no --timeout=0 -p no:cacheprovider -p no:xdist".split(),
    *["--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml")],
    *[f"--deselect={path}" for path in LEFT_OUT],
]
HISTORIES, BATCH = 300, 25
SLOW = 2.0
"""Seconds of processor time, measured while tracing its lines, beyond which a test is left out."""
SECONDS = 4.0
"""Seconds of processor time that a test gets besides ten times what it takes on the unchanged code."""
_MEMORY = 4 << 30
_KILLED, _SURVIVED = 1, 0


class Killer(NamedTuple):
    """A test: its name, the lines of `domain/` that it reaches, by module, and the seconds that it takes."""

    name: str
    lines: dict[str, frozenset[int]]
    seconds: float


Tests = dict[str, Callable[[], bool]]
"""Test's name → a function that runs it and returns whether it passes."""


class Fate(NamedTuple):
    """`fate`: `killed`, `timeout`, `survived` or `not reached`; `test`: the test that killed the mutant."""

    fate: str
    test: str


Judge = Callable[[Mutant], Fate]


def with_tests(then: Callable[[Judge], None]) -> int:
    """Collect the tests, and call `then` with a function that judges a mutant of a function's body."""
    os.chdir(ROOT)
    prepare()
    return int(pytest.main([*OPTIONS, *TESTS], plugins=[_Plugin(then)]))


def prepare() -> None:
    """Turn off Hypothesis' shrinking: only whether a test fails counts here."""
    settings.register_profile("mutate", phases=[Phase.explicit, Phase.generate], database=None)
    settings.load_profile("mutate")


class _Plugin:
    def __init__(self, then: Callable[[Judge], None]) -> None:
        self._then = then

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        tests: Tests = {item.nodeid: partial(_passes, item) for item in session.items}
        tests |= _histories()
        _forget()
        killers, failing = _answer_of(lambda: _measured(tests))
        for name in failing:
            print(f"left out, since it fails on the unchanged code: {name}")
        quick = [killer for killer in killers if killer.seconds <= SLOW]
        self._then(lambda mutant: _judged(mutant, tests, quick))
        return True


def _forget() -> None:
    """Empty the caches of `domain/` that collection has filled, so that tests reach the code that fills
    them."""
    for name, module in sys.modules.items():
        if name.startswith("domain."):
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


def _passes(item: pytest.Item) -> bool:
    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))


def _histories() -> Tests:
    """Tests of random histories, a batch each; the reference model's results are computed once, here."""
    tests: Tests = {}
    for first in range(0, HISTORIES, BATCH):
        stories = [story(Random(seed)) for seed in range(first, first + BATCH)]  # noqa: S311
        told = [(plain(tell(history, history["catalog"])), history) for history in stories]
        tests[f"histories {first}-{first + BATCH - 1}"] = partial(_agree, told)
    return tests


def _agree(told: list[tuple[dict[str, Any], dict[str, Any]]]) -> bool:
    return all(difference_from(model, history) is None for model, history in told)


# ---- what each test reaches ----------------------------------------------


def _measured(tests: Tests) -> tuple[list[Killer], list[str]]:
    """The tests ordered by cost, and the names of those that fail on the unchanged code, so prove nothing."""
    killers: list[Killer] = []
    failing: list[str] = []
    for name, passes in tests.items():
        reached: dict[str, set[int]] = {}
        begin = time.process_time()
        sys.settrace(_tracer(reached))
        try:
            passed = passes()
        finally:
            sys.settrace(None)
        seconds = time.process_time() - begin
        if not passed:
            failing.append(name)
            continue
        killers.append(Killer(name, {module: frozenset(lines) for module, lines in reached.items()}, seconds))
    return sorted(killers, key=lambda killer: killer.seconds), failing


def _tracer(reached: dict[str, set[int]]) -> Any:
    modules = {str(path): path.stem for path in DOMAIN.glob("*.py")}

    def called(frame: FrameType, event: str, argument: Any) -> Any:  # noqa: ARG001
        module = modules.get(frame.f_code.co_filename)
        if module is None:
            return None
        lines = reached.setdefault(module, set())
        lines.add(frame.f_lineno)

        def stepped(frame: FrameType, event: str, argument: Any) -> Any:  # noqa: ARG001
            lines.add(frame.f_lineno)
            return stepped

        return stepped

    return called


# ---- a mutant's fate -----------------------------------------------------


def _judged(mutant: Mutant, tests: Tests, killers: list[Killer]) -> Fate:
    reaching = [
        k for k in killers if not k.lines.get(mutant.module, frozenset()).isdisjoint(mutant.change.lines)
    ]
    if not reaching:
        return Fate("not reached", "")
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _in_child(lambda: _run(mutant, tests, reaching, writer))
    os.close(writer)
    with os.fdopen(reader) as told:
        reached = told.read().splitlines()
    _, status = os.waitpid(pid, 0)
    test = reached[-1] if reached else ""
    if os.WIFSIGNALED(status):
        return Fate("timeout" if os.WTERMSIG(status) == signal.SIGPROF else "killed", test)
    return Fate("survived", "") if os.WEXITSTATUS(status) == _SURVIVED else Fate("killed", test)


def _run(mutant: Mutant, tests: Tests, killers: list[Killer], writer: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    become(mutant)
    for killer in killers:
        os.write(writer, killer.name.replace("\n", " ").encode() + b"\n")
        signal.setitimer(signal.ITIMER_PROF, SECONDS + 10 * killer.seconds)  # its signal ends the process
        assert tests[killer.name]()


def _in_child(run: Callable[[], None]) -> None:
    """Run this in a forked child; it ends the process and does not return."""
    try:
        quiet = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(quiet, stream)
        run()
        os._exit(_SURVIVED)
    finally:
        os._exit(_KILLED)


def _tell(writer: int, data: bytes) -> None:
    with os.fdopen(writer, "wb") as told:
        told.write(data)


def _answer_of(question: Callable[[], Any]) -> Any:
    """Ask the question in a forked child, so that it fills no cache here."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _in_child(lambda: _tell(writer, pickle.dumps(question())))
    os.close(writer)
    with os.fdopen(reader, "rb") as told:
        data = told.read()
    os.waitpid(pid, 0)
    return pickle.loads(data)  # noqa: S301 - from our own child
