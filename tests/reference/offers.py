"""What a command's own checks end in: an offer, or the reason for an answer without one."""

from __future__ import annotations

from collections.abc import Callable

from tests.reference.books import Books, Line

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
    """What the command would do: lines to be charged for, or the balance, and the deed."""

    def __init__(self, deed: Deed, lines: list[Line] | None = None, balance: int = 0) -> None:
        self.deed, self.lines, self.balance = deed, lines or [], balance

    @property
    def charge(self) -> int:
        """What is charged now."""
        return self.balance + sum(int(line["amount"]) for line in self.lines)


def not_while_past_due(books: Books) -> None:
    if books.owed is not None:
        raise Refused("past_due")
