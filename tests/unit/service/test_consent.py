"""Payments that wait for the customer's own consent (R96), and payments that are answered late (R98)."""

import json
import logging
from contextlib import nullcontext
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from msgspec import UNSET

from domain.calendar import parse_moment
from service.catalogue_versions import demo_body
from service.commands import AnswerLine
from service.completing import complete
from service.errors import GatewayUnavailable, LineUnanswered, PaymentUnanswered
from service.gateways.played import ACTION_REQUIRED
from service.gateways.port import Charged, Confirmation, Means, SavedMethod
from tests.support.service.gateways import UnreliableGateway
from tests.support.service.world import World, memory_world, minutes

ADD_ON = {"do": "purchase_addon", "account": "a1", "product": "surveys", "id": "c1"}
WAITS = {**ADD_ON, "payment": "action_required", "at": "2026-04-05T18:30"}


@pytest.fixture
def gateway() -> UnreliableGateway:
    return UnreliableGateway()


@pytest.fixture
def world(gateway: UnreliableGateway) -> World:
    world = memory_world(gateway)
    world.open()
    world.say(do="purchase_plan", account="a1", product="standard", at="2026-03-20")
    return world


def at(text: str):  # type: ignore[no-untyped-def]
    return parse_moment(text, "Europe/Paris")


