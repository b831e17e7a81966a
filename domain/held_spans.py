"""When the products of an account were held, and how: each paid cycle (R1), each pause (R31), each span in
which it could not be used because a renewal was unpaid (R38) or a payment disputed (R58).

    [span for span in held_spans(events) if span.kind == "paused"]

Spans are read from what each event made of the account; what is decided stands elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

import msgspec

from domain import events as e
from domain.calendar import Cycle, Instant
from domain.evolve import evolve
from domain.state import Account

SpanKind: TypeAlias = Literal["cycle", "paused", "suspended", "disputed"]


class HeldSpan(msgspec.Struct, frozen=True, gc=False):
    """`[start, until)`; `until` None: it goes on. `product` is empty for a dispute, which is of the whole
    account. `began`, `ended`: versions of the events by which it began and was over; `ended` 0: none did,
    and of a cycle always, whose end is known as it begins."""

    product: str
    kind: SpanKind
    start: Instant
    until: Instant | None
    began: int
    ended: int = 0

    def known_at(self, version: int) -> HeldSpan | None:
        """The span as the account's first so many events tell it; None: they do not tell of it."""
        if self.began > version:
            return None
        if self.kind == "cycle" or not self.ended or self.ended <= version:
            return self
        return HeldSpan(self.product, self.kind, self.start, None, self.began)


_Held: TypeAlias = dict[str, tuple[Cycle | None, Instant | None, Instant | None]]


def held_spans(events: Iterable[e.Event]) -> tuple[HeldSpan, ...]:
    """All of them, in the order in which they began. The first event opens the account."""
    state: Account | None = None
    seen = _Seen()
    for event in events:
        state = evolve(state, event)
        seen.take(state, event)
    return tuple(seen.spans)


class _Seen:
    """What was held after the last event; of the spans that are still open, where they stand among all."""

    def __init__(self) -> None:
        self.spans: list[HeldSpan] = []
        self._held: _Held = {}
        self._open: dict[tuple[str, SpanKind], int] = {}
        self._disputed: Instant | None = None

    def take(self, state: Account, event: e.Event) -> None:
        held: _Held = {
            plan.product: (plan.cycle, plan.paused_at, plan.unpaid_since) for plan in state.plans.values()
        }
        for add_on in state.addons.values():
            held[add_on.product] = (add_on.cycle, None, add_on.unpaid_since)
        if held != self._held:
            self._changed(held, state.version, event.at)
            self._held = held
        disputed = state.standing.disputed_at
        if disputed != self._disputed:
            self._turn("", "disputed", self._disputed, disputed, state.version, event.at)
            self._disputed = disputed

    def _changed(self, held: _Held, version: int, at: Instant) -> None:
        for product in {**self._held, **held}:
            had_cycle, had_paused, had_unpaid = self._held.get(product, _NOTHING)
            cycle, paused, unpaid = held.get(product, _NOTHING)
            if cycle is not None and cycle != had_cycle:
                self.spans.append(HeldSpan(product, "cycle", cycle.starts_at, cycle.ends_at, version))
            self._turn(product, "paused", had_paused, paused, version, at)
            self._turn(product, "suspended", had_unpaid, unpaid, version, at)

    def _turn(
        self,
        product: str,
        kind: SpanKind,
        had: Instant | None,
        has: Instant | None,
        version: int,
        at: Instant,
    ) -> None:
        """End the span that was open, and open the one that is."""
        if had == has:
            return
        place = self._open.pop((product, kind), None)
        if place is not None:
            before = self.spans[place]
            self.spans[place] = HeldSpan(product, kind, before.start, at, before.began, version)
        if has is not None:
            self._open[product, kind] = len(self.spans)
            self.spans.append(HeldSpan(product, kind, has, None, version))


_NOTHING = (None, None, None)
