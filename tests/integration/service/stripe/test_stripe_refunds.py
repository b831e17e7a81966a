"""A refund at Stripe: once under its own key, on the charge that it gives back of (R62)."""

from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from service.errors import GatewayUnavailable
from service.gateways.port import Confirmation
from tests.support.fake_stripe import FakeStripe
from tests.support.service.blocking_gateway import AskedGateway

ACCOUNT = "main/a1"
REFUND = "POST /v1/refunds"


@pytest.fixture
def charge(fake: FakeStripe, gateway: AskedGateway) -> UUID:
    """The key of 20.00 that was paid."""
    key = uuid4()
    means = Confirmation(fake.confirmation_token("visa"))
    assert gateway.charge(key, ACCOUNT, Decimal("20.00"), "EUR", means).answer == "paid"
    return key


def _refund(gateway: AskedGateway, key: UUID, charge: UUID, amount: str = "4.84") -> str:
    return gateway.refund(key, charge, ACCOUNT, Decimal(amount), "EUR")


def _made(fake: FakeStripe) -> list[int]:
    return [refund["amount"] for refund in fake.books.all("refund") if refund["status"] == "succeeded"]


def test_a_part_of_the_original_charge_is_given_back(
    fake: FakeStripe, gateway: AskedGateway, charge: UUID
) -> None:
    key = uuid4()
    assert _refund(gateway, key, charge) == "refunded"
    [refund] = fake.books.all("refund")
    assert refund["payment_intent"] == fake.intents_of(charge)[0]["id"]
    assert refund["metadata"] == {"prorata_key": str(key), "prorata_account": ACCOUNT}
    assert _refund(gateway, key, charge) == "refunded"
    assert _made(fake) == [484]


def test_a_refund_whose_answer_was_lost_is_not_made_twice_though_stripe_has_forgotten_its_key(
    fake: FakeStripe, gateway: AskedGateway, charge: UUID
) -> None:
    key = uuid4()
    fake.faults.add("lost", REFUND, times=3)
    with pytest.raises(GatewayUnavailable):
        _refund(gateway, key, charge)
    fake.keys.prune()
    assert _refund(gateway, key, charge) == "refunded"
    assert _made(fake) == [484]


def test_a_refund_that_did_not_arrive_is_made_when_it_is_asked_for_again(
    fake: FakeStripe, gateway: AskedGateway, charge: UUID
) -> None:
    key = uuid4()
    fake.faults.add("cut", REFUND, times=3)
    with pytest.raises(GatewayUnavailable):
        _refund(gateway, key, charge)
    assert _refund(gateway, key, charge) == "refunded"
    assert _made(fake) == [484]


def test_of_many_refunds_of_one_charge_each_finds_its_own(
    fake: FakeStripe, gateway: AskedGateway, charge: UUID
) -> None:
    lost = uuid4()
    fake.faults.add("lost", REFUND, times=3)
    with pytest.raises(GatewayUnavailable):
        _refund(gateway, lost, charge, "0.50")
    for _ in range(105):
        assert _refund(gateway, uuid4(), charge, "0.10") == "refunded"
    fake.keys.prune()
    assert _refund(gateway, lost, charge, "0.50") == "refunded"
    assert sum(_made(fake)) == 50 + 1050


def test_two_that_ask_for_a_refund_at_once_make_it_once(
    fake: FakeStripe, gateway: AskedGateway, other: AskedGateway, charge: UUID
) -> None:
    key = uuid4()
    meanwhile: list[str] = []
    fake.faults.add("before", REFUND, call=lambda: meanwhile.append(_refund(other, key, charge)))
    assert _refund(gateway, key, charge) == "refunded"
    assert meanwhile == ["refunded"]
    assert _made(fake) == [484]


def test_a_refund_that_fails_stays_failed(fake: FakeStripe, gateway: AskedGateway, charge: UUID) -> None:
    key, customer = uuid4(), fake.intents_of(charge)[0]["customer"]
    fake.refunds.fail_for(customer, fail=True)
    assert _refund(gateway, key, charge) == "failed"
    fake.refunds.fail_for(customer, fail=False)
    assert _refund(gateway, key, charge) == "failed"
    assert _made(fake) == []


def test_what_cannot_be_given_back_is_a_failed_refund(
    fake: FakeStripe, gateway: AskedGateway, charge: UUID
) -> None:
    assert _refund(gateway, uuid4(), charge, "20.01") == "failed"
    fake.disputes.open(fake.intents_of(charge)[0]["id"])
    assert _refund(gateway, uuid4(), charge) == "failed"
    assert _refund(gateway, uuid4(), uuid4()) == "failed", "what was never charged"


def test_a_refund_that_stripe_has_not_made_yet_is_unknown_until_it_has(
    fake: FakeStripe, gateway: AskedGateway, charge: UUID
) -> None:
    key = uuid4()

    fake.refunds.pending = True
    with pytest.raises(GatewayUnavailable, match="pending"):
        _refund(gateway, key, charge)
    fake.books.all("refund")[0]["status"] = "succeeded"
    assert _refund(gateway, key, charge) == "refunded"
    assert _made(fake) == [484]
