"""The plan of faults, their times and victims, which the seed decides before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Final, Literal, TypeAlias

Kind: TypeAlias = Literal["kill", "pause", "stall", "drop"]
"""kill: SIGKILL; pause: SIGSTOP, which makes a lease's holder a zombie; stall: nothing arrives on the network
path any more; drop: its connections break, and none can be made."""

Target: TypeAlias = tuple[Kind, str]

_LONGEST_AGE: Final = 2.0
_LASTS: Final[dict[Kind, tuple[float, float]]] = {
    "kill": (0.0, 0.6),
    "pause": (1.0, 8.0),
    "stall": (0.5, 6.0),
    "drop": (0.0, 2.0),
}


@dataclass(frozen=True)
class Fault:
    """One fault. `age`: seconds for which the victim must have been at work. `lasts`: seconds until a killed
    one is restarted, a paused one continues, or a cut path is whole again."""

    nth: int
    kind: Kind
    victim: str
    age: float
    lasts: float

    def __str__(self) -> str:
        return (
            f"{self.nth:>4}  {self.kind:<5}  {self.victim:<18}  at {self.age:.2f} s, for {self.lasts:.2f} s"
        )


def plan(seed: int, faults: int, weights: Mapping[Target, int]) -> list[Fault]:
    """A list of `faults` faults; each target comes about as often as its weight says."""
    chance, targets = Random(seed), sorted(weights)  # noqa: S311 - repeatable, as meant
    chosen = chance.choices(targets, [weights[target] for target in targets], k=faults)
    return [
        Fault(nth, kind, victim, chance.uniform(0.0, _LONGEST_AGE), chance.uniform(*_LASTS[kind]))
        for nth, (kind, victim) in enumerate(chosen, 1)
    ]
