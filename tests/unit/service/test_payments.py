"""Payments whose answer is late, lost, or given to someone else (R16)."""

import pytest

from service.errors import PaymentUnanswered
from service.gateways.port import RENEWING, Confirmation
from tests.support.service.gateways import UnreliableGateway
from tests.support.service.world import World, memory_world, minutes

PLAN = {"do": "purchase_plan", "account": "a1", "product": "standard", "at": "2026-03-20", "id": "c1"}


@pytest.fixture
def gateway() -> UnreliableGateway:
    return UnreliableGateway()


@pytest.fixture
def world(gateway: UnreliableGateway) -> World:
    world = memory_world(gateway)
    world.open()
    return world


def test_a_charge_whose_answer_was_lost_is_found_paid_and_not_charged_again(
    world: World, gateway: UnreliableGateway
) -> None:
    gateway.charges_are_lost = True

    answer = world.say(**PLAN)

    assert (answer.outcome, answer.charged) == ("accepted", "20.00")
    assert [call for call, _, _ in gateway.asked] == ["charge", "finish"]
    assert list(gateway.answers.values()) == ["paid"]


def test_a_charge_that_never_arrived_is_cancelled_and_frees_the_id(
    world: World, gateway: UnreliableGateway
) -> None:
    gateway.charges_fail = True
    assert world.say(**PLAN).code == "payment_cancelled"
    gateway.charges_fail = False

    assert world.say(**PLAN).outcome == "accepted"
    assert world.happened()[1:] == [
        "payment_started", "payment_cancelled", "payment_started", "plan_purchased",
    ]  # fmt: skip


def test_while_the_provider_is_away_the_answer_is_not_known_and_nothing_else_happens(
    world: World, gateway: UnreliableGateway
) -> None:
    gateway.charges_are_lost = gateway.finishes_fail = True

    answer = world.say(**PLAN)

    assert (answer.code, answer.events) == ("payment_in_progress", ("payment_started",))
    assert world.say(do="close_account", account="a1", at="2026-03-20").code == "payment_in_progress"
    assert world.say(**PLAN).code == "payment_in_progress"


def test_a_command_waits_for_another_ones_payment_and_then_goes_on(
    world: World, gateway: UnreliableGateway
) -> None:
    other = world.twin()
    answers = []

    def elsewhere() -> None:
        """While the charge is under way another process gets the next command; its wait ends with the
        charge's answer, which cannot come before it returns: so it is refused."""
        answers.append(other.say(do="close_account", account="a1", at="2026-03-20"))

    gateway.before_answer = elsewhere
    world.say(**PLAN)

    assert answers[0].code == "payment_in_progress"
    assert other.slept == pytest.approx(2, abs=0.2)


def test_a_command_that_waited_answers_once_the_payment_is_answered(
    world: World, gateway: UnreliableGateway
) -> None:
    gateway.finishes_fail = True
    gateway.charges_are_lost = True
    world.say(**PLAN)
    gateway.finishes_fail = False
    other = world.twin()

    def answered_elsewhere() -> None:
        world.clock.advance(minutes(1))
        world.service.settle("main/a1", world.clock.now())

    other.meanwhile = answered_elsewhere

    assert other.say(**PLAN).outcome == "accepted"


def test_an_abandoned_payment_is_taken_over_by_the_next_command(
    world: World, gateway: UnreliableGateway
) -> None:
    gateway.charges_are_lost = gateway.finishes_fail = True
    world.say(**PLAN, actor="u-7")
    gateway.charges_are_lost = gateway.finishes_fail = False
    world.clock.advance(minutes(1))
    other = world.twin()

    answer = other.say(**PLAN)

    assert (answer.outcome, answer.events) == ("accepted", ("payment_started", "plan_purchased"))
    assert other.slept == 0
    assert [call for call, _, _ in gateway.asked].count("charge") == 1
    stored = world.log.read_account("main/a1")
    assert [row.actor for row in stored[1:]] == ["u-7", "u-7"]
    assert [row.command_id for row in stored[1:]] == ["c1", "c1"]


def test_an_abandoned_payment_that_was_never_made_is_cancelled_and_the_command_done_anew(
    world: World, gateway: UnreliableGateway
) -> None:
    gateway.charges_fail = gateway.finishes_fail = True
    world.say(**PLAN)
    gateway.charges_fail = gateway.finishes_fail = False
    world.clock.advance(minutes(1))

    assert world.say(**PLAN).outcome == "accepted"
    assert sorted(gateway.answers.values()) == ["cancelled", "paid"]