def test_the_reference_goes_to_the_caller_and_into_nothing_that_is_kept(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    answer = world.say(**WAITS)

    assert answer.outcome == "action_required"
    assert isinstance(answer.reference, str)
    kept = [row.state for row in world.log.read_account("main/a1")]
    assert all(answer.reference.encode() not in state for state in kept)
    assert answer.reference not in caplog.text
    assert answer.reference not in repr(world.service.account("main/a1"))


def test_the_same_key_while_it_waits_asks_for_the_reference_anew(
    world: World, gateway: UnreliableGateway
) -> None:
    first = world.say(**WAITS)

    again = world.twin().say(**{**WAITS, "at": "2026-04-05T18:35"})

    assert (again.outcome, again.reference) == ("action_required", first.reference)
    assert [call for call, _, _ in gateway.asked].count("charge") == 2, "that of the plan, and one"
    assert "reference" in [call for call, _, _ in gateway.asked]


def test_the_customers_return_concludes_as_of_the_intent(world: World, gateway: UnreliableGateway) -> None:
    world.say(**WAITS)
    key = [key for call, key, _ in gateway.asked if call == "charge"][-1]
    assert not world.service.payment_answered("main/a1", at("2026-04-05T18:35"))
    complete(gateway.answer_waiting(key, "paid"))

    assert world.service.payment_answered("main/a1", at("2026-04-05T18:40"))
    assert not world.service.payment_answered("main/a1", at("2026-04-05T18:41"))

    bought = world.history()[-1]
    assert (world.happened()[-1], bought.at) == ("addon_purchased", at("2026-04-05T18:30"))
    assert world.say(**WAITS).outcome == "accepted"
    assert world.say(**WAITS).reference is UNSET


def test_the_next_command_learns_the_end_and_goes_on(world: World, gateway: UnreliableGateway) -> None:
    world.say(**WAITS)
    key = [key for call, key, _ in gateway.asked if call == "charge"][-1]
    later = {"do": "remove_addon", "account": "a1", "product": "surveys", "at": "2026-04-05T18:40"}
    assert world.say(**later).code == "payment_in_progress"
    complete(gateway.answer_waiting(key, "paid"))

    assert world.say(**later).outcome == "accepted"
    assert world.slept == 0, "nobody waits for a customer"


def test_the_billing_run_gives_it_up_at_its_time_and_not_before(
    world: World, gateway: UnreliableGateway
) -> None:
    world.say(**WAITS)
    world.clock.advance(minutes(60))

    assert world.service.settle("main/a1", at("2026-04-05T18:59")) == 0
    assert world.service.settle("main/a1", at("2026-04-05T19:00")) == 1

    assert world.happened()[-2:] == ["payment_action_required", "payment_cancelled"]
    given_up = next(key for call, key, _ in gateway.asked if call == "cancel")
    assert gateway.answers[given_up] == "cancelled"
    assert world.say(**{**ADD_ON, "at": "2026-04-05T19:01"}).outcome == "accepted"


def test_what_was_paid_when_its_time_is_over_is_bought_and_the_key_is_answered_so(
    world: World, gateway: UnreliableGateway
) -> None:
    world.say(**WAITS)
    complete(gateway.answer_waiting([key for call, key, _ in gateway.asked if call == "charge"][-1], "paid"))

    answer = world.say(**{**WAITS, "at": "2026-04-05T19:30"})

    assert (answer.outcome, answer.charged) == ("accepted", "3.63")
    assert world.happened().count("addon_purchased") == 1


def test_it_can_be_given_up_by_who_may_buy_alone(world: World) -> None:
    world.say(**WAITS)
    given_up = {"do": "abandon_payment", "account": "a1", "at": "2026-04-05T18:35"}

    assert world.say(**given_up, by="viewer").code == "forbidden"
    assert world.say(**given_up).outcome == "accepted"
    assert world.say(**given_up).outcome == "unchanged"
    assert world.happened()[-1] == "payment_cancelled"


def test_a_process_killed_before_it_could_say_so_leaves_it_waiting_and_not_lost(
    world: World, gateway: UnreliableGateway
) -> None:
    """The charge waits at the provider, its answer never came: who takes it over learns that it waits."""
    gateway.charges_are_lost = gateway.finishes_fail = True
    assert world.say(**WAITS).code == "payment_in_progress"
    gateway.charges_are_lost = gateway.finishes_fail = False
    world.clock.advance(minutes(1))

    answer = world.twin().say(**WAITS)

    assert (answer.outcome, answer.reference is UNSET) == ("action_required", False)


def test_while_the_provider_is_away_it_goes_on_waiting_and_after_its_time_nothing_is_decided(
    world: World, gateway: UnreliableGateway
) -> None:
    world.say(**WAITS)
    gateway.finishes_fail = True

    assert world.say(**{**WAITS, "at": "2026-04-05T18:40"}).outcome == "action_required"
    assert world.say(**{**WAITS, "at": "2026-04-05T19:10"}).code == "payment_in_progress"
    assert world.happened()[-1] == "payment_action_required"


class AsksForConsent(UnreliableGateway):
    """Every charge by the saved method waits for the customer."""

    async def charge(
        self, key: UUID, account_id: str, amount: Decimal, currency: str, means: Means
    ) -> Charged:
        asks = isinstance(means, SavedMethod)
        return await super().charge(key, account_id, amount, currency, ACTION_REQUIRED if asks else means)


@pytest.mark.parametrize("lost", [False, True], ids=["at once", "taken over"])
def test_a_renewal_that_asks_for_consent_is_declined_and_can_not_be_paid_later(lost: bool) -> None:
    """Nobody is there to give it; what the log says was declined must not be charged afterwards."""
    gateway = AsksForConsent()
    world = memory_world(gateway)
    world.open()
    world.say(do="purchase_plan", account="a1", product="standard", at="2026-03-20")
    gateway.charges_are_lost = gateway.finishes_fail = lost
    with pytest.raises(PaymentUnanswered) if lost else nullcontext():
        world.service.settle("main/a1", at("2026-04-21"))
    gateway.charges_are_lost = gateway.finishes_fail = False
    world.clock.advance(minutes(1))

    world.service.settle("main/a1", at("2026-04-21"))

    assert world.happened()[-2:] == ["cycles_renewed", "renewal_declined"]
    key = [key for call, key, _ in gateway.asked if call == "charge"][-1]
    complete(gateway.answer_waiting(key, "paid"))
    assert gateway.answers[key] == "cancelled"


def _wall(world: World) -> None:
    world.library.load(demo_body(), None, world.clock.now())
    world.open("w", at=None)


def _bought_now(world: World, token: str) -> AnswerLine:
    line = {"do": "purchase_plan", "account": "w", "product": "standard", "id": "p"}
    return world.say_now(**line, confirm={"cvv": token, "billing": True})


def test_on_the_wall_clock_it_waits_half_an_hour_by_that_clock(world: World) -> None:
    _wall(world)

    first = _bought_now(world, ACTION_REQUIRED.token)
    world.clock.advance(timedelta(minutes=31))
    again = _bought_now(world, "tok_1")

    assert (first.outcome, again.outcome) == ("action_required", "accepted")
    assert world.happened("w")[1:4] == ["payment_started", "payment_action_required", "payment_cancelled"]


def test_the_token_of_another_method_goes_to_the_provider_and_into_nothing_that_is_kept(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    _wall(world)
    token = "tok_very_secret"
    assert world.say_now(do="set_payment_method", account="w").place == "$.method"

    answer = world.say_now(do="set_payment_method", account="w", method=token, id="m1")

    assert answer.outcome == "accepted"
    kept = [row.state for row in world.log.read_account("main/w")]
    assert all(token.encode() not in state for state in kept)
    assert token not in caplog.text
    assert token not in json.dumps(repr(answer))


def test_a_renewal_that_is_answered_late_is_paid_or_fails_when_the_provider_says_so(world: World) -> None:
    world.say(do="payment_method", account="a1", works=True, pending=True, at="2026-03-21")
    world.service.settle("main/a1", at("2026-06-01"))
    assert world.happened()[-2:] == ["cycles_renewed", "payment_late"]

    assert world.service.late_payment_answered("main/a1", 2, paid=True, at=at("2026-06-02")) == 1
    assert world.service.late_payment_answered("main/a1", 2, paid=True, at=at("2026-06-02")) == 0
    world.say(do="payment_answer", account="a1", answer="declined", invoice=3, at="2026-06-03")

    assert world.happened()[-2:] == ["invoice_paid", "late_payment_failed"]
    state = world.service.account("main/a1")
    assert state is not None
    assert state.status == "past_due"


def test_a_method_that_the_provider_could_not_save_is_not_recorded(
    world: World, gateway: UnreliableGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(account_id: str, method: Confirmation) -> None:
        raise GatewayUnavailable("away")

    monkeypatch.setattr(gateway, "save_method", away)
    line = {"do": "set_payment_method", "account": "a1", "at": "2026-03-21", "id": "m1"}

    with pytest.raises(LineUnanswered) as raised:
        world.say(**line)
    assert raised.value.fate == "unreachable"
    monkeypatch.undo()

    assert world.say(**line).outcome == "accepted"
    assert world.happened().count("payment_method_set") == 1
