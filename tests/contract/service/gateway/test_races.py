"""What holds at the payment port in any order and from any number of processes at once: a key is decided
once, for ever (R16), and refunds together give back no more than was charged (R62)."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from threading import Barrier
from uuid import UUID, uuid4

import pytest

from service.errors import GatewayUnavailable
from service.gateways.played import ACTION_REQUIRED, ANSWER_LOST, CONFIRMED, DECLINED
from service.gateways.port import RENEWING, Movement
from tests.support.service.blocking_gateway import BlockingGateway

ACCOUNT, AMOUNT = "main/a1", Decimal("20.00")


def charge(gateway: BlockingGateway, key: UUID) -> str:
    return gateway.charge(key, ACCOUNT, AMOUNT, "EUR", CONFIRMED).answer


def today(gateway: BlockingGateway) -> list[Movement]:
    """The provider's list, whose day may end while it is asked for."""
    days = {datetime.now(UTC).date()}
    listed = [movement for day in days for movement in gateway.movements(day)]
    days = {datetime.now(UTC).date()} - days
    return listed + [movement for day in days for movement in gateway.movements(day)]


def paid(gateway: BlockingGateway, key: UUID) -> int:
    """How often the provider's own list says that the key was paid."""
    return len([m for m in today(gateway) if m.kind == "charge" and m.key == key and m.status == "paid"])


def test_a_key_that_many_charge_at_once_is_charged_once(
    gateway: BlockingGateway, elsewhere: BlockingGateway
) -> None:
    key, callers = uuid4(), 8
    together = Barrier(callers)

    def charge_it(nth: int) -> str:
        together.wait()
        return charge(gateway if nth % 2 else elsewhere, key)

    with ThreadPoolExecutor(callers) as pool:
        assert set(pool.map(charge_it, range(callers))) == {"paid"}
    assert paid(gateway, key) == 1


def test_another_process_that_remembers_nothing_gets_the_same_answers(
    gateway: BlockingGateway, elsewhere: BlockingGateway
) -> None:
    """Nothing of a promise lies in the memory of the process that charged, or with the provider alone."""
    keys = {answer: uuid4() for answer in ("paid", "declined", "cancelled", "lost")}
    charge(gateway, keys["paid"])
    gateway.charge(keys["declined"], ACCOUNT, AMOUNT, "EUR", DECLINED)
    gateway.finish(keys["cancelled"])
    with pytest.raises(GatewayUnavailable):
        gateway.charge(keys["lost"], ACCOUNT, AMOUNT, "EUR", ANSWER_LOST)

    assert {answer: charge(elsewhere, key) for answer, key in keys.items()} == {
        "paid": "paid", "declined": "declined", "cancelled": "cancelled", "lost": "paid",
    }  # fmt: skip
    assert {answer: elsewhere.finish(key) for answer, key in keys.items()} == {
        "paid": "paid", "declined": "declined", "cancelled": "cancelled", "lost": "paid",
    }  # fmt: skip
    assert [paid(elsewhere, key) for key in keys.values()] == [1, 0, 0, 1]


def asked_for(gateway: BlockingGateway, call: str, key: UUID) -> str:
    """How the key stands by the answer to the call, or as the customer has just left it."""
    match call:
        case "charge":
            return charge(gateway, key)
        case "charge with consent":
            return gateway.charge(key, ACCOUNT, AMOUNT, "EUR", ACTION_REQUIRED).answer
        case "finish":
            return gateway.finish(key)
        case "cancel":
            return gateway.cancel(key)
        case _:
            waited = gateway.reference(key) is not None
            gateway.answer_waiting(key, "paid")
            return "paid" if waited else "nothing"


CALLS = ("charge", "charge with consent", "finish", "cancel", "customer")


def test_in_whatever_order_calls_come_the_first_that_decides_decides_for_ever(
    gateway: BlockingGateway, elsewhere: BlockingGateway
) -> None:
    """60 random orders of calls of two processes."""
    seen: Counter[str] = Counter()
    for seed in range(60):
        random, key, decided = Random(seed), uuid4(), ""
        for _ in range(6):
            call = random.choice(CALLS)
            answer = asked_for(random.choice((gateway, elsewhere)), call, key)
            if decided:
                assert answer in (decided, "nothing"), f"seed {seed}: {call}"
            elif answer not in ("action_required", "nothing"):
                decided = answer
        assert paid(gateway, key) == (decided == "paid"), f"seed {seed}"
        seen[decided] += 1
    assert {"paid", "cancelled"} <= seen.keys()


