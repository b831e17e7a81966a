"""What the payment port promises: one key, one decision, for ever."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from threading import Barrier
from uuid import UUID, uuid4

import pytest

from service.errors import GatewayUnavailable
from service.gateway import (
    ANSWER_LOST,
    CONFIRMED,
    DECLINED,
    SAVED_METHOD,
    UNREACHABLE,
    Confirmation,
    Means,
    SettableGateway,
)

ACCOUNT, AMOUNT = "main/a1", Decimal("20.00")


def _charge(gateway: SettableGateway, key: UUID, means: Means = CONFIRMED) -> str:
    return gateway.charge(key, ACCOUNT, AMOUNT, "EUR", means).answer


def test_a_charge_is_paid_once_and_answered_alike_for_ever(gateway: SettableGateway) -> None:
    key = uuid4()

    assert _charge(gateway, key) == "paid"
    assert _charge(gateway, key, DECLINED) == "paid"
    assert gateway.finish(key) == "paid"


def test_a_declined_charge_stays_declined(gateway: SettableGateway) -> None:
    key = uuid4()

    assert _charge(gateway, key, DECLINED) == "declined"
    assert _charge(gateway, key) == "declined"
    assert gateway.finish(key) == "declined"


def test_a_finished_key_can_never_be_charged(gateway: SettableGateway) -> None:
    key = uuid4()

    assert gateway.finish(key) == "cancelled"
    assert _charge(gateway, key) == "cancelled"
    assert gateway.finish(key) == "cancelled"


def test_a_charge_whose_answer_is_lost_was_made(gateway: SettableGateway) -> None:
    key = uuid4()

    with pytest.raises(GatewayUnavailable):
        _charge(gateway, key, ANSWER_LOST)
    assert gateway.finish(key) == "paid"


def test_a_charge_that_did_not_arrive_was_not_made(gateway: SettableGateway) -> None:
    key = uuid4()

    with pytest.raises(GatewayUnavailable):
        _charge(gateway, key, UNREACHABLE)
    assert gateway.finish(key) == "cancelled"


def test_a_saved_method_works_until_it_is_set_otherwise_and_every_payment_follows_it(
    gateway: SettableGateway,
) -> None:
    assert _charge(gateway, uuid4(), SAVED_METHOD) == "paid"
    gateway.set_saved_method(ACCOUNT, works=False)
    assert _charge(gateway, uuid4(), SAVED_METHOD) == "declined"
    assert _charge(gateway, uuid4(), Confirmation("tok_1")) == "declined"
    assert gateway.charge(uuid4(), "main/other", AMOUNT, "EUR", SAVED_METHOD).answer == "paid"
    gateway.set_saved_method(ACCOUNT, works=True)
    assert _charge(gateway, uuid4(), SAVED_METHOD) == "paid"
    assert _charge(gateway, uuid4(), DECLINED) == "declined"


def test_nothing_is_charged_that_is_nothing(gateway: SettableGateway) -> None:
    with pytest.raises(ValueError, match="above zero"):
        gateway.charge(uuid4(), ACCOUNT, Decimal("0.00"), "EUR", CONFIRMED)


def test_of_charge_and_finish_at_once_exactly_one_wins(gateway: SettableGateway) -> None:
    """Both callers are told the same, whoever was first; over many keys each wins some."""
    together = Barrier(2)

    def at_once(ask: Callable[[], str]) -> str:
        together.wait()
        return ask()

    answers: Counter[str] = Counter()
    with ThreadPoolExecutor(2) as pool:
        for nth in range(150):
            key = uuid4()
            charging = pool.submit(at_once, partial(_charge, gateway, key))
            finishing = pool.submit(at_once, partial(gateway.finish, key))
            charged, finished = charging.result(), finishing.result()
            assert charged == finished, f"key {nth}"
            assert charged == gateway.finish(key)
            answers[charged] += 1
    assert set(answers) <= {"paid", "cancelled"}
