"""Which features a random story has. All off: what R1-R50 alone can tell."""

from __future__ import annotations

from dataclasses import dataclass, fields
from random import Random


@dataclass(frozen=True, slots=True)
class Switches:
    """One switch for each part of the rules that is off until it is set, or is a story's to draw."""

    versions: bool = False
    collection: bool = False
    methods: bool = False
    corrections: bool = False
    disputes: bool = False
    tax: bool = False
    discounts: bool = False
    consent: bool = False
    late: bool = False

    def __bool__(self) -> bool:
        """Whether anything is on."""
        return any(getattr(self, field.name) for field in fields(self))


OFF = Switches()


NAMES = tuple(field.name for field in fields(Switches))


def drawn(random: Random, names: tuple[str, ...] = NAMES) -> Switches:
    """Some of these features: none, one, a few, or all."""
    count = min(random.choice([0, 1, 1, 2, 3, 5, len(names)]), len(names))
    return only(*random.sample(names, count))


def only(*names: str) -> Switches:
    """These and no others."""
    return Switches(**dict.fromkeys(names, True))
