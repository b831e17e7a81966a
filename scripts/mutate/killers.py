"""Judge mutants by the tests, collected once, and by random histories with the reference model's results. For
each mutant, forked children run the tests that reach its lines, the cheapest first."""

from __future__ import annotations

import gc
import os
import pickle
import resource
import signal
import sys
import time
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from random import Random
from types import CodeType, FrameType
from typing import Any, NamedTuple

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import Phase, settings

from scripts.mutate.mutants import ROOT, Mutant, become, file_of
from tests.reference.account.telling import tell
from tests.reference.agreement import difference_from
from tests.reference.play import plain, read
from tests.reference.prove import history
from tests.reference.stories import story
from tests.reference.switches import NAMES, only
from tests.support.consumers.random_money import tell_money_stories

CATALOGUE_TESTS = [f"tests/unit/prorata/test_catalog_{name}.py" for name in ("check", "diff", "schema")]
TESTS = ["tests/scenarios", "tests/unit/domain", "tests/property/domain", *CATALOGUE_TESTS]
QUICK = TESTS[:2]
LEDGER_TESTS = ["tests/unit/consumers", "tests/property/consumers"]
"""Asked for mutants of the ledger, which no story reaches."""
LEFT_OUT = [
    *["tests/property/domain/test_purity_of_the_code.py", "tests/scenarios/test_coverage.py"],
    *["tests/property/domain/test_reference_model.py", "tests/property/domain/test_invariants.py"],
    "tests/scenarios/test_stories.py::test_the_reference_model_tells_the_same_story",
]
"""The first two read the sources and run none; the random histories replace the third; the fourth is too slow
to run thousands of times; the stories are told by the model once, beforehand, as the random histories are."""
OPTIONS = [
    *"-q -s --assert=plain --tb=no --timeout=0 -p no:cacheprovider -p no:xdist".split(),
    *["--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml")],
    *[f"--deselect={path}" for path in LEFT_OUT],
]
HISTORIES = 300
"""Of each kind: of the first part alone, of some features of the second, of all of them."""
BATCH = 10
SLOW = 2.0
"""Seconds of processor time, measured while tracing its lines, beyond which a test is left out."""
SECONDS = 4.0
"""Seconds of processor time that a test gets besides ten times what it takes on the unchanged code."""
_REMEMBERED = 8
"""Tests that lately killed a mutant of a function, and are asked first for the next."""
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


class Asked(NamedTuple):
    """The modules whose mutants are to be judged. `quick`: only by stories, examples, two thirds of
    the histories, and `tests/unit/domain`."""

    modules: Collection[str]
    quick: bool

    @property
    def ledger(self) -> bool:
        """Whether they are the ledger's."""
        return all(module.startswith("ledger.") for module in self.modules)

    @property
    def tests(self) -> list[str]:
        """The tests that are asked."""
        return LEDGER_TESTS if self.ledger else QUICK if self.quick else TESTS


def with_tests(asked: Asked, then: Callable[[Judge], None]) -> int:
    """Collect the tests, and call `then` with a function that judges a mutant of a function's body."""
    os.chdir(ROOT)
    prepare()
    return int(pytest.main([*OPTIONS, *asked.tests], plugins=[_Plugin(asked, then)]))


def prepare() -> None:
    """Turn off Hypothesis' shrinking: only whether a test fails counts here."""
    settings.register_profile("mutate", phases=[Phase.explicit, Phase.generate], database=None)
    settings.load_profile("mutate")


