"""What a provider sends of its own accord: late payments that end, disputes, consent. Messages come late,
twice, in any order and while the provider is away; the history is that of what happened there (R58, R96,
R98)."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from itertools import permutations
from random import Random
from uuid import UUID

import msgspec
import pytest

from domain import events as e
from domain.errors import InvalidInput
from service.catalogue_versions import EXAMPLE
from service.completing import complete
from service.errors import GatewayUnavailable, PaymentUnanswered
from service.gateways.port import RENEWING
from service.messages import MessageOutcome, charges_by_key, take_signed
from tests.support.service.late_gateway import ANSWER_BY, SIGNED, LateGateway
from tests.support.service.world import NOW, World, memory_world

CONFIRM = {"cvv": "tok_4242", "billing": True}
BUY = {"do": "purchase_plan", "account": "a1", "product": "standard", "confirm": CONFIRM}


@pytest.fixture
def bank() -> LateGateway:
    return LateGateway()


@pytest.fixture
def world(bank: LateGateway) -> World:
    """An account that bought its plan by card on 20 March; renewals are debits."""
    return bought(bank)


def bought(bank: LateGateway) -> World:
    world = memory_world(bank)
    world.library.load(EXAMPLE.read_bytes().replace(b'"2026-01"', b'"2026-02"'), None, NOW)
    world.open(at=None)
    assert world.say_now(**BUY).outcome == "accepted"
    return world


def renewed(world: World) -> UUID:
    """The key of the renewal that the bank has taken on."""
    world.clock.advance(timedelta(days=33))
    world.service.settle("main/a1", world.clock.now())
    return keys(world)[-1]


def keys(world: World) -> list[UUID]:
    return list(complete(charges_by_key(world.service.core.ports, "main/a1")))


def told(world: World, bank: LateGateway, body: bytes) -> MessageOutcome:
    return complete(take_signed(bank, world.service.core, body, SIGNED))


def told_all(world: World, bank: LateGateway) -> list[MessageOutcome]:
    return [told(world, bank, body) for body in bank.sent]


def test_a_renewal_by_debit_is_open_with_the_date_of_its_answer_until_the_bank_says_more(
    world: World, bank: LateGateway
) -> None:
    key = renewed(world)
    [late] = [event for event in world.history() if isinstance(event, e.PaymentLate)]
    assert late.answer_by == ANSWER_BY
    bank.sent.append(msgspec.json.encode(("charge", key)))

    assert told_all(world, bank) == ["open"]
    assert world.happened()[-1] == "payment_late"


def test_a_debit_is_settled_once_however_often_that_is_said(world: World, bank: LateGateway) -> None:
    bank.ends(renewed(world), "paid")

    assert [told(world, bank, bank.sent[0]) for _ in range(3)] == ["recorded", "known", "known"]
    assert world.happened()[-2:] == ["payment_late", "invoice_paid"]


def test_a_debit_that_is_returned_says_why(world: World, bank: LateGateway) -> None:
    bank.ends(renewed(world), "declined")

    assert told_all(world, bank) == ["recorded"]
    failed = world.history()[-1]
    assert isinstance(failed, e.LatePaymentFailed)
    assert (failed.at, failed.decline_reason) == (world.clock.now(), "insufficient_funds")


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_a_debit_that_settles_and_is_charged_back_is_due_again_in_whatever_order_that_is_said(
    world: World, bank: LateGateway, order: tuple[int, ...]
) -> None:
    """Each message comes twice. What was not heard of before its charge-back has failed late (R98c)."""
    key = renewed(world)
    bank.ends(key, "paid")
    bank.charges_back(key)
    for nth in order:
        told(world, bank, bank.sent[nth % 2])

    assert world.happened()[-2:] == ["invoice_paid", "dispute_lost"]
    state = world.service.account("main/a1")
    assert state is not None
    assert (state.status, state.record(2).charged_back) == ("past_due", True)


def test_a_debit_that_is_charged_back_before_the_bank_called_it_settled_has_failed(
    world: World, bank: LateGateway
) -> None:
    bank.charges_back(renewed(world))

    assert [told(world, bank, bank.sent[0]) for _ in range(2)] == ["recorded", "known"]
    assert world.happened()[-1] == "late_payment_failed"


@pytest.mark.parametrize("end", ["won", "lost"])
def test_a_dispute_is_opened_and_ends_once_in_whatever_order_that_is_said(
    world: World, bank: LateGateway, end: str
) -> None:
    [key] = keys(world)
    bank.disputes(key, "opened")
    first = told_all(world, bank)
    bank.disputes(key, end)  # type: ignore[arg-type]

    assert first == ["recorded"]
    assert [told(world, bank, body) for body in reversed(bank.sent)] == ["recorded", "known"]
    assert world.happened()[-2:] == ["dispute_opened", f"dispute_{end}"]


@pytest.mark.parametrize(("end", "left"), [("won", "plan_purchased"), ("lost", "dispute_lost")])
def test_of_a_dispute_that_was_over_before_its_first_message_came_only_a_loss_is_recorded(
    world: World, bank: LateGateway, end: str, left: str
) -> None:
    [key] = keys(world)
    bank.disputes(key, "opened")
    bank.disputes(key, end)  # type: ignore[arg-type]

    told_all(world, bank)

    assert world.happened()[-1] == left


def test_a_process_with_an_older_answer_does_not_leave_it_as_the_last_word(
    world: World, bank: LateGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has read that the dispute is open; before it records that, another one is told that it is won."""
    [key] = keys(world)
    bank.disputes(key, "opened")
    handle = world.service.core.handle

    async def overtaken(*args: object, **given: object) -> object:
        monkeypatch.setattr(world.service.core, "handle", handle)
        bank.disputes(key, "won")
        assert told(world.twin(), bank, bank.sent[-1]) == "known"
        return await handle(*args, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(world.service.core, "handle", overtaken)

    assert told(world, bank, bank.sent[0]) == "recorded"
    assert world.happened()[-2:] == ["dispute_opened", "dispute_won"]


def test_a_replayed_dispute_of_a_charge_is_not_one_of_the_charge_that_paid_the_invoice_since(
    world: World, bank: LateGateway
) -> None:
    [key] = keys(world)
    bank.disputes(key, "lost")
    told_all(world, bank)
    assert world.say_now(do="pay_balance", account="a1", confirm=CONFIRM).outcome == "accepted"
    before = world.happened()

    assert told_all(world, bank) == ["known"]
    assert world.happened() == before


def test_consent_that_the_provider_tells_of_concludes_the_purchase(world: World, bank: LateGateway) -> None:
    line = {"do": "purchase_addon", "account": "a1", "product": "surveys"}
    asked = world.say_now(**line, confirm={"cvv": "tok_action_required", "billing": True})
    assert asked.outcome == "action_required"
    key = keys(world)[-1]
    body = msgspec.json.encode(("charge", key))
    assert told(world, bank, body) == "open"
    complete(bank.answer_waiting(key, "paid"))

    assert [told(world, bank, body) for _ in range(2)] == ["recorded", "known"]
    assert world.happened()[-1] == "addon_purchased"


def test_what_a_living_process_charges_is_left_to_it_and_taken_over_once_it_is_abandoned(
    world: World, bank: LateGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    charge = bank.charge
    heard: list[BaseException] = []

    async def told_meanwhile(*args: object) -> object:
        charged = await charge(*args)  # type: ignore[arg-type]
        body = msgspec.json.encode(("charge", keys(world)[-1]))
        with pytest.raises(PaymentUnanswered) as refused:
            told(world.twin(), bank, body)
        heard.append(refused.value)
        world.clock.advance(timedelta(minutes=5))
        assert told(world.twin(), bank, body) == "recorded"
        return charged

    monkeypatch.setattr(bank, "charge", told_meanwhile)
    line = {"do": "purchase_addon", "account": "a1", "product": "surveys", "confirm": CONFIRM, "id": "c1"}

    assert world.say_now(**line).outcome == "accepted"
    assert len(heard) == 1
    assert world.happened().count("addon_purchased") == 1


def test_a_late_end_leaves_the_payment_alone_that_waits_for_the_customer(
    world: World, bank: LateGateway
) -> None:
    key = renewed(world)
    line = {"do": "purchase_addon", "account": "a1", "product": "surveys"}
    world.say_now(**line, confirm={"cvv": "tok_action_required", "billing": True})
    waiting = keys(world)[-1]
    bank.ends(key, "paid")
    assert told_all(world, bank) == ["recorded"]
    complete(bank.answer_waiting(waiting, "paid"))

    assert world.service.payment_answered("main/a1")
    assert world.happened()[-2:] == ["invoice_paid", "addon_purchased"]


def nothing_here(world: World, bank: LateGateway) -> bytes:
    complete(bank.charge(UUID(int=1), "main/unknown", Decimal(1), "EUR", RENEWING))
    return msgspec.json.encode(("charge", UUID(int=1)))


def of_nobody(world: World, bank: LateGateway) -> bytes:
    return msgspec.json.encode(("charge", UUID(int=2)))


def of_another_system(world: World, bank: LateGateway) -> bytes:
    """A charge that names an account as one here is named, and is not in its history."""
    complete(bank.charge(UUID(int=3), "main/a1", Decimal(1), "EUR", RENEWING))
    return msgspec.json.encode(("charge", UUID(int=3)))


def on_a_test_clock(world: World, bank: LateGateway) -> bytes:
    world.open("t1")
    world.say(do="purchase_plan", account="t1", product="standard", at="2026-03-20")
    [key] = complete(charges_by_key(world.service.core.ports, "main/t1"))
    bank.disputes(key, "lost")
    return bank.sent.pop()


@pytest.mark.parametrize("body", [nothing_here, of_nobody, of_another_system, on_a_test_clock])
def test_a_message_about_no_account_that_pays_here_changes_nothing(
    world: World, bank: LateGateway, body: Callable[[World, LateGateway], bytes]
) -> None:
    about = body(world, bank)
    position = world.log.last_position()

    assert told(world, bank, about) == "not_ours"
    assert world.log.last_position() == position


def test_what_the_provider_did_not_sign_is_refused(world: World, bank: LateGateway) -> None:
    bank.disputes(keys(world)[0], "lost")
    with pytest.raises(InvalidInput) as refused:
        complete(take_signed(bank, world.service.core, bank.sent[0], "forged"))
    assert (refused.value.code, world.happened()[-1]) == ("invalid_message", "plan_purchased")


def test_while_the_provider_is_away_it_is_to_send_again_and_nothing_is_lost(
    world: World, bank: LateGateway
) -> None:
    bank.ends(renewed(world), "paid")
    bank.reads_fail = True
    with pytest.raises(GatewayUnavailable):
        told_all(world, bank)
    bank.reads_fail = False
    assert told_all(world, bank) == ["recorded"]


def test_after_any_order_and_number_of_messages_the_books_are_those_of_the_bank() -> None:
    """Debits of six months, some returned, some settled and charged back; messages of all of them shuffled
    and doubled, some not delivered before the next renewal."""
    for seed in range(40):
        random, bank = Random(seed), LateGateway()
        world = bought(bank)
        ends: dict[UUID, str] = {}
        for _ in range(6):
            before = set(keys(world))
            renewed(world)
            for key in set(keys(world)) - before:
                ends[key] = random.choice(("paid", "declined", "charged back", "open"))
                if ends[key] != "open":
                    bank.ends(key, "declined" if ends[key] == "declined" else "paid")
                if ends[key] == "charged back":
                    bank.charges_back(key)
            for body in random.choices(bank.sent, k=len(bank.sent)):
                told(world, bank, body)
        for body in random.sample(bank.sent * 2, k=2 * len(bank.sent)):
            told(world, bank, body)

        charges = complete(charges_by_key(world.service.core.ports, "main/a1"))
        expected = {"paid": "paid", "charged back": "paid", "declined": "failed", "open": "late"}
        for key, end in ends.items():
            if charges[key].purpose == "renewal" and charges[key].status != "declined":
                here = charges[key].status
                assert here == expected[end] or (end == "charged back" and here == "failed"), f"seed {seed}"
        state = world.service.account("main/a1")
        assert state is not None
        back = {
            n for k, end in ends.items() if end in ("declined", "charged back") for n in charges[k].invoices
        }
        assert back <= {n for n, record in state.records.items() if record.charged_back}, f"seed {seed}"