def test_a_late_answer_stays_pending_however_it_is_asked_for_and_ends_once(
    gateway: BlockingGateway, elsewhere: BlockingGateway
) -> None:
    gateway.set_saved_method(ACCOUNT, works=True, pending=True)
    key, other = uuid4(), uuid4()
    for one in (key, other):
        assert gateway.charge(one, ACCOUNT, AMOUNT, "EUR", RENEWING).answer == "pending"

    assert (elsewhere.finish(key), elsewhere.cancel(key)) == ("pending", "pending"), "it is on its way"
    gateway.answer_waiting(key, "paid")
    gateway.answer_waiting(key, "declined")
    gateway.answer_waiting(other, "declined")
    assert (elsewhere.finish(key), elsewhere.cancel(key)) == ("paid", "paid")
    assert elsewhere.finish(other) in ("declined", "declined_final")
    assert charge(elsewhere, key) == "paid"


def test_refunds_at_once_give_back_no_more_than_was_charged(
    gateway: BlockingGateway, elsewhere: BlockingGateway
) -> None:
    key, callers = uuid4(), 6
    charge(gateway, key)
    together = Barrier(callers)

    def give_back(nth: int) -> str:
        together.wait()
        asked = gateway if nth % 2 else elsewhere
        return asked.refund(uuid4(), key, ACCOUNT, Decimal("6.00"), "EUR")

    with ThreadPoolExecutor(callers) as pool:
        made = Counter(pool.map(give_back, range(callers)))

    assert made == {"refunded": 3, "failed": 3}
    given = [m.amount for m in today(gateway) if m.kind == "refund" and m.status == "refunded"]
    assert sum(given) == Decimal("18.00")


def test_one_refund_that_many_ask_for_at_once_is_made_once(
    gateway: BlockingGateway, elsewhere: BlockingGateway
) -> None:
    key, refund, callers = uuid4(), uuid4(), 6
    charge(gateway, key)
    together = Barrier(callers)

    def give_back(nth: int) -> str:
        together.wait()
        asked = gateway if nth % 2 else elsewhere
        return asked.refund(refund, key, ACCOUNT, Decimal("15.00"), "EUR")

    with ThreadPoolExecutor(callers) as pool:
        assert set(pool.map(give_back, range(callers))) == {"refunded"}
    assert len([m for m in today(gateway) if m.kind == "refund" and m.key == refund]) == 1


@pytest.mark.parametrize("before", ["nothing", "finished", "declined", "waits"])
def test_what_was_not_paid_is_not_given_back(gateway: BlockingGateway, before: str) -> None:
    key = uuid4()
    if before == "finished":
        gateway.finish(key)
    elif before != "nothing":
        means = DECLINED if before == "declined" else ACTION_REQUIRED
        gateway.charge(key, ACCOUNT, AMOUNT, "EUR", means)
    refund = uuid4()

    assert gateway.refund(refund, key, ACCOUNT, AMOUNT, "EUR") == "failed"
    assert gateway.refund(refund, key, ACCOUNT, AMOUNT, "EUR") == "failed"


def test_the_providers_list_of_a_day_has_each_movement_once_as_it_stands(gateway: BlockingGateway) -> None:
    bought, declined, waiting, refund = uuid4(), uuid4(), uuid4(), uuid4()
    began = datetime.now(UTC).replace(microsecond=0)
    charge(gateway, bought)
    charge(gateway, bought)
    gateway.charge(declined, ACCOUNT, AMOUNT, "EUR", DECLINED)
    gateway.charge(waiting, "main/a2", Decimal("9.99"), "USD", ACTION_REQUIRED)
    gateway.refund(refund, bought, ACCOUNT, Decimal("4.84"), "EUR")
    gateway.finish(uuid4())
    gateway.answer_waiting(waiting, "paid")

    listed = today(gateway)
    moved = {m.key: m for m in listed if m.status in ("paid", "refunded")}
    assert {key: (m.kind, m.account_id, m.amount, m.currency) for key, m in moved.items()} == {
        bought: ("charge", ACCOUNT, AMOUNT, "EUR"),
        waiting: ("charge", "main/a2", Decimal("9.99"), "USD"),
        refund: ("refund", ACCOUNT, Decimal("4.84"), "EUR"),
    }
    assert len({m.reference for m in listed}) == len(listed)
    assert {m.status for m in listed if m.key == declined} <= {"declined"}
    assert all(began <= m.at <= datetime.now(UTC) for m in listed)
    assert gateway.movements(began.date().replace(year=began.year - 1, day=1)) == []
