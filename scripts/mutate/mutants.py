"""Make the mutants of `domain/` and of the ledger, and turn a process into one.

Files are never touched: a forked child replaces the function's code, and a new interpreter compiles the
module from the changed tree on import.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cached_property
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

from scripts.mutate.changes import Change, changes, compiled

ROOT = Path(__file__).resolve().parents[2]
DOMAIN = "domain"
LEDGER = "consumers.finance_ledger"
LEDGER_MODULES = (
    *("accounts", "credit_notes", "giving_up", "journal", "opening_balances", "postings"),
    *("register", "schedules"),
)
"""What the ledger books, and when; its other modules read and write tables."""


class Mutant(NamedTuple):
    """A change of a module, such as `settle` of `domain/` or `ledger.postings`; `number` is its number within
    the module."""

    module: str
    number: int
    change: Change

    @property
    def name(self) -> str:
        """A name that is the same in another run, as long as the module is unchanged."""
        return f"{self.module}:{self.number}"

    def __str__(self) -> str:
        change = self.change
        where = f"{file_of(self.module).relative_to(ROOT)}:{change.lines.start} {change.function}".rstrip()
        return f"{self.name} {where} {change.kind}: `{change.before}` → `{change.after}`"


def mutants(module: str) -> list[Mutant]:
    """The mutants of one module."""
    return [Mutant(module, number, change) for number, change in enumerate(changes(_tree(module)))]


def is_program(mutant: Mutant) -> bool:
    """Whether the mutant compiles."""
    try:
        code_of(mutant)
    except SyntaxError:
        return False
    return True


def modules() -> list[str]:
    """The names of the modules of `domain/`."""
    return sorted(path.stem for path in (ROOT / DOMAIN).glob("*.py"))


def ledger_modules() -> list[str]:
    """The names of those of the ledger."""
    return [f"ledger.{name}" for name in LEDGER_MODULES]


def imported_as(module: str) -> str:
    """The name by which the module is imported."""
    package, _, name = module.rpartition(".")
    return f"{LEDGER if package else DOMAIN}.{name}"


def file_of(module: str) -> Path:
    """The module's file."""
    return ROOT / f"{imported_as(module).replace('.', '/')}.py"


def code_of(mutant: Mutant) -> CodeType:
    """The code of the mutant's whole module."""
    return compiled(_tree(mutant.module), mutant.change, str(file_of(mutant.module)))


_TREES: dict[str, ast.Module] = {}


def _tree(module: str) -> ast.Module:
    if module not in _TREES:
        _TREES[module] = ast.parse(file_of(module).read_text(encoding="utf-8"))
    return _TREES[module]


# ---- in a forked child ---------------------------------------------------


def become(mutant: Mutant) -> None:
    """Give the function of the imported module the mutant's code; all its importers call that from now on."""
    function = mutant.change.function
    found = dict(_functions(sys.modules[imported_as(mutant.module)]))
    found[function].__code__ = dict(_codes(code_of(mutant)))[function]


def out_of_reach(module: str) -> list[str]:
    """The functions of the imported module with mutants that `become` cannot turn them into."""
    file = file_of(module)
    codes = dict(_codes(compile(_tree(module), file, "exec")))
    found = dict(_functions(sys.modules[imported_as(module)]))
    return [
        name
        for name in sorted({mutant.change.function for mutant in mutants(module)} - {""})
        if name not in found or found[name].__code__.co_freevars != codes[name].co_freevars
    ]


def _functions(owner: Any) -> Iterator[tuple[str, FunctionType]]:
    """Every function of the module and its classes with its qualified name; decorated ones unwrapped."""
    for value in vars(owner).values():
        if isinstance(value, type) and isinstance(owner, ModuleType) and value.__module__ == owner.__name__:
            yield from _functions(value)
        function = _undecorated(value)
        if isinstance(function, FunctionType) and function.__module__ == _module(owner):
            yield function.__qualname__, function


def _module(owner: Any) -> str:
    return str(owner.__name__ if isinstance(owner, ModuleType) else owner.__module__)


def _undecorated(value: Any) -> Any:
    if isinstance(value, property):
        return value.fget
    if isinstance(value, cached_property):
        return value.func
    return getattr(value, "__wrapped__", getattr(value, "__func__", value))


def _codes(code: CodeType) -> Iterator[tuple[str, CodeType]]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant.co_qualname, constant
            yield from _codes(constant)


# ---- in an interpreter of its own ----------------------------------------


def import_as(mutant: Mutant) -> None:
    """Make the module's import give the mutant."""
    sys.meta_path.insert(0, _Finder(mutant))


class _Finder(MetaPathFinder, Loader):
    def __init__(self, mutant: Mutant) -> None:
        self._name, self._code = imported_as(mutant.module), code_of(mutant)
        self._file = str(file_of(mutant.module))

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:  # noqa: ARG002
        return spec_from_loader(fullname, self, origin=self._file) if fullname == self._name else None

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = module.__spec__.origin if module.__spec__ else None
        exec(self._code, module.__dict__)  # noqa: S102 - our own module, changed in one place
