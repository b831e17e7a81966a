"""Which method pays at Stripe, the customer's own consent (R96) and late answers (R98)."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from service.completing import complete
from service.errors import GatewayUnavailable
from service.gateways.port import (
    PRESENT,
    RENEWING,
    SAVED_METHOD,
    Charged,
    Confirmation,
    Means,
    MethodTakeOver,
)
from tests.support.fake_stripe import FakeStripe
from tests.support.fake_stripe.methods import METHODS, Behaviour
from tests.support.service.blocking_gateway import AskedGateway

ACCOUNT = "main/a1"

Charge = Callable[[UUID, Means], Charged]


@pytest.fixture
def charge(gateway: AskedGateway) -> Charge:
    return lambda key, means: gateway.charge(key, ACCOUNT, Decimal("20.00"), "EUR", means)


@pytest.fixture
def token(fake: FakeStripe) -> Callable[..., Confirmation]:
    return lambda *method, **more: Confirmation(fake.confirmation_token(*method, **more))


Token = Callable[..., Confirmation]


def _saved(fake: FakeStripe) -> str:
    """The one method that is saved at Stripe."""
    [method] = [method for method in fake.books.all("payment_method") if method["customer"] is not None]
    return str(method["id"])


def test_without_a_saved_method_nobody_is_asked(fake: FakeStripe, charge: Charge) -> None:
    key = uuid4()
    declined = charge(key, RENEWING)
    assert (declined.answer, declined.decline_reason) == ("declined", "no_method")
    assert charge(key, RENEWING) == declined
    assert fake.intents_of(key) == []


def test_the_first_card_that_pays_is_saved_and_pays_renewals_without_the_customer(
    fake: FakeStripe, charge: Charge, token: Token
) -> None:
    charge(uuid4(), token("asks_off_session"))
    declined = charge(uuid4(), RENEWING)
    assert (declined.answer, declined.decline_reason) == ("declined", "authentication_required")

    other_card = charge(uuid4(), token("visa"))
    assert other_card.answer == "paid"
    assert charge(uuid4(), RENEWING).answer == "declined", "which card is saved is the customer's own choice"


def test_a_method_that_is_set_pays_from_then_on(
    fake: FakeStripe, gateway: AskedGateway, charge: Charge, token: Token
) -> None:
    charge(uuid4(), token("visa"))
    gateway.save_method(ACCOUNT, token("insufficient_funds"))
    assert charge(uuid4(), RENEWING).decline_reason == "insufficient_funds"
    gateway.save_method(ACCOUNT, token("visa"))
    assert charge(uuid4(), SAVED_METHOD).answer == "paid"


@pytest.mark.parametrize(
    ("method", "answer", "reason"),
    [
        ("refused_at_setup", "declined_final", "lost_or_stolen"),
        ("asks", "declined", "authentication_required"),
    ],
)
def test_a_method_that_stripe_does_not_save_is_declined_until_another_one_is_set(
    method: str, answer: str, reason: str, gateway: AskedGateway, charge: Charge, token: Token
) -> None:
    gateway.save_method(ACCOUNT, token(method))
    declined = charge(uuid4(), RENEWING)
    assert (declined.answer, declined.decline_reason) == (answer, reason)
    gateway.save_method(ACCOUNT, token("visa"))
    assert charge(uuid4(), RENEWING).answer == "paid"


def test_saving_a_method_twice_saves_it_once_though_its_token_is_used_up(
    fake: FakeStripe, gateway: AskedGateway, other: AskedGateway, charge: Charge, token: Token
) -> None:
    confirmation = token("visa")
    gateway.save_method(ACCOUNT, confirmation)
    fake.keys.prune()
    other.save_method(ACCOUNT, confirmation)

    assert charge(uuid4(), SAVED_METHOD).answer == "paid"
    assert sum(setup["status"] == "succeeded" for setup in fake.books.all("setup_intent")) == 1


def test_a_method_whose_saving_brought_no_answer_is_saved_when_it_is_asked_again(
    fake: FakeStripe, gateway: AskedGateway, charge: Charge, token: Token
) -> None:
    confirmation = token("visa")
    fake.faults.add("lost", "POST /v1/setup_intents", times=3)
    with pytest.raises(GatewayUnavailable):
        gateway.save_method(ACCOUNT, confirmation)
    gateway.save_method(ACCOUNT, confirmation)
    assert charge(uuid4(), SAVED_METHOD).answer == "paid"


def test_a_token_of_another_customers_method_saves_nothing(
    fake: FakeStripe, gateway: AskedGateway, charge: Charge, token: Token
) -> None:
    gateway.save_method("main/victim", token("visa"))
    for stolen in (token(saved=_saved(fake)), Confirmation(fake.books.all("setup_intent")[0]["id"])):
        gateway.save_method(ACCOUNT, stolen)
        assert charge(uuid4(), SAVED_METHOD).decline_reason == "wrong_details"
        assert charge(uuid4(), token(saved=_saved(fake))).decline_reason == "wrong_details"


def test_a_saved_card_pays_a_purchase_only_with_its_digits_entered_again(
    fake: FakeStripe, charge: Charge, token: Token
) -> None:
    charge(uuid4(), token("visa"))
    saved = _saved(fake)
    assert charge(uuid4(), token(saved=saved, cvc=False)).decline_reason == "wrong_details"
    assert charge(uuid4(), token(saved=saved)).answer == "paid"


def test_a_confirmation_is_good_once_and_for_twelve_hours(
    fake: FakeStripe, charge: Charge, token: Token
) -> None:
    used, old = token("visa"), token("visa")
    assert charge(uuid4(), used).answer == "paid"
    again = charge(uuid4(), used)
    assert (again.answer, again.decline_reason) == ("declined", "wrong_details")
    now = fake.books.now()
    fake.books.now = lambda: now + 12 * 3600
    assert charge(uuid4(), old).decline_reason == "wrong_details"


def test_what_a_customer_has_consented_to_is_paid(
    fake: FakeStripe, gateway: AskedGateway, charge: Charge, token: Token
) -> None:
    key = uuid4()
    asked = charge(key, token("asks"))
    [intent] = fake.intents_of(key)
    assert (asked.answer, asked.reference) == ("action_required", intent["client_secret"])
    assert gateway.reference(key) == asked.reference
    assert gateway.finish(key) == "action_required"

    fake.intents.authenticated(intent["id"], ok=True)
    assert (gateway.finish(key), gateway.cancel(key), gateway.reference(key)) == ("paid", "paid", None)
    assert charge(uuid4(), SAVED_METHOD).answer == "declined", "the card asks whenever the customer is away"


def test_a_customer_who_pays_with_the_saved_method_may_consent_where_a_renewal_could_not(
    fake: FakeStripe, gateway: AskedGateway, charge: Charge, token: Token
) -> None:
    first, key = uuid4(), uuid4()
    charge(first, token("asks"))
    fake.intents.authenticated(fake.intents_of(first)[0]["id"], ok=True)
    assert gateway.finish(first) == "paid"
    assert charge(uuid4(), RENEWING).decline_reason == "authentication_required"

    asked = charge(key, PRESENT)
    assert (asked.answer, asked.reference is not None) == ("action_required", True)
    fake.intents.authenticated(fake.intents_of(key)[0]["id"], ok=True)
    assert gateway.finish(key) == "paid"


def test_consent_that_is_refused_is_a_decline_that_nobody_can_pay_afterwards(
    fake: FakeStripe, gateway: AskedGateway, charge: Charge, token: Token
) -> None:
    key = uuid4()
    charge(key, token("asks"))
    [intent] = fake.intents_of(key)
    fake.intents.authenticated(intent["id"], ok=False)

    assert gateway.finish(key) == "declined"
    assert charge(key, token("visa")).decline_reason == "authentication_required"
    assert intent["status"] == "canceled", "the customer's browser still has its secret"


def test_consent_that_is_given_up_can_never_be_given(
    fake: FakeStripe, gateway: AskedGateway, charge: Charge, token: Token
) -> None:
    key = uuid4()
    charge(key, token("asks"))
    assert gateway.cancel(key) == "cancelled"
    fake.intents.authenticated(fake.intents_of(key)[0]["id"], ok=True)
    assert (gateway.finish(key), gateway.reference(key)) == ("cancelled", None)


def test_a_direct_debit_pays_a_renewal_late_and_says_by_when(
    fake: FakeStripe, gateway: AskedGateway, charge: Charge, token: Token
) -> None:
    gateway.save_method(ACCOUNT, token("sepa"))
    now = datetime(2026, 4, 20, 9, tzinfo=UTC).timestamp()  # a Monday
    fake.books.now = lambda: now
    paid, failed = uuid4(), uuid4()
    for key in (paid, failed):
        late = charge(key, RENEWING)
        assert late.answer == "pending"
        assert str(late.answer_by) == "2026-05-08", "fourteen business days"
        assert (gateway.finish(key), gateway.cancel(key)) == ("pending", "pending")

    fake.intents.answered_late(fake.intents_of(paid)[0]["id"], paid=True)
    closed = Behaviour("declines", "account_closed", None, type="sepa_debit")
    fake.intents.answered_late(fake.intents_of(failed)[0]["id"], paid=False, failure=closed)
    assert (gateway.finish(paid), gateway.finish(failed)) == ("paid", "declined_final")
    assert charge(failed, RENEWING).decline_reason == "method_gone"


def test_only_a_renewal_is_paid_late(gateway: AskedGateway, charge: Charge, token: Token) -> None:
    gateway.save_method(ACCOUNT, token("sepa"))
    tried, bought = charge(uuid4(), SAVED_METHOD), charge(uuid4(), token("sepa"))
    assert (tried.answer, tried.decline_reason) == ("declined", "not_permitted")
    assert (bought.answer, bought.decline_reason) == ("declined", "not_permitted")


def test_a_card_payment_that_stripe_still_processes_is_unknown_and_never_declined(
    fake: FakeStripe, gateway: AskedGateway, charge: Charge, token: Token
) -> None:
    key = uuid4()
    with pytest.raises(GatewayUnavailable, match="processing"):
        charge(key, token(Behaviour("processes")))
    with pytest.raises(GatewayUnavailable, match="processing"):
        gateway.finish(key)
    fake.intents.answered_late(fake.intents_of(key)[0]["id"], paid=True)
    assert gateway.finish(key) == "paid"


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [("1125", "JPY", 1125), ("2.480", "KWD", 2480), ("50", "ISK", 5000), ("20.00", "HUF", 2000)],
)
def test_every_currency_is_charged_in_stripes_own_unit(
    amount: str, currency: str, minor: int, fake: FakeStripe, gateway: AskedGateway, token: Token
) -> None:
    key = uuid4()
    charged = gateway.charge(key, ACCOUNT, Decimal(amount), currency, token("visa"))
    [intent] = fake.intents_of(key)
    assert (charged.answer, intent["amount"], intent["currency"]) == ("paid", minor, currency.lower())


@pytest.mark.parametrize(("amount", "currency"), [("0.125", "KWD"), ("0.13", "EUR")])
def test_an_amount_that_stripe_does_not_take_is_declined(
    amount: str, currency: str, fake: FakeStripe, gateway: AskedGateway, token: Token
) -> None:
    key = uuid4()
    declined = gateway.charge(key, ACCOUNT, Decimal(amount), currency, token("visa"))
    assert (declined.answer, declined.decline_reason) == ("declined", "not_permitted")
    assert fake.intents_of(key) == []
    assert gateway.finish(key) == "declined"


def test_two_processes_make_one_customer_of_an_account(
    gateway: AskedGateway, other: AskedGateway, fake: FakeStripe, token: Token
) -> None:
    fake.faults.add("lost", "POST /v1/customers", times=3)
    with pytest.raises(GatewayUnavailable):
        gateway.charge(uuid4(), ACCOUNT, Decimal("20.00"), "EUR", token("visa"))
    fake.keys.prune()
    for asked in (other, gateway):
        asked.charge(uuid4(), ACCOUNT, Decimal("20.00"), "EUR", token("visa"))
    assert len({intent["customer"] for intent in fake.books.all("payment_intent")}) == 1


def test_a_customer_that_stripe_had_before_is_taken_over_with_the_method_that_pays(
    fake: FakeStripe, gateway: AskedGateway, charge: Charge
) -> None:
    before = fake.books.add("cus", "customer", metadata={})
    method = fake.methods.method(METHODS["visa"])
    method["customer"] = before["id"]
    gone = fake.methods.method(METHODS["visa"])["id"]
    reader = gateway.gateway
    assert isinstance(reader, MethodTakeOver)

    complete(reader.take_over_method(ACCOUNT, Confirmation(method["id"])))
    key = uuid4()
    assert charge(key, RENEWING).answer == "paid"
    assert fake.intents_of(key)[0]["customer"] == before["id"]
    for unusable in ("pm_none", gone):
        complete(reader.take_over_method(ACCOUNT, Confirmation(unusable)))
        declined = charge(uuid4(), RENEWING)
        assert (declined.answer, declined.decline_reason) == ("declined_final", "method_gone")


def test_a_customer_cannot_name_a_method_of_somebody_elses(
    fake: FakeStripe, gateway: AskedGateway, charge: Charge
) -> None:
    method = fake.methods.method(METHODS["visa"])
    method["customer"] = fake.books.add("cus", "customer", metadata={})["id"]
    gateway.save_method(ACCOUNT, Confirmation(method["id"]))
    assert charge(uuid4(), SAVED_METHOD).decline_reason == "wrong_details"
    assert charge(uuid4(), Confirmation(method["id"])).decline_reason == "wrong_details"
