"""Carry out a plan: inflict fault after fault, and restart whatever is down."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from scripts.chaos.plan import Fault
from scripts.chaos.victims import Victim

_LOOK: Final = 0.02
_COMES_UP_WITHIN: Final = 60.0
"""Seconds to wait for a victim to come up."""


class Torment:
    """Inflicts faults on victims. Use it from one thread: the victims end with that thread."""

    def __init__(self, victims: Sequence[Victim], say: Callable[[str], None]) -> None:
        self._victims = {victim.name: victim for victim in victims}
        self._say = say
        self._suffering: dict[str, tuple[Fault, float]] = {}
        self.done: Counter[str] = Counter()
        """The number of faults that hit, by kind and victim."""

    def run(self, faults: Sequence[Fault], seconds: float) -> None:
        """Inflict the faults that begin within `seconds`, then heal everything."""
        deadline = time.monotonic() + seconds
        self.heal()
        for fault in faults:
            self._hurt(fault, deadline)
        self.heal()

    def heal(self) -> None:
        """Restart and continue every victim under a fault."""
        while self._suffering:
            self._relieve(next(iter(self._suffering)))
        self._tend()

    def stop(self) -> list[str]:
        """End the processes in order, while the servers are up; return the victims' findings."""
        for victim in self._victims.values():
            if not victim.is_server:
                victim.stop()
        return [finding for victim in self._victims.values() for finding in victim.findings]

    def _hurt(self, fault: Fault, deadline: float) -> None:
        """Wait until the victim is old enough, and hit it; a fault that hits nothing does not count."""
        victim = self._victims[fault.victim]
        patience = time.monotonic() + _COMES_UP_WITHIN
        while (now := time.monotonic()) < min(patience, deadline):
            ready = victim.name not in self._suffering and victim.age >= fault.age
            if ready and victim.suffer(fault.kind):
                self._say(str(fault))
                self.done[f"{fault.kind} {fault.victim}"] += 1
                self._suffering[victim.name] = fault, time.monotonic() + fault.lasts
                return
            self._tend()
            time.sleep(_LOOK)
        if now < deadline:
            victim.findings.append(f"{victim.name} was not there to be hit within {_COMES_UP_WITHIN:.0f} s")

    def _tend(self) -> None:
        now = time.monotonic()
        for name, (_, until) in list(self._suffering.items()):
            if now >= until and name in self._suffering:
                self._relieve(name)
        for name, victim in self._victims.items():
            if name not in self._suffering and victim.is_down:
                victim.start()

    def _relieve(self, name: str) -> None:
        fault, _ = self._suffering.pop(name)
        if fault.kind == "kill" and self._victims[name].is_server:
            # A server's start waits until it answers, partly through its proxy.
            for other, (cut, _) in list(self._suffering.items()):
                if cut.kind in ("stall", "drop"):
                    self._relieve(other)
        self._victims[name].recover(fault.kind)
