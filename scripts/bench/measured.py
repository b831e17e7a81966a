"""Measure in turns, and compare the medians.

measured = compared("publish", "events/s", ours=relay, peer=producer, rounds=5)

rates = in_turns({"ours": append, "stock": recorder, "pgbench": inserts}, rounds=5)
against("append", "events/s", rates["ours"], rates["stock"], peer_is="stock")
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, TypeVar

import msgspec

Figure: TypeAlias = float
"""The result of a round: a rate, or a time in ms."""

K = TypeVar("K")
R = TypeVar("R")


class Measured(msgspec.Struct, frozen=True):
    """A line of --json with medians over the rounds. `ratio` is ours over the peer's, or the peer's over ours
    if `lower_is_better`, so that more is always better. `peer` None: there is no peer. `p50_ms`, `p99_ms`:
    how long callers of ours waited, where that was measured. `about`: the conditions, and further figures."""

    name: str
    unit: str
    ours: float
    peer: float | None
    ratio: float | None
    peer_is: str = ""
    rounds: int = 1
    best: float | None = None
    lower_is_better: bool = False
    events: int | None = None
    bytes_per_event: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    about: dict[str, object] = {}


def compared(
    name: str,
    unit: str,
    *,
    ours: Callable[[], Figure],
    peer: Callable[[], Figure] | None = None,
    peer_is: str = "",
    rounds: int = 5,
    lower_is_better: bool = False,
    about: Mapping[str, object] | None = None,
) -> Measured:
    """Measure both sides in turns, so that other load on the machine affects both."""
    sides = {"peer": peer, "ours": ours} if peer is not None else {"ours": ours}
    rates = in_turns(sides, rounds)
    return against(
        name,
        unit,
        rates["ours"],
        rates.get("peer"),
        peer_is=peer_is,
        lower_is_better=lower_is_better,
        about=about,
    )


def in_turns(sides: Mapping[K, Callable[[], R]], rounds: int) -> dict[K, list[R]]:
    """Run a round of each side in turn, `rounds` times; return each side's results."""
    found: dict[K, list[R]] = {side: [] for side in sides}
    for _ in range(rounds):
        for side, run in sides.items():
            found[side].append(run())
    return found


def against(
    name: str,
    unit: str,
    ours: Sequence[Figure],
    peer: Sequence[Figure] | None = None,
    *,
    peer_is: str = "",
    lower_is_better: bool = False,
    events: int | None = None,
    bytes_per_event: float | None = None,
    about: Mapping[str, object] | None = None,
) -> Measured:
    """The line that compares the medians of these rounds."""
    median = statistics.median(ours)
    other = statistics.median(peer) if peer else None
    best = min(ours) if lower_is_better else max(ours)
    return Measured(
        name=name,
        unit=unit,
        ours=_round(median),
        peer=None if other is None else _round(other),
        ratio=None if other is None else _ratio(median, other, lower_is_better=lower_is_better),
        peer_is=peer_is,
        rounds=len(ours),
        best=_round(best),
        lower_is_better=lower_is_better,
        events=events,
        bytes_per_event=bytes_per_event,
        about=dict(about or {}),
    )


def p50_and_p99(waits: Sequence[float]) -> tuple[float, float]:
    """The median and the 99th percentile."""
    in_order = sorted(waits)
    return statistics.median(in_order), in_order[int(len(in_order) * 0.99)]


def warmed(_: int) -> None:
    """A first task for a pool's processes: when it returns, they have started and imported what they need."""
    time.sleep(0.2)


def _ratio(ours: float, peer: float, *, lower_is_better: bool) -> float:
    return round(peer / ours if lower_is_better else ours / peer, 3)


def _round(figure: float) -> float:
    return round(figure, 1 if figure >= 10 else 3)
