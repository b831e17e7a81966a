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
from service.gateways.played import (
    ACTION_REQUIRED,
    ANSWER_LOST,
    CONFIRMED,
    DECLINED,
    DECLINED_FOR_GOOD,
    UNREACHABLE,
)
from service.gateways.port import RENEWING, SAVED_METHOD, Confirmation, Means
from tests.support.service.blocking_gateway import BlockingGateway

ACCOUNT, AMOUNT = "main/a1", Decimal("20.00")


def _charge(gateway: BlockingGateway, key: UUID, means: Means = CONFIRMED) -> str:
    return gateway.charge(key, ACCOUNT, AMOUNT, "EUR", means).answer


def test_a_charge_is_paid_once_and_answered_alike_for_ever(gateway: BlockingGateway) -> None:
    key = uuid4()

    assert _charge(gateway, key) == "paid"
    assert _charge(gateway, key, DECLINED) == "paid"
    assert gateway.finish(key) == "paid"


def test_a_declined_charge_stays_declined(gateway: BlockingGateway) -> None:
    key = uuid4()

    assert _charge(gateway, key, DECLINED) == "declined"
    assert _charge(gateway, key) == "declined"
    assert gateway.finish(key) == "declined"


def test_a_finished_key_can_never_be_charged(gateway: BlockingGateway) -> None:
    key = uuid4()

    assert gateway.finish(key) == "cancelled"
    assert _charge(gateway, key) == "cancelled"
    assert gateway.finish(key) == "cancelled"


def test_a_charge_whose_answer_is_lost_was_made(gateway: BlockingGateway) -> None:
    key = uuid4()

    with pytest.raises(GatewayUnavailable):
        _charge(gateway, key, ANSWER_LOST)
    assert gateway.finish(key) == "paid"


def test_a_charge_that_did_not_arrive_was_not_made(gateway: BlockingGateway) -> None:
    key = uuid4()

    with pytest.raises(GatewayUnavailable):
        _charge(gateway, key, UNREACHABLE)
    assert gateway.finish(key) == "cancelled"


def test_a_saved_method_works_until_it_is_set_otherwise_and_every_payment_follows_it(
    gateway: BlockingGateway,
) -> None:
    assert _charge(gateway, uuid4(), SAVED_METHOD) == "paid"
    gateway.set_saved_method(ACCOUNT, works=False)
    assert _charge(gateway, uuid4(), SAVED_METHOD) == "declined"
    assert _charge(gateway, uuid4(), Confirmation("tok_1")) == "declined"
    assert gateway.charge(uuid4(), "main/other", AMOUNT, "EUR", SAVED_METHOD).answer == "paid"
    gateway.set_saved_method(ACCOUNT, works=True)
    assert _charge(gateway, uuid4(), SAVED_METHOD) == "paid"
    assert _charge(gateway, uuid4(), DECLINED) == "declined"


def test_nothing_is_charged_that_is_nothing(gateway: BlockingGateway) -> None:
    with pytest.raises(ValueError, match="above zero"):
        gateway.charge(uuid4(), ACCOUNT, Decimal("0.00"), "EUR", CONFIRMED)


def test_of_charge_and_finish_at_once_exactly_one_wins(gateway: BlockingGateway) -> None:
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


# ---- the second part --------------------------------------------------------


def test_a_charge_that_waits_for_the_customer_names_a_reference_until_it_has_ended(
    gateway: BlockingGateway,
) -> None:
    key = uuid4()

    asked = gateway.charge(key, ACCOUNT, AMOUNT, "EUR", ACTION_REQUIRED)
    assert (asked.answer, asked.reference) == ("action_required", gateway.reference(key))
    assert asked.reference is not None
    assert asked.reference not in repr(asked)
    assert gateway.finish(key) == "action_required", "asking ends nothing"

    gateway.answer_waiting(key, "paid")
    assert (gateway.finish(key), gateway.cancel(key), gateway.reference(key)) == ("paid", "paid", None)
    gateway.answer_waiting(key, "declined")
    assert _charge(gateway, key) == "paid"


def test_a_charge_that_is_given_up_can_never_be_paid(gateway: BlockingGateway) -> None:
    key, never_made = uuid4(), uuid4()
    _charge(gateway, key, ACTION_REQUIRED)

    assert (gateway.cancel(key), gateway.cancel(never_made)) == ("cancelled", "cancelled")
    gateway.answer_waiting(key, "paid")
    assert (gateway.finish(key), gateway.reference(key), _charge(gateway, key)) == (
        "cancelled", None, "cancelled",
    )  # fmt: skip
    assert _charge(gateway, never_made) == "cancelled"


def test_of_the_customers_consent_and_giving_up_at_once_exactly_one_wins(gateway: BlockingGateway) -> None:
    together = Barrier(2)

    def consent(key: UUID) -> None:
        together.wait()
        gateway.answer_waiting(key, "paid")

    def give_up(key: UUID) -> str:
        together.wait()
        return gateway.cancel(key)

    with ThreadPoolExecutor(2) as pool:
        for _ in range(100):
            key = uuid4()
            _charge(gateway, key, ACTION_REQUIRED)
            consenting, giving_up = pool.submit(consent, key), pool.submit(give_up, key)
            consenting.result()
            assert giving_up.result() == gateway.finish(key)


def test_a_method_that_is_declined_for_good_says_so_until_another_one_is_saved(
    gateway: BlockingGateway,
) -> None:
    gateway.save_method(ACCOUNT, DECLINED_FOR_GOOD)
    assert _charge(gateway, uuid4(), SAVED_METHOD) == "declined_final"
    gateway.save_method(ACCOUNT, DECLINED)
    assert _charge(gateway, uuid4(), SAVED_METHOD) == "declined"
    gateway.save_method(ACCOUNT, Confirmation("tok_new"))
    assert _charge(gateway, uuid4(), SAVED_METHOD) == "paid"


def test_only_renewals_are_answered_late(gateway: BlockingGateway) -> None:
    gateway.set_saved_method(ACCOUNT, works=True, pending=True)

    assert _charge(gateway, uuid4(), RENEWING) == "pending"
    assert _charge(gateway, uuid4(), SAVED_METHOD) == "paid"
    assert _charge(gateway, uuid4(), CONFIRMED) == "paid"


def test_under_one_key_a_refund_is_made_once_and_answered_alike_for_ever(gateway: BlockingGateway) -> None:
    made, failed, charge = uuid4(), uuid4(), uuid4()
    _charge(gateway, charge)

    assert gateway.refund(made, charge, ACCOUNT, AMOUNT, "EUR") == "refunded"
    gateway.set_refunds(ACCOUNT, work=False)
    assert gateway.refund(failed, charge, ACCOUNT, AMOUNT, "EUR") == "failed"
    assert gateway.refund(made, charge, ACCOUNT, AMOUNT, "EUR") == "refunded"
    gateway.set_refunds(ACCOUNT, work=True)
    assert gateway.refund(failed, charge, ACCOUNT, AMOUNT, "EUR") == "failed"
    with pytest.raises(ValueError, match="above zero"):
        gateway.refund(uuid4(), charge, ACCOUNT, Decimal("0.00"), "EUR")


def test_whether_refunds_work_changes_no_payment_method(gateway: BlockingGateway) -> None:
    gateway.set_saved_method(ACCOUNT, works=False, final=True)
    gateway.set_refunds(ACCOUNT, work=False)

    assert _charge(gateway, uuid4(), SAVED_METHOD) == "declined_final"
