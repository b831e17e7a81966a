"""The outcome of a run, and its lines for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

Say: TypeAlias = Callable[[str], None]

_SHOWN: Final = 20


@dataclass(frozen=True)
class Outcome:
    """`planned`: the number of faults planned; `faults`: those that hit, by kind and victim; `findings`: what
    does not hold, none after a good run."""

    name: str
    seed: int
    planned: int
    faults: Mapping[str, int]
    counts: Mapping[str, int]
    findings: list[str]
    seconds: float

    def lines(self) -> list[str]:
        """Lines for people; the last one sums up."""
        faults = ", ".join(f"{times} {fault}" for fault, times in sorted(self.faults.items()))
        counts = ", ".join(f"{count} {what}" for what, count in self.counts.items())
        shown = [f"FINDING {finding}" for finding in self.findings[:_SHOWN]]
        if len(self.findings) > _SHOWN:
            shown.append(f"… and {len(self.findings) - _SHOWN} more findings")
        verdict = "all holds" if not self.findings else f"{len(self.findings)} findings"
        total = sum(self.faults.values())
        done = f"{total} faults" if total == self.planned else f"{total} of {self.planned} faults"
        return [
            f"faults: {faults}",
            *shown,
            f"{self.name}: seed {self.seed}, {done} in {self.seconds:.0f} s, {counts}: {verdict}",
        ]
