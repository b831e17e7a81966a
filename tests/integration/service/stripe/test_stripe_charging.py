"""A charge at Stripe: twice never, whatever is lost, forgotten or done at the same time."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal
from functools import partial
from threading import Event
from uuid import UUID, uuid4

import pytest

from service.completing import complete
from service.errors import GatewayUnavailable
from service.gateways.port import SAVED_METHOD, Charged, Confirmation
from service.gateways.stripe.books import StripeBooks
from tests.support.fake_stripe import FakeStripe
from tests.support.fake_stripe.methods import Behaviour
from tests.support.service.blocking_gateway import AskedGateway
from tests.support.service.stripe_gateway import stripe_gateway

ACCOUNT, AMOUNT = "main/a1", Decimal("20.00")
CREATE, CONFIRM = "POST /v1/payment_intents", "POST /v1/payment_intents/*/confirm"
LOOK, CANCEL = "GET /v1/payment_intents/*", "POST /v1/payment_intents/*/cancel"


@pytest.fixture
def charge(gateway: AskedGateway, fake: FakeStripe) -> Callable[..., Charged]:
    def charge(key: UUID, method: str | Behaviour = "visa") -> Charged:
        return gateway.charge(key, ACCOUNT, AMOUNT, "EUR", _token(fake, method))

    return charge


def _token(fake: FakeStripe, method: str | Behaviour = "visa") -> Confirmation:
    return Confirmation(fake.confirmation_token(method))


def _finish(gateway: AskedGateway, key: UUID, answers: list[str]) -> None:
    answers.append(gateway.finish(key))


def _paid(fake: FakeStripe, key: UUID) -> int:
    """How often it was paid."""
    return sum(intent["status"] == "succeeded" for intent in fake.intents_of(key))


def test_an_intent_is_created_unconfirmed_and_confirmed_in_a_second_step(
    fake: FakeStripe, charge: Callable[..., Charged]
) -> None:
    key = uuid4()
    statuses: list[str] = []
    fake.faults.add("before", CONFIRM, call=lambda: statuses.append(fake.intents_of(key)[0]["status"]))

    assert charge(key).answer == "paid"
    assert statuses == ["requires_payment_method"]
    [intent] = fake.intents_of(key)
    assert (intent["amount"], intent["currency"]) == (2000, "eur")
    assert intent["metadata"] == {"prorata_key": str(key), "prorata_account": ACCOUNT}


def test_a_lost_answer_is_asked_for_again_and_nothing_is_charged_twice(
    fake: FakeStripe, charge: Callable[..., Charged]
) -> None:
    for request in (CREATE, CONFIRM):
        key = uuid4()
        fake.faults.add("lost", request)
        assert charge(key).answer == "paid"
        assert _paid(fake, key) == 1


def test_a_charge_whose_answer_stays_lost_is_learned_by_finish(
    fake: FakeStripe, charge: Callable[..., Charged], gateway: AskedGateway
) -> None:
    key = uuid4()
    fake.faults.add("lost", CONFIRM, times=3)

    with pytest.raises(GatewayUnavailable, match="no connection to Stripe"):
        charge(key)
    assert gateway.finish(key) == "paid"


def test_an_internal_error_of_stripes_leaves_the_charge_unknown_until_it_is_looked_up(
    fake: FakeStripe, charge: Callable[..., Charged], gateway: AskedGateway
) -> None:
    made, not_made = uuid4(), uuid4()
    fake.faults.add("error_after", CONFIRM)
    with pytest.raises(GatewayUnavailable, match="500"):
        charge(made)
    fake.faults.add("error", CONFIRM)
    with pytest.raises(GatewayUnavailable):
        charge(not_made)

    assert (gateway.finish(made), gateway.finish(not_made)) == ("paid", "cancelled")
    assert charge(not_made).answer == "cancelled"
    assert _paid(fake, not_made) == 0


def test_a_key_is_charged_once_though_stripe_has_forgotten_its_idempotency_key(
    fake: FakeStripe, charge: Callable[..., Charged], gateway: AskedGateway
) -> None:
    paid, lost = uuid4(), uuid4()
    charge(paid)
    fake.faults.add("lost", CREATE, times=3)
    with pytest.raises(GatewayUnavailable):
        charge(lost)
    fake.keys.prune()

    assert charge(paid).answer == "paid"
    assert charge(lost).answer == "paid"
    assert len(fake.intents_of(lost)) == 2, "the second is created, and the first never confirmed"
    assert (_paid(fake, paid), _paid(fake, lost)) == (1, 1)
    assert gateway.finish(lost) == "paid"


def test_only_the_attempt_that_named_the_intent_confirms_it(
    fake: FakeStripe, charge: Callable[..., Charged], other: AskedGateway
) -> None:
    """A second attempt of the same key that comes between the two steps."""
    key = uuid4()
    found: list[str] = []

    def meanwhile() -> None:
        with pytest.raises(GatewayUnavailable, match="has not decided it yet"):
            other.charge(key, ACCOUNT, AMOUNT, "EUR", _token(fake))
        found.append(fake.intents_of(key)[0]["status"])

    fake.faults.add("before", CONFIRM, call=meanwhile)
    assert charge(key).answer == "paid"
    assert found == ["requires_payment_method"]
    assert other.charge(key, ACCOUNT, AMOUNT, "EUR", _token(fake)).answer == "paid"
    assert _paid(fake, key) == 1


def test_an_attempt_that_was_overtaken_does_not_confirm_what_was_declined(
    fake: FakeStripe, gateway: AskedGateway, other: AskedGateway
) -> None:
    """A declined intent can be confirmed again. Both attempts have created it, one was declined, and before
    it has cancelled the intent the other one goes on, with a card that would pay."""
    key, declined = uuid4(), Event()
    fake.faults.add("after", CREATE, call=lambda: declined.wait(10))
    with ThreadPoolExecutor(1) as pool:
        overtaken = pool.submit(other.charge, key, ACCOUNT, AMOUNT, "EUR", _token(fake))

        def let_the_other_go_on() -> None:
            fake.keys.prune()
            declined.set()
            assert overtaken.result(10).answer == "declined"

        while not fake.intents_of(key):
            time.sleep(0.01)
        fake.faults.add("before", CANCEL, call=let_the_other_go_on)
        assert gateway.charge(key, ACCOUNT, AMOUNT, "EUR", _token(fake, "declined")).answer == "declined"
    assert _paid(fake, key) == 0


def test_two_that_charge_a_key_at_once_charge_it_once(
    fake: FakeStripe, gateway: AskedGateway, other: AskedGateway
) -> None:
    def charge(by: AskedGateway, key: UUID) -> str:
        try:
            return by.charge(key, ACCOUNT, AMOUNT, "EUR", _token(fake)).answer
        except GatewayUnavailable:
            return "unknown"

    with ThreadPoolExecutor(2) as pool:
        for _ in range(40):
            key = uuid4()
            both = {made.result() for made in [pool.submit(charge, by, key) for by in (gateway, other)]}
            assert "paid" in both
            assert both <= {"paid", "unknown"}
            assert _paid(fake, key) == 1


def test_a_charge_that_is_finished_before_it_is_confirmed_is_never_made(
    fake: FakeStripe, charge: Callable[..., Charged], other: AskedGateway
) -> None:
    for request in (CREATE, CONFIRM):
        key = uuid4()
        finished: list[str] = []
        fake.faults.add("before", request, call=partial(_finish, other, key, finished))

        assert charge(key).answer == "cancelled"
        assert finished == ["cancelled"]
        assert _paid(fake, key) == 0


def test_a_charge_that_is_made_between_look_and_cancel_is_paid_for_both(
    fake: FakeStripe, gateway: AskedGateway, other: AskedGateway
) -> None:
    key, looked, charged = uuid4(), Event(), Event()
    finishing: list[Future[str]] = []

    def wait_for_the_charge() -> None:
        looked.set()
        charged.wait(10)

    def let_finish_look() -> None:
        fake.faults.add("before", CANCEL, call=wait_for_the_charge)
        finishing.append(pool.submit(other.finish, key))
        looked.wait(10)

    with ThreadPoolExecutor(1) as pool:
        fake.faults.add("before", CONFIRM, call=let_finish_look)
        answer = gateway.charge(key, ACCOUNT, AMOUNT, "EUR", _token(fake)).answer
        charged.set()
        assert (answer, finishing[0].result()) == ("paid", "paid")


def test_a_charge_that_is_declined_between_look_and_cancel_has_one_answer(
    fake: FakeStripe, gateway: AskedGateway, other: AskedGateway
) -> None:
    """Whoever writes its answer first decides between declined and cancelled: neither takes money."""
    key, looked, declined = uuid4(), Event(), Event()
    finishing: list[Future[str]] = []

    def wait_for_the_decline() -> None:
        looked.set()
        declined.wait(10)

    def let_finish_look() -> None:
        fake.faults.add("before", CANCEL, call=wait_for_the_decline)
        finishing.append(pool.submit(other.finish, key))
        looked.wait(10)

    with ThreadPoolExecutor(1) as pool:
        fake.faults.add("before", CONFIRM, call=let_finish_look)
        fake.faults.add("before", LOOK, call=declined.set)
        answer = gateway.charge(key, ACCOUNT, AMOUNT, "EUR", _token(fake, "declined")).answer
        finished = finishing[0].result()
    assert answer == finished == gateway.finish(key)
    assert answer in ("declined", "cancelled")
    assert fake.intents_of(key)[0]["status"] == "canceled"


def test_a_declined_intent_is_cancelled_so_that_nobody_can_pay_it_later(
    fake: FakeStripe, charge: Callable[..., Charged], gateway: AskedGateway
) -> None:
    key = uuid4()

    declined = charge(key, "insufficient_funds")
    assert (declined.answer, declined.decline_reason) == ("declined", "insufficient_funds")
    [intent] = fake.intents_of(key)
    assert intent["status"] == "canceled"
    assert (gateway.finish(key), charge(key).answer) == ("declined", "declined")


def test_a_decline_whose_cancelling_gets_no_answer_is_a_decline_still(
    fake: FakeStripe, charge: Callable[..., Charged], gateway: AskedGateway
) -> None:
    """Stripe forgets the error of an intent as it is cancelled; the row does not."""
    key = uuid4()
    fake.faults.add("lost", CANCEL, times=3)

    with pytest.raises(GatewayUnavailable):
        charge(key, "do_not_try_again")
    assert gateway.finish(key) == "declined_final"


@pytest.mark.parametrize(
    ("method", "answer", "reason"),
    [
        ("declined", "declined", None),
        ("expired_card", "declined", "expired"),
        ("incorrect_cvc", "declined", "wrong_details"),
        ("lost_card", "declined_final", "lost_or_stolen"),
        ("do_not_try_again", "declined_final", None),
    ],
)
def test_a_decline_says_why_and_whether_for_good(
    method: str, answer: str, reason: str | None, charge: Callable[..., Charged]
) -> None:
    key = uuid4()
    for _ in range(2):
        declined = charge(key, method)
        assert (declined.answer, declined.decline_reason) == (answer, reason)


def test_stripe_is_asked_again_when_it_is_busy_and_soon_free(
    fake: FakeStripe, charge: Callable[..., Charged]
) -> None:
    fake.faults.add("limited", CREATE, seconds=0.3)
    fake.faults.add("limited", CONFIRM, seconds=0.3)
    began = time.monotonic()

    assert charge(uuid4()).answer == "paid"
    assert time.monotonic() - began >= 0.6


def test_when_stripe_is_busy_for_long_it_is_said_when_to_come_again(
    fake: FakeStripe, charge: Callable[..., Charged], gateway: AskedGateway
) -> None:
    key = uuid4()
    fake.faults.add("limited", CREATE, seconds=30)

    with pytest.raises(GatewayUnavailable, match="rate_limit") as busy:
        charge(key)
    assert busy.value.retry_after == 30
    assert gateway.finish(key) == "cancelled"


def test_a_charge_that_stripe_was_too_busy_to_begin_with_is_made_when_it_is_asked_for_again(
    fake: FakeStripe, charge: Callable[..., Charged], gateway: AskedGateway, other: AskedGateway
) -> None:
    key, given_up = uuid4(), uuid4()
    for one in (key, given_up):
        fake.faults.add("limited", CONFIRM, seconds=30)
        with pytest.raises(GatewayUnavailable):
            charge(one)

    assert other.finish(given_up) == "cancelled"
    assert charge(key).answer == "paid"
    assert (_paid(fake, key), len(fake.intents_of(key))) == (1, 1)
    assert charge(given_up).answer == "cancelled"


def test_what_became_of_an_intent_is_no_answer_once_another_one_was_begun(service_url: str) -> None:
    """A charge that was given back before it was made, begun anew by another process, while a third one has
    just cancelled the first intent."""
    key, first, second = uuid4(), uuid4(), uuid4()

    async def interleaved(books: StripeBooks) -> list[str | None]:
        await books.begun(key, ACCOUNT, AMOUNT, "EUR", late=False)
        await books.claimed(key, "pi_first", first)
        await books.released(key, first)
        named = await books.claimed(key, "pi_second", second)
        await books.released(key, first)
        stale = await books.decided(key, "pi_first", "cancelled")
        none_begun = await books.decided(key, None, "declined")
        paid = await books.decided(key, "pi_second", "paid")
        return [named.intent, stale.answer, none_begun.answer, paid.answer]

    with closing(StripeBooks(service_url)) as books:
        assert complete(interleaved(books)) == ["pi_second", None, None, "paid"]


def test_an_attempt_without_a_method_declines_nothing_that_another_one_is_charging(
    fake: FakeStripe, charge: Callable[..., Charged], other: AskedGateway
) -> None:
    key = uuid4()

    def without_a_method() -> None:
        with pytest.raises(GatewayUnavailable):
            other.charge(key, ACCOUNT, AMOUNT, "EUR", SAVED_METHOD)

    fake.faults.add("before", CONFIRM, call=without_a_method)
    assert charge(key).answer == "paid"
    assert other.finish(key) == "paid"


def test_a_charge_that_may_have_begun_is_not_made_again_though_stripe_is_busy_then(
    fake: FakeStripe, gateway: AskedGateway, charge: Callable[..., Charged]
) -> None:
    key = uuid4()
    fake.faults.add("lost", CONFIRM)
    fake.faults.add("limited", CONFIRM, seconds=30)
    with pytest.raises(GatewayUnavailable):
        charge(key, "declined")
    fake.keys.prune()
    assert charge(key).answer == "declined"
    assert _paid(fake, key) == 0


def test_a_charge_that_takes_too_long_is_given_up_in_time_and_is_unknown_until_it_is_done(
    fake: FakeStripe, service_url: str
) -> None:
    key = uuid4()
    fake.faults.add("late", CONFIRM, seconds=3, times=3)
    with closing(stripe_gateway(fake, service_url, patience=1.0)) as hasty:
        gateway = AskedGateway(hasty)
        began = time.monotonic()
        with pytest.raises(GatewayUnavailable, match="ReadTimeout"):
            gateway.charge(key, ACCOUNT, AMOUNT, "EUR", _token(fake))
        assert time.monotonic() - began < 2.5
        ended = gateway.finish(key)
    assert (ended, _paid(fake, key)) in (("paid", 1), ("cancelled", 0))


def test_an_intent_that_another_request_holds_is_still_unknown(
    fake: FakeStripe, gateway: AskedGateway, other: AskedGateway
) -> None:
    """Stripe refuses to cancel what is being confirmed at that moment."""
    key = uuid4()
    unknown: list[str] = []

    def finish_meanwhile(intent: str) -> None:
        with fake.books.held(intent, "payment_intent"), pytest.raises(GatewayUnavailable) as busy:
            other.finish(key)
        unknown.append(str(busy.value))

    fake.faults.add("before", CONFIRM, call=lambda: finish_meanwhile(fake.intents_of(key)[0]["id"]))
    assert gateway.charge(key, ACCOUNT, AMOUNT, "EUR", _token(fake)).answer == "paid"
    assert "lock_timeout" in unknown[0]
    assert other.finish(key) == "paid"


def test_a_key_that_stripe_does_not_accept_is_said_without_showing_it(
    fake: FakeStripe, charge: Callable[..., Charged]
) -> None:
    shown, fake.key = fake.key, "sk_test_another"
    with pytest.raises(GatewayUnavailable, match="PRORATA_STRIPE_KEY") as refused:
        charge(uuid4())
    assert shown not in str(refused.value)


def test_tasks_of_an_event_loop_charge_at_the_same_time(fake: FakeStripe, service_url: str) -> None:
    keys = [uuid4() for _ in range(30)]
    fake.faults.add("slow", CONFIRM, seconds=1.0, times=30)

    async def charge_all() -> list[str]:
        gateway = stripe_gateway(fake, service_url, patience=20.0)
        try:
            made = [
                gateway.charge(key, f"main/{nth}", AMOUNT, "EUR", _token(fake))
                for nth, key in enumerate(keys)
            ]
            return [charged.answer for charged in await asyncio.gather(*made)]
        finally:
            await gateway.aclose()

    began = time.monotonic()
    assert set(asyncio.run(charge_all())) == {"paid"}
    assert time.monotonic() - began < 15
    assert [_paid(fake, key) for key in keys] == [1] * 30
