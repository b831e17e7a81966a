"""Refunds whose answer is late, lost, or learned by someone else (R62): under one key made once."""

from datetime import timedelta
from uuid import UUID

import pytest

from domain import events as e
from service.errors import PaymentUnanswered
from service.gateways.memory import MemoryTestGateway
from service.gateways.port import RefundMade
from tests.support.service.gateways import UnreliableGateway
from tests.support.service.world import World, memory_world

PLAN = {"do": "purchase_plan", "account": "a1", "product": "standard", "at": "2026-03-20"}
NOTE = {
    "do": "credit_note", "account": "a1", "invoice": 1, "line": 1, "net": "5.00", "reason": "service_failure",
    "at": "2026-03-25",
}  # fmt: skip


@pytest.fixture
def gateway() -> UnreliableGateway:
    return UnreliableGateway()


@pytest.fixture
def world(gateway: UnreliableGateway) -> World:
    world = memory_world(gateway)
    world.open()
    world.say(**PLAN)
    return world


def _asked(gateway: UnreliableGateway) -> list[object]:
    """The keys under which refunds were asked for."""
    return [key for call, key, _ in gateway.asked if call == "refund"]


def test_a_refund_has_the_id_of_its_credit_note_as_key(world: World, gateway: UnreliableGateway) -> None:
    assert world.say(**NOTE).outcome == "accepted"

    note = world.log.read_account("main/a1")[-2]
    assert note.type == "credit_note_issued"
    assert gateway.refunds == {note.event_id: "refunded"}
    assert world.happened()[-2:] == ["credit_note_issued", "refund_concluded"]