class _Plugin:
    def __init__(self, asked: Asked, then: Callable[[Judge], None]) -> None:
        self._asked, self._then = asked, then

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        tests: Tests = {item.nodeid: partial(_passes, item) for item in session.items}
        if self._asked.ledger:
            tell_money_stories()
        else:
            tests |= _histories(HISTORIES * 2 // 3 if self._asked.quick else HISTORIES)
        _forget()
        killers, failing = _answer_of(lambda: _measured(tests, self._asked.modules))
        for name in failing:
            print(f"left out, since it fails on the unchanged code: {name}")
        quick = [killer for killer in killers if killer.seconds <= SLOW]
        gc.freeze()
        killed: dict[str, list[str]] = {}
        self._then(lambda mutant: _judged(mutant, tests, _likely_first(mutant, quick, killed), killed))
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


def _histories(count: int) -> Tests:
    """Tests of random histories, a batch each, and of every story and example against the reference model,
    whose results are computed once, here."""
    kinds: dict[str, Callable[[int], dict[str, Any]]] = {
        "first part": lambda seed: story(Random(seed)),  # noqa: S311
        "some features": history,
        "all features": lambda seed: story(Random(seed), switches=only(*NAMES)),  # noqa: S311
    }
    tests: Tests = {}
    for kind, told_from in kinds.items():
        for first in range(0, count, BATCH):
            stories = [told_from(seed) for seed in range(first, first + BATCH)]
            tests[f"{kind} {first}-{first + BATCH - 1}"] = _agreement(stories)
    for path in sorted(Path("tests/scenarios").glob("*/*.json")):
        tests[f"{path} as the model tells it"] = _agreement([read(path)])
    return tests


def _agreement(stories: list[dict[str, Any]]) -> Callable[[], bool]:
    return partial(_agree, [(plain(tell(told, told["catalog"])), told) for told in stories])


def _agree(told: list[tuple[dict[str, Any], dict[str, Any]]]) -> bool:
    return all(difference_from(model, history) is None for model, history in told)


# ---- what each test reaches ----------------------------------------------


def _measured(tests: Tests, traced: Collection[str]) -> tuple[list[Killer], list[str]]:
    """The tests ordered by cost, and the names of those that fail on the unchanged code, so prove nothing."""
    killers: list[Killer] = []
    failing: list[str] = []
    for name, passes in tests.items():
        reached: dict[str, set[int]] = {}
        begin = time.process_time()
        sys.settrace(_tracer(reached, traced))
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


def _tracer(reached: dict[str, set[int]], traced: Collection[str]) -> Any:
    """A trace function that notes the lines of these modules; one that was run whole is traced no more."""
    modules = {str(file_of(module)): module for module in traced}
    left: dict[CodeType, set[int]] = {}

    def called(frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        module = modules.get(code.co_filename)
        if module is None:
            return None
        if code not in left:
            left[code] = {line for _, _, line in code.co_lines() if line is not None}
        missing, lines = left[code], reached.setdefault(module, set())
        if not missing:
            return None

        def stepped(frame: FrameType, event: str, argument: Any) -> Any:  # noqa: ARG001
            lines.add(frame.f_lineno)
            missing.discard(frame.f_lineno)
            return stepped if missing else None

        return stepped(frame, event, argument)

    return called


# ---- a mutant's fate -----------------------------------------------------


def _likely_first(mutant: Mutant, killers: list[Killer], killed: dict[str, list[str]]) -> list[Killer]:
    """The tests in the order in which they are asked: first those that killed a mutant of the same function
    most lately. `killed`: the names of the tests that did, by function, the latest last."""
    likely = killed.get(_function(mutant), [])
    return sorted(killers, key=lambda k: -likely.index(k.name) - 1 if k.name in likely else 0)


def _function(mutant: Mutant) -> str:
    return f"{mutant.module}.{mutant.change.function}"


def _judged(mutant: Mutant, tests: Tests, killers: list[Killer], killed: dict[str, list[str]]) -> Fate:
    """What becomes of the mutant; the test that kills it is put down among the `killed`."""
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
    if test and not os.WIFSIGNALED(status) and status != _SURVIVED:
        before = killed.setdefault(_function(mutant), [])
        before[:] = [*[name for name in before if name != test][-_REMEMBERED + 1 :], test]
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
