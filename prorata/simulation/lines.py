"""A scenario as lines for `prorata command --test-clock`, so that any story can be played on the real
system (docs/scenarios.md)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

OUTCOMES = frozenset(["charged", "outcome", "rejected", "answer"])
"""The fields in which a step states what it expects; a command line has none of them."""


class PlayedLine(msgspec.Struct, frozen=True):
    """A step of the story. `line`: the line to give, None for an expectation; `step`: its number, None for
    the opening."""

    step: int | None
    at: str
    line: bytes | None


def lines_of(story: dict[str, Any], account: str, catalog: dict[str, Any] | None) -> Iterator[PlayedLine]:
    """Yield a line that opens the account at the story's first moment, then the steps in order."""
    fields = story["account"]
    begin = story["steps"][0]["at"] if story["steps"] else story["until"]
    opening = {
        "do": "open_account",
        "account": account,
        "at": begin,
        "currency": fields["currency"],
        "time_zone": fields["time_zone"],
    }
    if catalog is not None:
        opening["catalog"] = catalog
    opening |= {name: story[name] for name in ("policies", "discounts", "tax") if name in story}
    yield PlayedLine(None, begin, msgspec.json.encode(opening))
    for number, step in enumerate(story["steps"]):
        if step["do"] == "expect":
            yield PlayedLine(number, step["at"], None)
        else:
            line = {"account": account, **line_of(step)}
            yield PlayedLine(number, step["at"], msgspec.json.encode(line))


def line_of(step: dict[str, Any]) -> dict[str, Any]:
    """The step without what must come of it. How a waiting payment is answered is what `payment_answer`
    says itself."""
    if step["do"] == "payment_answer":
        return step
    return {name: value for name, value in step.items() if name not in OUTCOMES}
