"""What a command's own checks end in: an offer, or the reason for an answer without one."""

from __future__ import annotations

from collections.abc import Callable

from tests.reference.account.books import Books, Line

Deed = Callable[[int], object]


class Refused(Exception):  # noqa: N818 - named for what it is
    """A check that the command did not pass."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Answered(Exception):  # noqa: N818 - named for what it is
    """The command is answered at the state check: reinstated or unchanged."""

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class Offer:
    """What the command would do: lines to be charged for, and the deed. `bought`: the product sold."""

    def __init__(self, deed: Deed, lines: list[Line] | None = None, bought: str | None = None) -> None:
        self.deed, self.lines, self.bought = deed, lines, bought


def in_good_standing(books: Books) -> None:
    """R39, R58."""
    if books.disputes:
        raise Refused("dispute_open")
    if books.past_due:
        raise Refused("past_due")
