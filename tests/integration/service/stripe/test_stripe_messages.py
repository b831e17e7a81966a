"""What Stripe sends: believed only where Stripe signed it, and only as a hint of what to ask for."""

import json
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from domain.errors import InvalidInput
from service.completing import complete
from service.errors import GatewayUnavailable
from service.gateways.port import (
    ChargeMessage,
    Confirmation,
    DisputeMessage,
    MessageReader,
    ProviderMessage,
)
from service.gateways.stripe.books import StripeBooks
from service.gateways.stripe.calls import StripeCalls
from service.gateways.stripe.messages import EVENTS, StripeMessages
from tests.support.fake_stripe import FakeStripe
from tests.support.fake_stripe.books import Thing
from tests.support.fake_stripe.webhooks import signed
from tests.support.service.blocking_gateway import AskedGateway

ACCOUNT = "main/a1"

Read = Callable[[bytes, str], ProviderMessage | None]


@pytest.fixture
def read(gateway: AskedGateway) -> Read:
    reader = gateway.gateway
    assert isinstance(reader, MessageReader)
    return lambda body, signature: complete(reader.read_message(body, signature))


@pytest.fixture
def charge(fake: FakeStripe, gateway: AskedGateway) -> Callable[..., UUID]:
    def charge(method: str = "visa") -> UUID:
        key = uuid4()
        means = Confirmation(fake.confirmation_token(method))
        gateway.charge(key, ACCOUNT, Decimal("20.00"), "EUR", means)
        return key

    return charge


def _last(fake: FakeStripe, kind: str) -> Thing:
    return fake.events(kind)[-1]


def _refused(read: Read, body: bytes, signature: str) -> str:
    with pytest.raises(InvalidInput) as refused:
        read(body, signature)
    assert refused.value.code == "invalid_message"
    return str(refused.value)


def test_a_signed_message_names_the_charge_that_it_is_about(
    fake: FakeStripe, read: Read, charge: Callable[..., UUID]
) -> None:
    paid, declined = charge(), charge("declined")
    assert read(*fake.webhook(_last(fake, "payment_intent.succeeded"))) == ChargeMessage(ACCOUNT, paid)
    failed = _last(fake, "payment_intent.payment_failed")
    assert read(*fake.webhook(failed)) == ChargeMessage(ACCOUNT, declined)


def test_a_message_that_stripe_did_not_sign_is_refused(
    fake: FakeStripe, read: Read, charge: Callable[..., UUID]
) -> None:
    charge()
    body, signature = fake.webhook(_last(fake, "payment_intent.succeeded"))
    another = signed(body, "whsec_another", time.time())
    only_old_scheme = ",".join(part for part in signature.split(",") if not part.startswith("v1="))

    for wrong in ("", "nonsense", "t=,v1=", another, only_old_scheme, signature.replace("v1=", "v1=0")):
        _refused(read, body, wrong)
    _refused(read, body.replace(b"succeeded", b"canceled_"), signature)
    _refused(read, b"\xff\xfe", signature)


def test_a_message_that_is_older_than_five_minutes_is_refused(
    fake: FakeStripe, read: Read, charge: Callable[..., UUID]
) -> None:
    charge()
    event = _last(fake, "payment_intent.succeeded")
    assert read(*fake.webhook(event, at=time.time() - 290)) is not None
    assert "too old" in _refused(read, *fake.webhook(event, at=time.time() - 310))


def test_what_is_signed_but_no_message_of_this_account_is_refused(fake: FakeStripe, read: Read) -> None:
    live = {"id": "evt_1", "type": "x", "created": 1, "livemode": True, "data": {"object": {"id": "pi_1"}}}
    for wrong in (b"[]", b"{", b'{"id": "evt_1"}', json.dumps(live).encode()):
        _refused(read, wrong, signed(wrong, fake.webhook_secret, time.time()))


def test_while_the_secret_is_rolled_both_are_good(
    fake: FakeStripe, charge: Callable[..., UUID], service_url: str
) -> None:
    key = charge()
    body, signature = fake.webhook(_last(fake, "payment_intent.succeeded"))
    calls = StripeCalls(fake.key, url=fake.url)
    with closing(calls), closing(StripeBooks(service_url)) as books:
        rolling = StripeMessages(calls, books, ("whsec_next", fake.webhook_secret), live=False)
        assert complete(rolling.read(body, signature)) == ChargeMessage(ACCOUNT, key)
        with pytest.raises(InvalidInput, match="PRORATA_STRIPE_WEBHOOK_SECRETS"):
            complete(StripeMessages(calls, books, (), live=False).read(body, signature))


def test_a_message_is_no_more_than_a_hint(
    fake: FakeStripe, gateway: AskedGateway, read: Read, charge: Callable[..., UUID]
) -> None:
    """What it says of the payment counts for nothing: `finish` asks."""
    key = charge("declined")
    forged = _last(fake, "payment_intent.payment_failed")
    forged = forged | {"type": "payment_intent.succeeded"}
    assert read(*fake.webhook(forged)) == ChargeMessage(ACCOUNT, key)
    assert gateway.finish(key) == "declined"