def test_a_refund_names_the_charge_that_paid_the_invoice(
    world: World, gateway: UnreliableGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.service.settle("main/a1", world.history()[-1].at + timedelta(days=35))
    named = []
    refund = MemoryTestGateway.refund

    async def noted(self: MemoryTestGateway, key: UUID, charge: UUID, *rest: object) -> RefundMade:
        named.append(charge)
        return await refund(self, key, charge, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(MemoryTestGateway, "refund", noted)
    for invoice in (2, 1):
        world.say(**{**NOTE, "invoice": invoice, "at": "2026-04-25"})

    charged = [key for call, key, _ in gateway.asked if call == "charge"]
    assert named == [charged[1], charged[0]]


def test_what_is_not_known_is_asked_again_under_the_same_key_and_made_once(
    world: World, gateway: UnreliableGateway
) -> None:
    gateway.refunds_are_lost = True
    answer = world.say(**NOTE, id="n1")
    assert (answer.outcome, answer.events) == ("accepted", ("credit_note_issued",))

    with pytest.raises(PaymentUnanswered):
        world.service.settle("main/a1", world.clock.now())
    gateway.refunds_are_lost = False
    world.service.settle("main/a1", world.clock.now())

    assert len(set(_asked(gateway))) == 1
    assert list(gateway.refunds.values()) == ["refunded"]
    assert world.happened().count("refund_concluded") == 1
    assert world.say(**NOTE, id="n1").events == answer.events


def test_a_refund_without_an_answer_holds_nothing_else_back(world: World, gateway: UnreliableGateway) -> None:
    gateway.refunds_fail = True
    world.say(**NOTE)

    bought = world.say(do="purchase_addon", account="a1", product="surveys", at="2026-03-26")
    with pytest.raises(PaymentUnanswered):
        world.service.settle("main/a1", world.service.account("main/a1").last_at)  # type: ignore[union-attr]

    assert bought.outcome == "accepted"
    assert gateway.refunds == {}
    gateway.refunds_fail = False
    world.say(do="remove_addon", account="a1", product="surveys", at="2026-03-27")
    assert list(gateway.refunds.values()) == ["refunded"]
    assert world.happened().count("refund_concluded") == 1


def test_a_repeated_credit_note_is_answered_as_it_was_before_its_refund_failed(
    world: World, gateway: UnreliableGateway
) -> None:
    first = world.say(**NOTE, id="n1", refund="failed")
    world.say(do="close_account", account="a1", at="2026-04-01")

    assert world.say(**NOTE, id="n1", refund="failed") == first
    assert world.twin().say(**NOTE, id="n1") == first


def test_a_repeated_credit_note_is_answered_as_it_left_the_account_whose_balance_it_paid(
    world: World,
) -> None:
    """What it gives to the account pays the open invoice at once; that belongs to its answer."""
    world.say(do="payment_method", account="a1", works=False, at="2026-04-01")
    world.say(do="set_tax_profile", account="a1", country="FR", kind="consumer", at="2026-04-21")
    note = {**NOTE, "net": "20.00", "to": "account", "at": "2026-04-22", "id": "n1"}
    first = world.say(**note)

    assert world.happened()[-2:] == ["credit_note_issued", "credit_applied"]
    assert world.say(**note) == first
    assert world.twin().say(**note) == first


@pytest.mark.parametrize("given", [{}, {"id": "n1"}], ids=["without an id", "with an id"])
def test_a_credit_note_whose_refund_another_process_concluded_is_not_given_again(
    world: World, gateway: UnreliableGateway, given: dict[str, str]
) -> None:
    other = world.twin()

    def elsewhere() -> None:
        other.service.settle("main/a1", world.clock.now())

    gateway.before_refund = elsewhere

    answer = world.say(**NOTE, **given)

    assert (answer.outcome, answer.events) == ("accepted", ("credit_note_issued",))
    assert world.happened().count("credit_note_issued") == 1
    assert world.happened().count("refund_concluded") == 1
    assert len(gateway.refunds) == 1


def test_a_refund_that_fails_becomes_account_credit_once(world: World, gateway: UnreliableGateway) -> None:
    world.say(**NOTE, refund="failed")
    world.say(**{**NOTE, "net": "1.00", "at": "2026-03-26"})

    state = world.service.account("main/a1")
    assert state is not None
    assert str(state.standing.credit) == "5.00"
    assert sorted(gateway.refunds.values()) == ["failed", "refunded"]


def test_an_account_on_the_wall_clock_is_not_told_how_refunds_end(world: World) -> None:
    world.open("w", at=None)
    assert world.say(**{**NOTE, "account": "w"}, refund="failed").code == "wrong_clock"
    assert world.say_now(do="credit_note", account="w", invoice=1, reason="other", refund="failed").code == (
        "test_clock_only"
    )


@pytest.mark.parametrize("given", [{}, {"id": "c1"}], ids=["without an id", "with an id"])
def test_a_correction_between_a_purchase_and_its_answer_delays_neither(
    world: World, gateway: UnreliableGateway, given: dict[str, str]
) -> None:
    """Corrections do not wait for a payment of another invoice (section 19)."""
    other, corrected = world.twin(), []

    def elsewhere() -> None:
        corrected.append(other.say(**{**NOTE, "at": "2026-03-26"}))

    gateway.before_answer = elsewhere
    bought = world.say(do="purchase_addon", account="a1", product="surveys", at="2026-03-26", **given)

    assert [answer.outcome for answer in (*corrected, bought)] == ["accepted", "accepted"]
    assert bought.events == ("payment_started", "addon_purchased")
    assert world.happened()[-4:] == [
        "payment_started", "credit_note_issued", "refund_concluded", "addon_purchased",
    ]  # fmt: skip


def test_a_correction_between_a_renewal_and_its_answer_delays_neither(
    world: World, gateway: UnreliableGateway
) -> None:
    other = world.twin()

    def elsewhere() -> None:
        other.say(**{**NOTE, "at": "2026-04-21"})

    gateway.before_answer = elsewhere
    removed = world.say(do="cancel_plan", account="a1", family="marketing", at="2026-04-21")

    assert removed.outcome == "accepted"
    assert world.slept < 1, "nobody waits until it is taken over"
    assert world.happened()[-5:] == [
        "cycles_renewed", "credit_note_issued", "refund_concluded", "invoice_paid", "plan_cancelled",
    ]  # fmt: skip


def test_a_correction_while_a_payment_is_unanswered_is_answered_alike_and_given_once(
    world: World, gateway: UnreliableGateway
) -> None:
    gateway.charges_are_lost = gateway.finishes_fail = True
    world.say(do="purchase_addon", account="a1", product="surveys", at="2026-03-26")
    gateway.charges_are_lost = gateway.finishes_fail = False
    other = world.twin()

    def elsewhere() -> None:
        other.say(**{**NOTE, "net": "1.00", "at": "2026-03-26"})

    gateway.before_refund = elsewhere
    line = {**NOTE, "at": "2026-03-26", "id": "n1"}
    first = world.say(**line)

    assert world.say(**line) == first
    assert world.log.read_account("main/a1")[first.version - 1].command_id == "n1"  # type: ignore[operator]
    gateway.before_refund = elsewhere
    assert world.say(**{**NOTE, "net": "2.00", "at": "2026-03-26"}).outcome == "accepted"
    notes = [event for event in world.history() if isinstance(event, e.CreditNoteIssued)]
    assert [str(note.net) for note in notes] == ["5.00", "1.00", "2.00", "1.00"]
    assert len(gateway.refunds) == len(notes) == world.happened().count("refund_concluded")
