"""A story in, what comes of it out."""

from __future__ import annotations

from typing import Any

from tests.reference.account.books import Books
from tests.reference.account.collecting import late_answer
from tests.reference.account.looks import end_state
from tests.reference.account.orders import accepted, conclude, give, rejected, settle
from tests.reference.account.shelves import ProductChanged
from tests.reference.dates import date_at, parse


def tell(story: dict[str, Any], catalogue: dict[str, Any]) -> dict[str, Any]:
    """An answer for each step, the state at each `expect`, and the end state.

    Amounts are in minor units, moments are instants, dates are dates.
    """
    zone = story["account"]["time_zone"]
    until = parse(story["until"], zone)
    moments = [parse(step["at"], zone) for step in story["steps"]]
    books = Books(story, catalogue, moments[0] if moments else until)
    answers, seen = [], {}
    for index, (step, at) in enumerate(zip(story["steps"], moments, strict=True)):
        answers.append(take(books, step, at))
        if step["do"] == "expect":
            seen[index] = end_state(books)
    settle(books, until)
    return {"steps": answers, "seen": seen, **end_state(books)}


def take(books: Books, step: dict[str, Any], at: int) -> dict[str, Any]:
    """A step at its instant: what is due first, then the step."""
    do = step["do"]
    if do == "payment_answer" and "invoice" not in step:
        conclude(books, step["answer"], at)
        return accepted(None)
    if do not in ("payment_answer", "payment_method", "reprice", "catalog", "expect"):
        return give(books, step, at)
    settle(books, at)
    if do == "payment_answer":
        late_answer(books, step, date_at(at, books.zone), at)
    elif do == "payment_method":
        books.method = {
            "works": step["works"], "final": step.get("final", False), "pending": step.get("pending", False)
        }  # fmt: skip
    elif do in ("reprice", "catalog"):
        return _version(books, step)
    return accepted(None)


def _version(books: Books, step: dict[str, Any]) -> dict[str, Any]:
    if books.closed:
        return rejected("account_closed")
    try:
        if step["do"] == "catalog":
            books.shelves.version(step)
        else:
            books.shelves.reprice(step["product"], step.get("tier"), step["price"])
    except ProductChanged:
        return rejected("product_changed")
    return accepted(None)
