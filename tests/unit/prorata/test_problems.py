"""Every code that a request can meet has its HTTP status in one table, and every one of the table is met."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from domain.answers import RefusalCode
from domain.errors import InvalidInput
from prorata.http.failures import problem_of
from prorata.http.problems import RULES, STATUSES, Problem, ProblemFound
from service.errors import Fate, Unanswered

ROOT = Path(__file__).parents[3]
ASKED = (
    "domain",
    "service",
    "prorata/http",
    "prorata/cli/account/present.py",
    "prorata/cli/audit/moments.py",
)
RAISED = re.compile(r"(?:InvalidInput|InvalidCatalog|refuse|Problem\.of)\(\s*\"([a-z_]+)\"")
NOT_OVER_HTTP = {
    "line_too_long",  # a body is bounded before it is a line
    "invalid_setting",
    "invalid_tenant",
    "usage",
    "nothing_loaded",
    "until_in_future",
    "no_key",
    "invalid_file",
    "invalid_row",
}


def raised() -> set[str]:
    files = [
        file
        for place in ASKED
        for file in ([ROOT / place] if place.endswith(".py") else (ROOT / place).rglob("*.py"))
    ]
    return {code for file in files for code in RAISED.findall(file.read_text(encoding="utf-8"))}


def test_every_refusal_of_a_command_has_a_status() -> None:
    assert set(get_args(RefusalCode)) - STATUSES.keys() == set()
    assert set(get_args(Fate)) - STATUSES.keys() == set()


def test_every_code_that_is_raised_for_a_request_has_a_status() -> None:
    assert raised() - STATUSES.keys() - NOT_OVER_HTTP == set()


def test_every_rule_that_is_named_is_one_of_the_rules() -> None:
    numbers = set(re.findall(r"\*\*(R\d+a?)", (ROOT / "docs" / "RULES.md").read_text(encoding="utf-8")))
    assert set(RULES.values()) <= numbers
    assert RULES.keys() <= STATUSES.keys()


@pytest.mark.parametrize("code", STATUSES)
def test_a_problem_says_its_status_and_its_type(code: str) -> None:
    problem = Problem.of(code, "why")
    assert (problem.status, problem.type) == (STATUSES[code], f"/docs/problems/{code}")
    assert 400 <= problem.status < 600
    assert problem.title


def test_a_fault_of_ours_is_told_without_what_it_says(caplog: pytest.LogCaptureFixture) -> None:
    found = problem_of(ValueError("secret 4242"), "request-1")
    assert (found.problem.status, found.problem.code) == (500, "internal_error")
    assert "4242" not in found.problem.message
    assert "request-1" in str(caplog.records[0].__dict__["request_id"])


def test_failures_that_pass_say_when_to_ask_again() -> None:
    lost = problem_of(Unanswered("unreachable", "acme/a1", None, "gone"), "r")
    assert (lost.problem.status, lost.headers) == (503, {"Retry-After": "1"})
    invalid = problem_of(InvalidInput("invalid_field", "$.blocks", "no number"), "r")
    assert (invalid.problem.status, invalid.problem.place) == (422, "$.blocks")
    own = problem_of(ProblemFound(Problem.of("not_found", "nothing")), "r")
    assert own.problem.status == 404
