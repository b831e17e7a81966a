"""The spans in which products were held tell, of any history, what its state said at each event."""

from __future__ import annotations

from random import Random

import pytest

from domain import events as e
from domain.evolve import evolve
from domain.held_spans import HeldSpan, SpanKind, held_spans
from domain.state import Account
from tests.reference.stories import story
from tests.reference.switches import NAMES, drawn
from tests.support.domain.playing import played

every_history = pytest.mark.parametrize("first", range(0, 60, 20))


def histories(first: int) -> list[list[e.Event]]:
    found = []
    for seed in range(first, first + 20):
        random = Random(seed)
        found.append(played(story(random, 40, drawn(random, NAMES))).history)
    return found


def running(spans: tuple[HeldSpan, ...], kind: SpanKind, version: int) -> set[str]:
    """The products of which a span of that kind is open after so many events, as these tell it."""
    known = [told for span in spans if (told := span.known_at(version)) is not None]
    return {span.product for span in known if span.kind == kind and span.until is None}


@every_history
def test_after_every_event_the_open_spans_are_what_is_paused_and_unpaid(first: int) -> None:
    for history in histories(first):
        spans, state = held_spans(history), None
        for event in history:
            state = evolve(state, event)
            plans = state.plans.values()
            paused = {plan.product for plan in plans if plan.paused_at is not None}
            unpaid = {item.product for item in state.items if item.unpaid_since is not None}
            assert running(spans, "paused", state.version) == paused, event
            assert running(spans, "suspended", state.version) == unpaid, event
            assert bool(running(spans, "disputed", state.version)) == state.disputed, event


@every_history
def test_every_cycle_of_what_is_held_is_a_span(first: int) -> None:
    for history in histories(first):
        spans = held_spans(history)
        cycles = {(span.product, span.start, span.until) for span in spans if span.kind == "cycle"}
        state: Account | None = None
        for event in history:
            state = evolve(state, event)
            for item in state.items:
                if item.cycle is not None:
                    assert (item.product, item.cycle.starts_at, item.cycle.ends_at) in cycles


@every_history
def test_a_look_back_tells_no_span_that_later_events_made(first: int) -> None:
    for history in histories(first):
        spans = held_spans(history)
        for version in range(1, len(history) + 1, 7):
            then = [told for span in spans if (told := span.known_at(version)) is not None]
            assert then == list(held_spans(history[:version]))
