"""The reference model: a scenario in, what comes of it out."""

from __future__ import annotations

import copy
from typing import Any

from tests.reference.amounts import minor
from tests.reference.books import Books
from tests.reference.dates import parse
from tests.reference.days import walk_to
from tests.reference.looks import end_state
from tests.reference.orders import give


def tell(scenario: dict[str, Any], catalogue: dict[str, Any]) -> dict[str, Any]:
    """What comes of the story: an answer for each step, the state at each `expect`, and the end state.

    Amounts are in minor units, moments are instants, dates are dates.
    """
    zone = scenario["account"]["time_zone"]
    until = parse(scenario["until"], zone)
    moments = [parse(step["at"], zone) for step in scenario["steps"]]
    books = Books(scenario["account"]["currency"], zone, catalogue, moments[0] if moments else until)
    answers = []
    seen: dict[int, dict[str, Any]] = {}
    for index, (step, at) in enumerate(zip(scenario["steps"], moments, strict=True)):
        answers.append(take(books, step, at))
        if step["do"] == "expect":
            seen[index] = copy.deepcopy(end_state(books))
    walk_to(books, until)
    return {"steps": answers, "seen": seen, **end_state(books)}


def take(books: Books, step: dict[str, Any], at: int) -> dict[str, Any]:
    """A step at its instant: what is due first, then the step."""
    walk_to(books, at)
    if step["do"] not in ("payment_method", "reprice", "expect"):
        return give(books, step, at)
    if step["do"] == "payment_method":
        books.works = step["works"]
    elif step["do"] == "reprice":
        if books.closed:
            return {"outcome": "rejected", "code": "account_closed", "charged": None}
        books.prices[step["product"], step.get("tier")] = minor(step["price"], books.currency)
    return {"outcome": "accepted", "code": None, "charged": None}
