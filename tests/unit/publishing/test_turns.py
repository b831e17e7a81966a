"""Turns are short while any relay works, and as they were before when none does."""

import sys

import pytest

from publishing.turns import SHORT, Turns


def test_turns_are_short_until_the_last_relay_ends() -> None:
    before, turns = sys.getswitchinterval(), Turns()
    first, second = turns.short(), turns.short()
    with first:
        second.__enter__()
        assert sys.getswitchinterval() < before
    assert sys.getswitchinterval() == pytest.approx(SHORT, abs=2e-6)
    second.__exit__(None, None, None)
    assert sys.getswitchinterval() == before


def test_turns_that_are_shorter_already_are_left() -> None:
    before = sys.getswitchinterval()
    try:
        sys.setswitchinterval(SHORT / 2)
        with Turns().short():
            assert sys.getswitchinterval() == pytest.approx(SHORT / 2, abs=2e-6)
    finally:
        sys.setswitchinterval(before)
