"""States never change: `evolve` makes new ones, and `evolve_all` the same as one event after another."""

from __future__ import annotations

import random
from typing import Any, get_args

import msgspec
from hypothesis import given

from domain.events import Event
from domain.evolve import CHANGES, evolve, evolve_all
from domain.state import Account
from tests.reference.stories import told_from_seeds
from tests.support.domain.histories import histories
from tests.support.domain.playing import played


def test_each_event_there_is_changes_something() -> None:
    assert set(CHANGES) == set(get_args(Event))


def _bytes(state: Account | None) -> bytes:
    return msgspec.json.encode(state)


@histories
@given(told_from_seeds())
def test_evolve_leaves_the_state_before_as_it_was(story: dict[str, Any]) -> None:
    state: Account | None = None
    for event in played(story).history:
        before = _bytes(state)
        after = evolve(state, event)
        assert _bytes(state) == before
        assert after != state
        state = after


@histories
@given(told_from_seeds())
def test_all_at_once_is_one_after_another(story: dict[str, Any]) -> None:
    history = played(story).history
    state: Account | None = None
    for event in history:
        state = evolve(state, event)
    assert evolve_all(None, history) == state


@histories
@given(told_from_seeds())
def test_evolve_all_leaves_the_state_before_as_it_was(story: dict[str, Any]) -> None:
    history = played(story).history
    at = random.Random(len(history)).randint(0, len(history))
    before = evolve_all(None, history[:at])
    written = _bytes(before)
    after = evolve_all(before, history[at:])
    assert _bytes(before) == written
    assert after == evolve_all(None, history)
