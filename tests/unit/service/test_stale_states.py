"""Several processes, each with its own memory of the same accounts: none answers from what is no longer
true."""

import pytest

from eventlog.errors import VersionConflict
from service.errors import LineUnanswered
from tests.support.service.world import World, memory_world


def _two() -> tuple[World, World]:
    """Two processes that both remember an account with a plan."""
    here = memory_world()
    here.open()
    here.say(do="purchase_plan", account="a1", product="standard", at="2026-03-20")
    there = here.twin()
    there.service.account("main/a1")
    return here, there


def test_a_stale_state_refuses_nothing() -> None:
    here, there = _two()
    here.say(do="purchase_addon", account="a1", product="surveys", at="2026-03-20")

    assert (
        there.say(do="remove_addon", account="a1", product="surveys", at="2026-03-20").outcome == "accepted"
    )


def test_a_stale_state_finds_nothing_unchanged() -> None:
    here, there = _two()
    here.say(do="purchase_addon", account="a1", product="surveys", at="2026-03-20")
    there.say(do="remove_addon", account="a1", product="surveys", at="2026-03-20")
    here.say(do="undo", account="a1", product="surveys", at="2026-03-20")

    assert (
        there.say(do="remove_addon", account="a1", product="surveys", at="2026-03-20").outcome == "accepted"
    )


def test_a_stale_state_previews_nothing() -> None:
    here, there = _two()
    here.say(do="purchase_addon", account="a1", product="surveys", at="2026-03-20")

    looked = there.say(do="purchase_addon", account="a1", product="surveys", at="2026-03-20", preview=True)

    assert looked.code == "already_active"


def test_a_stale_state_calls_no_instant_too_early_of_a_command_that_is_recorded() -> None:
    here, there = _two()
    line = {"do": "purchase_addon", "account": "a1", "product": "surveys", "at": "2026-03-21", "id": "c1"}
    there.say(do="cancel_plan", account="a1", family="marketing", at="2026-03-20")
    bought = here.say(**line)
    here.say(do="remove_addon", account="a1", product="surveys", at="2026-04-01")

    assert there.say(**line) == bought


def test_a_stale_decision_is_decided_again_on_what_is_true() -> None:
    here, there = _two()
    here.say(do="purchase_addon", account="a1", product="surveys", at="2026-03-20", id="here")

    second = there.say(do="purchase_addon", account="a1", product="surveys", at="2026-03-20", id="there")

    assert second.code == "already_active"
    assert here.happened().count("payment_started") == 2


def test_a_command_that_loses_every_race_gives_up_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    world = memory_world(attempts=3)
    world.open()

    def lose(*_: object) -> None:
        raise VersionConflict("main/a1", 1, 2)

    monkeypatch.setattr(world.log, "append", lose)

    with pytest.raises(LineUnanswered, match="3 attempts"):
        world.say(do="purchase_plan", account="a1", product="standard", at="2026-03-20")