def test_a_young_payment_is_left_to_its_process(world: World, gateway: UnreliableGateway) -> None:
    gateway.charges_are_lost = gateway.finishes_fail = True
    world.say(**PLAN)
    gateway.charges_are_lost = gateway.finishes_fail = False
    asked = len(gateway.asked)

    with pytest.raises(PaymentUnanswered):
        world.service.settle("main/a1", world.clock.now())
    assert len(gateway.asked) == asked


def test_a_preview_neither_takes_over_nor_charges(world: World, gateway: UnreliableGateway) -> None:
    gateway.charges_are_lost = gateway.finishes_fail = True
    world.say(**PLAN)
    gateway.charges_are_lost = gateway.finishes_fail = False
    world.clock.advance(minutes(1))
    before, asked = world.happened(), len(gateway.asked)

    looked = world.say(**{**PLAN, "id": "c2"}, preview=True)

    assert looked.code == "payment_in_progress"
    assert (world.happened(), len(gateway.asked)) == (before, asked)


def test_a_purchase_without_an_id_that_another_process_concluded_is_not_made_again(
    world: World, gateway: UnreliableGateway
) -> None:
    """The process slept for minutes between intent and charge: what the other one recorded is the answer."""
    other = world.twin()

    def taken_over() -> None:
        world.clock.advance(minutes(5))
        other.service.settle("main/a1", world.clock.now())

    gateway.before_answer = taken_over
    line = {"do": "buy_credits", "account": "a1", "product": "credits_5000", "at": "2026-03-20"}

    answer = world.say(**line)

    assert answer.code == "payment_cancelled"
    assert list(gateway.answers.values()) == ["cancelled"]
    assert world.happened()[1:] == ["payment_started", "payment_cancelled"]
    assert world.say(**line).outcome == "accepted"


def test_the_confirmation_pays_the_purchase_and_the_saved_method_what_fell_due(
    world: World, gateway: UnreliableGateway
) -> None:
    world.say(**PLAN)
    gateway.asked.clear()

    world.say(do="purchase_addon", account="a1", product="surveys", at="2026-05-01", payment="declined")

    renewal, purchase = [means for _, _, means in gateway.asked]
    assert renewal == RENEWING
    assert isinstance(purchase, Confirmation)
    assert world.happened()[-4:] == ["cycles_renewed", "invoice_paid", "payment_started", "payment_declined"]


def test_renewals_of_a_provider_that_is_away_are_attempted_once_a_run(
    world: World, gateway: UnreliableGateway
) -> None:
    world.say(**PLAN)
    gateway.charges_fail = True

    for _ in range(2):
        with pytest.raises(PaymentUnanswered):
            world.service.settle("main/a1", world.clock.now() + minutes(60 * 24 * 40))
    gateway.charges_fail = False
    world.service.settle("main/a1", world.clock.now() + minutes(60 * 24 * 40))

    assert world.happened()[3:] == [
        "cycles_renewed", "payment_cancelled",
        "payment_started", "payment_cancelled",
        "payment_started", "invoice_paid",
    ]  # fmt: skip


def test_a_command_after_a_renewal_that_cannot_be_paid_now_is_refused_and_not_lost(
    world: World, gateway: UnreliableGateway
) -> None:
    world.say(**PLAN)
    gateway.charges_fail = True
    line = {"do": "cancel_plan", "account": "a1", "family": "marketing", "at": "2026-05-01", "id": "c2"}

    assert world.say(**line).code == "payment_in_progress"
    gateway.charges_fail = False
    assert world.say(**line).outcome == "accepted"


def test_what_falls_due_has_neither_command_nor_actor(world: World) -> None:
    world.say(**PLAN, actor="u-7")
    world.say(do="cancel_plan", account="a1", family="marketing", at="2026-05-01", actor="u-8")

    stored = world.log.read_account("main/a1")

    assert [(row.type, row.actor) for row in stored[1:]] == [
        ("payment_started", "u-7"),
        ("plan_purchased", "u-7"),
        ("cycles_renewed", None),
        ("invoice_paid", None),
        ("plan_cancelled", "u-8"),
    ]
