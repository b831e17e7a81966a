"""What can fail, and what a caller gave that is not a valid value. (A refused command is no error: see
`domain.answers.Refusal`.)

    Failure                  of every package: a stable code, an exit code, what happened, and the remedy
    ├── InvalidInput         a value from outside that cannot be used
    │   └── InvalidCatalog   a catalogue that cannot be used (domain.catalog)
    └── TaxUnavailable       nobody says which taxes are asked (domain.tax)

The exit code says whether it helps to run the same again:
"""

from __future__ import annotations

from typing import Final

DONE: Final = 0

CHECK_FAILED: Final = 1
"""What was asked does not hold (differences, a refused close), or some accounts failed."""

BAD_INPUT: Final = 2
"""The arguments, a file or a setting are wrong: correct them."""

TRY_AGAIN: Final = 3
"""It passes by itself: a server was away, another process was first. A supervisor starts it again."""

HALTED: Final = 4
"""It stays until a person does what the message says: starting it again does not help."""

OWN_FAULT: Final = 70
"""A fault of Prorata's own."""

HUNG_UP: Final = 129
"""SIGHUP: the terminal has gone."""

INTERRUPTED: Final = 130
"""SIGINT, as of Ctrl-C."""


class Failure(Exception):  # noqa: N818 - named for what it is
    """A failure that is foreseen. Its message is `what` happened and where, then the `remedy`.

    All survive pickling: some cross from one process to another.
    """

    code: str = "failure"
    exit_code: int = HALTED
    remedy: str = "read the code's entry in docs/operations.md"

    @property
    def what(self) -> str:
        """What happened, and where."""
        return Exception.__str__(self)

    def __str__(self) -> str:
        return f"{self.what}; {self.remedy}"


class InvalidInput(Failure, ValueError):  # noqa: N818 - named for what it is
    """A value from outside that cannot be used: a stable `code`, the `place` (a JSON path) and a sentence."""

    code = "invalid_input"
    exit_code = BAD_INPUT
    remedy = "give another value there"

    def __init__(self, code: str, place: str, message: str) -> None:
        super().__init__(code, place, message)
        self.code, self.place, self.message = code, place, message

    def __str__(self) -> str:
        return f"{self.message} - at `{self.place}`" if self.place else self.message

    def under(self, prefix: str) -> InvalidInput:
        """The same error seen from an enclosing document: `$.a` under `$.steps[3]` is `$.steps[3].a`."""
        return type(self)(self.code, prefix + self.place.removeprefix("$"), self.message)


class InvalidCatalog(InvalidInput):
    """A catalogue that cannot be used."""

    code = "invalid_catalog"


def decoder_said(error: Exception) -> tuple[str, str]:
    """What msgspec's decoder found wrong, and where as a JSON path: `$` where it names no place, of a key the
    object that it stands in."""
    message, _, place = str(error).rpartition(" - at `")
    return (message, place.rstrip("`").removeprefix("key` in `")) if message else (str(error), "$")
