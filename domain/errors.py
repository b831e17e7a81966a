"""What a caller gave that is not a valid value. (A refused command is no error: see
`domain.answers.Refusal`.)

InvalidInput └── InvalidCatalog      a catalogue that cannot be used (domain.catalog)
"""

from __future__ import annotations


class InvalidInput(ValueError):  # noqa: N818 - named for what it is
    """A value from outside that cannot be used: a stable `code`, the `place` (a JSON path) and a sentence."""

    def __init__(self, code: str, place: str, message: str) -> None:
        super().__init__(f"{message} - at `{place}`" if place else message)
        self.code, self.place, self.message = code, place, message

    def under(self, prefix: str) -> InvalidInput:
        """The same error seen from an enclosing document: `$.a` under `$.steps[3]` is `$.steps[3].a`."""
        return type(self)(self.code, prefix + self.place.removeprefix("$"), self.message)


class InvalidCatalog(InvalidInput):
    """A catalogue that cannot be used."""
