"""A command's id: done once, answered alike for ever (section 10 of the rules)."""

import json
from datetime import timedelta

from tests.support.service.world import memory_world


def test_a_repeated_command_gets_its_first_answer_and_is_not_done_again() -> None:
    world = memory_world()
    world.open()
    line = {"do": "buy_credits", "account": "a1", "product": "credits_5000", "at": "2026-03-20", "id": "c1"}
    first = world.say(**line)
    world.say(**{**line, "id": "c2"})

    assert first.charged == "150.00"
    assert world.say(**line) == first
    assert world.twin().say(**line) == first
    assert world.happened().count("credits_purchased") == 2


def test_a_command_given_again_with_its_own_early_instant_is_answered_again() -> None:
    world = memory_world()
    world.open()
    first = world.say(do="purchase_plan", account="a1", product="standard", at="2026-03-20", id="c1")
    world.say(do="cancel_plan", account="a1", family="marketing", at="2026-04-01")

    again = world.say(do="purchase_plan", account="a1", product="standard", at="2026-03-20", id="c1")

    assert again == first


def test_an_id_with_other_contents_is_refused() -> None:
    world = memory_world()
    world.open()
    world.say(do="purchase_plan", account="a1", product="standard", at="2026-03-20", id="c1")

    answer = world.say(do="purchase_plan", account="a1", product="premium", at="2026-03-20", id="c1")

    assert (answer.outcome, answer.code) == ("rejected", "command_id_reused")


def test_opening_again_under_the_same_id_is_the_same_command_though_a_newer_catalogue_was_loaded() -> None:
    world = memory_world()
    first = world.open(id="o1")
    example = world.library.series_for(world.service.account("main/a1")).versions[0].catalog
    body = b'{"families": [], "plans": [], "add_ons": [], "credits": []}'
    world.library.load(body, None, world.clock.now())

    assert example.plans
    assert world.open(id="o1") == first
    assert world.open(id="o2").code == "account_exists"


def test_a_declined_payment_is_answered_again_and_not_attempted_again() -> None:
    world = memory_world()
    world.open()
    line = {"do": "purchase_plan", "account": "a1", "product": "standard", "at": "2026-03-20", "id": "c1"}
    first = world.say(**line, payment="declined")

    again = world.say(**line)

    assert first.code == "payment_declined"
    assert again == first
    assert world.happened().count("payment_started") == 1


def test_a_refused_command_is_decided_anew() -> None:
    world = memory_world()
    world.open()
    line = {"do": "purchase_plan", "account": "a1", "product": "standard", "at": "2026-03-20", "id": "c1"}

    assert world.say(**line, confirm={"cvv": False}).code == "confirmation_required"
    assert world.say(**line).outcome == "accepted"


def test_a_command_older_than_the_thousand_that_states_remember_gets_its_first_answer() -> None:
    world = memory_world()
    world.open()
    world.say(do="purchase_plan", account="a1", product="standard", at="2026-03-20")
    bought = {
        "do": "purchase_addon",
        "account": "a1",
        "product": "custom_domain",
        "at": "2026-03-20",
        "id": "first",
    }
    first = world.say(**bought)
    for n in range(501):
        world.say(do="remove_addon", account="a1", product="custom_domain", at="2026-03-20", id=f"r{n}")
        world.say(do="undo", account="a1", product="custom_domain", at="2026-03-20", id=f"u{n}")
    state = world.service.account("main/a1")

    assert state is not None
    assert state.forgotten_commands
    assert "first" not in state.commands
    assert world.say(**bought) == first
    assert world.twin().say(**bought) == first
    assert world.say(**{**bought, "product": "surveys"}).code == "command_id_reused"
    fresh = world.say(**{**bought, "product": "surveys", "id": "new"})
    assert fresh.outcome == "accepted"


def test_a_forgotten_key_whose_payment_was_cancelled_is_free() -> None:
    world = memory_world()
    world.open("w", at=None)
    paid = {"cvv": "tok_unreachable", "billing": True}
    line = {"do": "purchase_plan", "account": "w", "product": "standard", "id": "c1"}
    world.library.load(_example(), None, world.clock.now())
    assert world.say_now(**line, confirm=paid).code == "payment_cancelled"
    world.say_now(**{**line, "id": "c2"}, confirm={"cvv": "tok_1", "billing": True})
    world.say_now(
        do="purchase_addon", account="w", product="surveys", confirm={"cvv": "tok_1", "billing": True}
    )
    for n in range(501):
        world.say_now(do="remove_addon", account="w", product="surveys", id=f"r{n}")
        world.say_now(do="undo", account="w", product="surveys", id=f"u{n}")

    assert world.say_now(**line, confirm=paid).code == "already_active"


def test_an_answer_that_later_events_and_a_later_catalogue_would_change_is_given_again_as_it_was() -> None:
    world = memory_world()
    world.open("w", at=None)
    world.library.load(_example(), None, world.clock.now())
    paid = {"cvv": "tok_1", "billing": True}
    world.say_now(do="purchase_plan", account="w", product="standard", confirm=paid)
    world.say_now(do="purchase_addon", account="w", product="dedicated_ip", confirm=paid)
    line = {"do": "cancel_plan", "account": "w", "family": "marketing", "id": "c1"}
    first = world.say_now(**line)
    world.say_now(do="undo", account="w", product="standard")
    later = json.loads(_example())
    for add_on in later["add_ons"]:
        add_on.pop("requires", None)
    world.clock.advance(timedelta(seconds=1))
    world.library.load(json.dumps(later).encode(), None, world.clock.now())
    now = world.say_now(**{**line, "id": "c2"})

    assert [ending["product"] for ending in first.facts["ending"]] == ["dedicated_ip"]
    assert world.say_now(**line) == first
    assert world.twin().say_now(**line) == first
    assert now.facts["ending"] == []


def test_undo_that_finds_the_resume_date_passed_is_answered_again_with_both_its_events() -> None:
    world = memory_world()
    world.open()
    steps = [
        {"do": "purchase_plan", "product": "standard", "at": "2026-03-20"},
        {"do": "pause_plan", "family": "marketing", "resume_on": "2026-04-10", "at": "2026-04-01"},
        {"do": "cancel_plan", "family": "marketing", "at": "2026-04-02"},
    ]
    for step in steps:
        world.say(account="a1", **step)
    undo = {"do": "undo", "account": "a1", "product": "standard", "at": "2026-04-10", "id": "u1"}
    first = world.say(**undo)
    world.say(do="resume_plan", account="a1", family="marketing", at="2026-04-11")

    assert (first.outcome, first.facts["stay_paused"]) == ("reinstated", ["standard"])
    assert first.events == ("plan_cancellation_withdrawn", "resume_dropped")
    assert world.say(**undo) == first


def _example() -> bytes:
    from service.catalogue_versions import EXAMPLE

    return EXAMPLE.read_bytes().replace(b'"2026-01"', b'"2026-02"')
