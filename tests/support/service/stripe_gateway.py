"""The Stripe adapter over the fake, playing what the gateway's contract and the tests of the service say."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Literal
from uuid import UUID

from domain.events import DeclineReason
from service.gateways.played import (
    ACTION_REQUIRED,
    ANSWER_LOST,
    DECLINED,
    DECLINED_FOR,
    DECLINED_FOR_GOOD,
    UNREACHABLE,
)
from service.gateways.port import Charged, Confirmation, Means, SavedMethod
from service.gateways.stripe.books import StripeBooks
from service.gateways.stripe.calls import StripeCalls
from service.gateways.stripe.gateway import StripeGateway
from service.gateways.stripe.messages import StripeMessages
from tests.support.fake_stripe import FakeStripe
from tests.support.fake_stripe.methods import METHODS, Behaviour, declines

CODES: Final[dict[DeclineReason, str]] = {
    "insufficient_funds": "insufficient_funds",
    "limit_reached": "card_velocity_exceeded",
    "expired": "expired_card",
    "wrong_details": "incorrect_cvc",
    "lost_or_stolen": "lost_card",
    "not_permitted": "card_not_supported",
    "authentication_required": "authentication_required",
    "method_gone": "account_closed",
    "bank_unavailable": "issuer_not_available",
    "suspected_fraud": "fraudulent",
}
"""A decline code of Stripe's for each reason, as far as a card has one."""

_CARDS: Final = {
    DECLINED.token: "declined",
    DECLINED_FOR_GOOD.token: "do_not_try_again",
    ACTION_REQUIRED.token: "asks",
}


def stripe_gateway(
    fake: FakeStripe, database_url: str, *, patience: float = 5.0, connections: int = 8
) -> StripeGateway:
    """The adapter, at the fake."""
    calls = StripeCalls(fake.key, url=fake.url, patience=patience)
    books = StripeBooks(database_url, connections=connections)
    return StripeGateway(calls, books, StripeMessages(calls, books, (fake.webhook_secret,), live=False))


class PlayedStripe(StripeGateway):
    """A SettableGateway: the test gateways' tokens stand for cards of the fake's, and every account has a
    saved method that works until it is told otherwise."""

    def __init__(self, fake: FakeStripe, database_url: str, *, patience: float = 5.0) -> None:
        calls = StripeCalls(fake.key, url=fake.url, patience=patience)
        books = StripeBooks(database_url, connections=8)
        super().__init__(calls, books, StripeMessages(calls, books, (fake.webhook_secret,), live=False))
        self.fake = fake
        self._late: set[str] = set()

    async def charge(
        self, key: UUID, account_id: str, amount: Decimal, currency: str, means: Means
    ) -> Charged:
        if means == UNREACHABLE:
            self.fake.faults.add("cut", "POST /v1/payment_intents", times=3)
        if means == ANSWER_LOST:
            self.fake.faults.add("lost", "POST /v1/payment_intents/*/confirm", times=3)
        if isinstance(means, SavedMethod):
            customer = await self._with_method(account_id)
            if account_id in self._late:
                self.fake.methods.answer_as(customer, METHODS["sepa"] if means.late else None)
        else:
            means = self._card(means)
        return await super().charge(key, account_id, amount, currency, means)

    async def save_method(self, account_id: str, method: Confirmation) -> None:
        await super().save_method(account_id, self._card(method))
        self._late.discard(account_id)
        self.fake.methods.answer_as(await self._customer(account_id), None)

    async def set_saved_method(
        self, account_id: str, *, works: bool, final: bool = False, pending: bool = False
    ) -> None:
        (self._late.add if pending else self._late.discard)(account_id)
        refused = METHODS["do_not_try_again" if final else "declined"]
        customer = await self._with_method(account_id)
        self.fake.methods.answer_as(customer, None if works else refused)

    async def set_refunds(self, account_id: str, *, work: bool) -> None:
        self.fake.refunds.fail_for(await self._customer(account_id), fail=not work)

    async def answer_waiting(self, key: UUID, answer: Literal["paid", "declined"]) -> None:
        for intent in self.fake.intents_of(key):
            self.fake.intents.authenticated(intent["id"], ok=answer == "paid")
            self.fake.intents.answered_late(intent["id"], paid=answer == "paid")

    def _card(self, token: Confirmation) -> Confirmation:
        """The confirmation that the customer's browser would make."""
        return Confirmation(self.fake.confirmation_token(_behaviour(token)))

    async def _customer(self, account_id: str) -> str:
        with self._calls.in_time():
            return (await self._saved.customer(account_id)).customer

    async def _with_method(self, account_id: str) -> str:
        with self._calls.in_time():
            row = await self._saved.customer(account_id)
            if row.method is None and row.refused is None:
                await self._saved.save(account_id, Confirmation(self.fake.confirmation_token("visa")))
        return row.customer


def _behaviour(token: Confirmation) -> Behaviour:
    if token.token in _CARDS:
        return METHODS[_CARDS[token.token]]
    for reason, declined in DECLINED_FOR.items():
        if token == declined and reason in CODES:
            return declines(CODES[reason], advice="try_again_later")
    return METHODS["visa"]
