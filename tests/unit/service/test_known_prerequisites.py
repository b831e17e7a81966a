"""What an add-on needs by a version that becomes known is an event of each account that holds it, so that
what is folded from the log alone shows the same as what knows the catalogue (R28, R44)."""

import json
from datetime import timedelta

from domain.views import entitlements
from service.catalogue_versions import EXAMPLE
from tests.support.service.world import World, memory_world

PAID = {"cvv": "tok_1", "billing": True}


def _example(version: str, requires: list[str] | None) -> bytes:
    """The shipped example with this prerequisite of a custom domain."""
    example = json.loads(EXAMPLE.read_bytes())
    [domain] = [add_on for add_on in example["add_ons"] if add_on["id"] == "custom_domain"]
    if requires is not None:
        domain["requires"] = requires
    return json.dumps({**example, "version": version}).encode()


def _with_a_domain() -> World:
    world = memory_world()
    world.library.load(_example("first", None), None, world.clock.now())
    world.open("w", at=None)
    for do, product in (("purchase_plan", "standard"), ("purchase_addon", "custom_domain")):
        assert world.say_now(do=do, account="w", product=product, confirm=PAID).outcome == "accepted"
    world.clock.advance(timedelta(days=1))
    return world


def test_a_version_that_asks_for_another_plan_is_noted_in_the_accounts_that_hold_the_add_on() -> None:
    world = _with_a_domain()
    assert not world.library.prerequisites_differ()
    world.library.load(_example("second", ["premium"]), None, world.clock.now())
    assert world.library.prerequisites_differ()

    assert world.service.note_prerequisites("main/w") == 1
    assert world.service.note_prerequisites("main/w") == 0

    state = world.service.account("main/w")
    assert state is not None
    assert world.happened("w")[-1] == "prerequisite_changed"
    shown = entitlements(state)["custom_domain"]
    assert (shown.status, shown.renews) == ("ending", False)
    assert entitlements(state, world.library.series_for(state)) == entitlements(state)


def test_accounts_on_a_test_clock_and_those_never_opened_are_left_alone() -> None:
    world = _with_a_domain()
    world.open("t")
    world.library.load(_example("second", ["premium"]), None, world.clock.now())
    assert world.service.note_prerequisites("main/t") == 0
    assert world.service.note_prerequisites("main/nobody") == 0


def test_what_is_bought_while_a_later_version_is_known_says_at_once_what_it_will_need() -> None:
    world = _with_a_domain()
    world.library.load(_example("second", ["premium"]), None, world.clock.now())
    world.say_now(do="remove_addon", account="w", product="custom_domain")
    answer = world.say_now(do="undo", account="w", product="custom_domain")
    assert answer.renews_on is None
    assert (answer.facts["status"], answer.facts["renews_on"]) == ("ending", None)
