"""Every foreseen failure says what happened and what to do, and its exit code says whether to try again."""

from __future__ import annotations

import inspect
import pickle
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from itertools import product
from typing import Any, Literal, get_args, get_origin, get_type_hints
from uuid import UUID

import pytest

from domain.errors import BAD_INPUT, CHECK_FAILED, HALTED, TRY_AGAIN, Failure, InvalidInput
from prorata.cli.terminal.failures import explained

PACKAGES = ("domain", "eventlog", "projections", "service", "publishing", "consumers", "prorata")

CAUGHT_INSIDE = {
    "consumers.webhooks.addresses.AddressRefused",
    "eventlog.group_commit.loop_connection.StatementFailed",
    "prorata.http.problems.ProblemFound",
    "service.billing.kept.InvoicesUnread",
    "service.gateways.stripe.amounts.NotChargeable",
    "service.gateways.stripe.calls.NotDone",
}
"""Exceptions that never leave their package."""

GIVEN: dict[Any, Any] = {
    str: "acme/a1",
    int: 3,
    float: 90.5,
    bool: True,
    object: "backend 7",
    UUID: UUID(int=7),
}


def _modules() -> Iterator[Any]:
    for package in PACKAGES:
        root = import_module(package)
        yield root
        for found in pkgutil.walk_packages(root.__path__, f"{package}."):
            if not found.name.endswith("__main__"):
                yield import_module(found.name)


def _exceptions() -> dict[str, type[Exception]]:
    """Every public exception class of the product, by its full name."""
    found = {}
    for module in _modules():
        for name, kind in inspect.getmembers(module, inspect.isclass):
            if issubclass(kind, Exception) and kind.__module__ == module.__name__ and name[0] != "_":
                found[f"{kind.__module__}.{name}"] = kind
    return found


EXCEPTIONS = _exceptions()
FAILURES = [kind for kind in EXCEPTIONS.values() if issubclass(kind, Failure)]


def _values(annotation: Any) -> list[Any]:
    """Values of a parameter's type: of a literal all, of a union one of each member."""
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    if type(None) in get_args(annotation):
        return [None, *_values(get_args(annotation)[0])]
    return [GIVEN.get(annotation, ("first", "second"))]


def _examples(kind: type[Failure]) -> list[Failure]:
    """Failures of this class, made of every combination of such values."""
    if kind.__init__ is Exception.__init__:
        return [kind("it was there")]
    hints = get_type_hints(kind.__init__)
    names = [name for name in inspect.signature(kind.__init__).parameters if name != "self"]
    if hints == {} or any(name not in hints for name in names):
        return [kind("it was there")]
    return [kind(*values) for values in product(*(_values(hints[name]) for name in names))]


def test_every_exception_of_the_product_stands_in_the_tree_of_failures() -> None:
    outside = {name for name, kind in EXCEPTIONS.items() if not issubclass(kind, Failure)}
    assert outside == CAUGHT_INSIDE


def test_every_class_of_failure_has_a_code_of_its_own() -> None:
    codes = [kind.code for kind in FAILURES]
    assert len(FAILURES) > 40
    assert sorted(codes) == sorted(set(codes))
    assert all(kind.code.replace("_", "").isalnum() and kind.code.islower() for kind in FAILURES)


@pytest.mark.parametrize("kind", FAILURES, ids=lambda kind: kind.__name__)
def test_a_failure_says_what_happened_and_what_to_do_and_crosses_processes(kind: type[Failure]) -> None:
    for failure in _examples(kind):
        assert failure.exit_code in (CHECK_FAILED, BAD_INPUT, TRY_AGAIN, HALTED)
        assert kind.exit_code in (CHECK_FAILED, BAD_INPUT, TRY_AGAIN, HALTED)
        assert failure.remedy
        if not isinstance(failure, InvalidInput):  # its place is where to look
            assert str(failure) == f"{failure.what}; {failure.remedy}"
        copy = pickle.loads(pickle.dumps(failure))
        assert (type(copy), str(copy), vars(copy)) == (kind, str(failure), vars(failure))


PERMANENT = """
    EventRefused EventUnreadable RowUnreadable UnsafeDurability LogReplaced NotMigrated MigrationChanged
    MigrationMisnamed CheckpointForeign FoldOutdated AccountParked CatalogueMissing RelayHalted LeaseHeld
    TopicsRefused EnvelopeUnreadable ConsumerHalted PartitionsHeld
"""


@pytest.mark.parametrize("name", PERMANENT.split())
def test_a_fault_that_stays_is_not_started_again(name: str) -> None:
    [kind] = [kind for kind in FAILURES if kind.__name__ == name]
    assert kind.exit_code == HALTED


def test_the_command_line_prints_one_line_and_returns_the_exit_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for kind in FAILURES:
        for failure in _examples(kind):
            assert explained(failure) == failure.exit_code
            [line] = capsys.readouterr().err.splitlines()
            assert line.startswith(f"prorata: {failure.code}: ")
            assert failure.remedy in line or isinstance(failure, InvalidInput)