def test_what_is_not_ours_at_the_same_stripe_account_is_left_alone(
    fake: FakeStripe, read: Read, charge: Callable[..., UUID]
) -> None:
    key = charge()
    theirs = fake.intents.create(
        {
            "amount": "900",
            "currency": "eur",
            "metadata": {"prorata_key": str(key), "prorata_account": ACCOUNT},
            "automatic_payment_methods": {"allow_redirects": "never"},
        }
    )
    event = fake.books.happened("payment_intent.succeeded", theirs)
    assert read(*fake.webhook(event)) is None
    for metadata in ({}, {"prorata_key": "1"}, {"prorata_key": str(uuid4())}):
        fake.books.get(theirs["id"], "payment_intent")["metadata"] = metadata
        assert read(*fake.webhook(event)) is None
    assert read(*fake.webhook(_last(fake, "payment_intent.created"))) is None
    gone = fake.books.happened("payment_intent.succeeded", theirs | {"id": "pi_gone"})
    assert read(*fake.webhook(gone)) is None


def test_a_dispute_is_told_as_it_stands_now_in_whatever_order_its_messages_come(
    fake: FakeStripe, read: Read, charge: Callable[..., UUID]
) -> None:
    key = charge()
    dispute = fake.disputes.open(fake.intents_of(key)[0]["id"])
    opened = fake.webhook(_last(fake, "charge.dispute.created"))
    at = datetime.fromtimestamp(dispute["created"], UTC)
    for _ in range(2):
        assert read(*opened) == DisputeMessage(ACCOUNT, key, "opened", at)

    fake.books.now = (at + timedelta(days=20)).timestamp
    fake.disputes.become(dispute["id"], "under_review")
    reviewed = fake.webhook(_last(fake, "charge.dispute.updated"))
    assert read(*reviewed) == DisputeMessage(ACCOUNT, key, "opened", at)
    fake.disputes.become(dispute["id"], "lost")
    closed = fake.webhook(_last(fake, "charge.dispute.closed"))
    lost = read(*closed)
    assert lost == DisputeMessage(ACCOUNT, key, "lost", at + timedelta(days=20))
    for late in (opened, reviewed):
        told = read(*late)
        assert isinstance(told, DisputeMessage)
        assert told.status == "lost"


def test_a_question_of_the_customers_bank_is_no_dispute_until_it_becomes_one(
    fake: FakeStripe, read: Read, charge: Callable[..., UUID]
) -> None:
    key = charge()
    inquiry = fake.disputes.open(fake.intents_of(key)[0]["id"], status="warning_needs_response")
    created = fake.webhook(_last(fake, "charge.dispute.created"))
    assert read(*created) is None
    fake.disputes.become(inquiry["id"], "needs_response")
    told = read(*fake.webhook(_last(fake, "charge.dispute.updated")))
    assert isinstance(told, DisputeMessage)
    assert told.status == "opened"


def test_a_message_whose_object_cannot_be_looked_up_is_not_taken(
    fake: FakeStripe, read: Read, charge: Callable[..., UUID]
) -> None:
    key = charge()
    message = fake.webhook(_last(fake, "payment_intent.succeeded"))
    fake.faults.add("cut", "GET /v1/payment_intents/*", times=3)
    with pytest.raises(GatewayUnavailable):
        read(*message)
    assert read(*message) == ChargeMessage(ACCOUNT, key), "Stripe sends it again"


def test_the_endpoint_needs_no_other_events_than_these() -> None:
    assert {event.partition(".")[0] for event in EVENTS} == {"payment_intent", "charge"}


def test_the_list_of_a_day_has_every_movement_as_it_stands(
    fake: FakeStripe, gateway: AskedGateway, charge: Callable[..., UUID]
) -> None:
    day = datetime(2026, 4, 20, tzinfo=UTC)
    moments = [
        day - timedelta(seconds=1),
        day,
        day + timedelta(hours=23, minutes=59),
        day + timedelta(days=1),
    ]
    keys = []
    for moment in moments:
        fake.books.now = moment.timestamp
        keys.append((charge(), charge("declined")))
    fake.books.now = (day + timedelta(hours=1)).timestamp
    refund = uuid4()
    gateway.refund(refund, keys[0][0], ACCOUNT, Decimal("4.84"), "EUR")
    fake.disputes.open(fake.intents_of(keys[0][0])[0]["id"])
    unpaid = uuid4()
    fake.faults.add("cut", "POST /v1/payment_intents/*/confirm", times=3)
    with pytest.raises(GatewayUnavailable):
        gateway.charge(unpaid, ACCOUNT, Decimal("1.00"), "EUR", Confirmation(fake.confirmation_token("visa")))
    gateway.finish(unpaid)

    listed = gateway.movements(day.date())
    assert all(movement.account_id == ACCOUNT and movement.currency == "EUR" for movement in listed)
    assert {(found.kind, found.status, found.key, found.amount) for found in listed} == {
        ("charge", "paid", keys[1][0], Decimal("20.00")),
        ("charge", "declined", keys[1][1], Decimal("20.00")),
        ("charge", "paid", keys[2][0], Decimal("20.00")),
        ("charge", "declined", keys[2][1], Decimal("20.00")),
        ("refund", "refunded", refund, Decimal("4.84")),
        ("dispute", "dispute_opened", keys[0][0], Decimal("20.00")),
    }
    assert len({movement.reference for movement in listed}) == len(listed)


def test_a_day_with_more_movements_than_fit_on_a_page_is_listed_whole(
    fake: FakeStripe, gateway: AskedGateway
) -> None:
    for nth in range(250):
        intent = fake.intents.create(
            {
                "amount": str(100 + nth),
                "currency": "eur",
                "automatic_payment_methods": {"allow_redirects": "never"},
            }
        )
        kept = fake.books.get(intent["id"], "payment_intent")
        kept.update(status="succeeded")
    listed = gateway.movements(datetime.now(UTC).date())
    assert sorted(movement.amount for movement in listed) == [Decimal(100 + n) / 100 for n in range(250)]
    assert {movement.key for movement in listed} == {None}
