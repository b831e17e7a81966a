"""The payment port at Stripe.

A charge takes two steps there. Its row is committed first; then a payment intent is created, unconfirmed, and
its name written into the row; the attempt that wrote it, and no other, confirms it, once. So a key is charged
once though Stripe forgets its idempotency keys: a second intent may be created under it, and none but the
row's is ever confirmed.

`finish` looks before it cancels: a declined intent can be confirmed again, so it is cancelled too, but its
decline is the answer. The intent is the arbiter of paid and cancelled, and an answer is written into the row
only once the intent can have no other.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, TypeVar
from uuid import UUID, uuid4

import stripe
from stripe.params import PaymentIntentConfirmParams, PaymentIntentCreateParams

from domain.calendar import CivilDate
from service.errors import GatewayUnavailable
from service.gateways.port import (
    Charged,
    Confirmation,
    Means,
    Movement,
    ProviderMessage,
    RefundMade,
    SavedMethod,
)
from service.gateways.stripe import listing
from service.gateways.stripe.amounts import NotChargeable, in_minor_units
from service.gateways.stripe.books import ChargeRow, MethodRow, StripeBooks
from service.gateways.stripe.calls import ACCOUNT, KEY, NotDone, StripeCalls
from service.gateways.stripe.declines import (
    METHOD_GONE,
    NO_METHOD,
    NOT_PERMITTED,
    WRONG_DETAILS,
    Declined,
    declined,
)
from service.gateways.stripe.http import seconds_left
from service.gateways.stripe.messages import StripeMessages
from service.gateways.stripe.refunding import StripeRefunds
from service.gateways.stripe.saving import SavedMethods
from service.gateways.stripe.seen import Intent
from service.gateways.stripe.waiting import sleep

T = TypeVar("T")

_CONFIRMABLE: Final = ("requires_confirmation", "requires_payment_method")
_LOOKS: Final = 5
"""How often an intent may change between a look at it and its cancelling."""

_FIRST_LOOK: Final = 0.05
_LONGEST_LOOK: Final = 0.5
"""Seconds between two looks at what another attempt has begun."""

_LATE_DAYS: Final = 14
"""Business days after which Stripe knows at the latest how a direct debit ended."""


class StripeGateway:
    """A PaymentGateway, MethodTakeOver and MessageReader. Threads and tasks share it."""

    def __init__(self, calls: StripeCalls, books: StripeBooks, messages: StripeMessages) -> None:
        self._calls = calls
        self._books = books
        self._messages = messages
        self._saved = SavedMethods(calls, books)
        self._refunds = StripeRefunds(calls, books)

    def close(self) -> None:
        """Close the connections to Stripe and to the database."""
        self._calls.close()
        self._books.close()

    async def aclose(self) -> None:
        """Close those of this event loop, too."""
        await self._calls.aclose()
        self._books.close()

    async def charge(
        self, key: UUID, account_id: str, amount: Decimal, currency: str, means: Means
    ) -> Charged:
        if amount <= 0:
            raise ValueError(f"nothing is moved that is not above zero: {amount} {currency}")
        with self._calls.in_time():
            late = isinstance(means, SavedMethod) and means.late
            row = await self._books.begun(key, account_id, amount, currency, late=late)
            if row.decided is not None:
                return row.decided
            if row.intent is not None:
                return await self._awaited(row)
            return await self._first_charged(row, account_id, means)

    async def finish(self, key: UUID) -> Charged:
        with self._calls.in_time():
            return await self._ended(key, giving_up=False)

    async def cancel(self, key: UUID) -> Charged:
        with self._calls.in_time():
            return await self._ended(key, giving_up=True)

    async def reference(self, key: UUID) -> str | None:
        with self._calls.in_time():
            row = await self._books.charge(key)
            if row is None or row.intent is None or row.answer is not None:
                return None
            intent = await self._calls.intent(row.intent)
            return intent.client_secret if intent.status == "requires_action" else None

    async def refund(
        self, key: UUID, charge: UUID, account_id: str, amount: Decimal, currency: str
    ) -> RefundMade:
        with self._calls.in_time():
            return await self._refunds.refund(key, charge, account_id, amount, currency)

    async def save_method(self, account_id: str, method: Confirmation) -> None:
        with self._calls.in_time():
            await self._saved.save(account_id, method)

    async def take_over_method(self, account_id: str, reference: Confirmation) -> None:
        with self._calls.in_time():
            await self._saved.take_over(account_id, reference)

    async def movements(self, day: CivilDate) -> AsyncIterator[Movement]:
        async for movement in listing.movements(self._calls, day):
            yield movement

    async def read_message(self, body: bytes, signature: str) -> ProviderMessage | None:
        return await self._messages.read(body, signature)

    async def _first_charged(self, row: ChargeRow, account_id: str, means: Means) -> Charged:
        """Create the intent, name it in the row, and confirm it if it was this attempt that named it."""
        customer = await self._saved.customer(account_id)
        refused = _refused(customer, means)
        if refused is not None:
            return await self._decline(row, refused)
        try:
            params = _creating(row, customer, means)
        except NotChargeable:
            return await self._decline(row, NOT_PERMITTED)
        created = await self._or_declined(row, lambda: self._calls.create_intent(params, f"charge-{row.key}"))
        if isinstance(created, Charged):
            return created
        claim = uuid4()
        claimed = await self._books.claimed(row.key, created.id, claim)
        if claimed.decided is not None:
            return claimed.decided
        if claimed.claim != claim:
            return await self._awaited(claimed)
        try:
            return await self._confirmed(claimed, created.id, _confirming(customer, means))
        except NotDone as error:
            await self._books.released(row.key, claim)
            raise error.unavailable from None

    async def _confirmed(self, row: ChargeRow, intent: str, params: PaymentIntentConfirmParams) -> Charged:
        try:
            answered = await self._calls.confirm(intent, params, f"confirm-{intent}")
        except stripe.CardError:
            answered = await self._calls.intent(intent)
        except stripe.InvalidRequestError as error:
            answered = await self._calls.intent(intent)
            if answered.status in _CONFIRMABLE and answered.failed is None:
                await self._books.note(row.key, intent, _refused_request(error))
                return await self._ended(row.key, giving_up=False)
        return await self._standing(row, answered)

    async def _or_declined(self, row: ChargeRow, ask: Callable[[], Awaitable[T]]) -> T | Charged:
        """What Stripe answers; where it refuses the request, which made nothing, that is a decline."""
        try:
            return await ask()
        except stripe.InvalidRequestError as error:
            return await self._decline(row, _refused_request(error))

    async def _awaited(self, row: ChargeRow) -> Charged:
        """How the charge stands that another attempt has begun, once that has confirmed it.

        Raises GatewayUnavailable where it does not, as when its process was killed.
        """
        assert row.intent is not None
        half, pause = seconds_left() / 2, _FIRST_LOOK
        while True:
            intent = await self._calls.intent(row.intent)
            unconfirmed = intent.status in _CONFIRMABLE and intent.failed is None
            if not unconfirmed or seconds_left() - pause < half:
                return await self._standing(row, intent)
            await sleep(pause)
            pause = min(2 * pause, _LONGEST_LOOK)

    async def _standing(self, row: ChargeRow, intent: Intent) -> Charged:
        """How the charge stands; nothing is ended but what is declined.

        Raises GatewayUnavailable where it is about to be confirmed by another attempt, or is under way.
        """
        match intent.status:
            case "succeeded":
                return await self._paid(row, intent)
            case "canceled":
                return await self._cancelled(row, intent)
            case "requires_action":
                return Charged("action_required", reference=intent.client_secret)
            case "processing" if row.late:
                return Charged("pending", answer_by=_answer_by(intent))
            case "requires_confirmation" | "requires_payment_method" if intent.failed is not None:
                return await self._ended(row.key, giving_up=False)
            case _:
                raise GatewayUnavailable(f"Stripe has not decided it yet ({intent.status})")

    async def _ended(self, key: UUID, *, giving_up: bool) -> Charged:
        """How the key ended: what is not confirmed never will be. `giving_up`: nor what waits for the
        customer."""
        row = await self._books.forbidden(key)
        for _ in range(_LOOKS):
            if row.decided is not None:
                return row.decided
            assert row.intent is not None
            intent = await self._calls.intent(row.intent)
            waits = intent.status == "requires_action" and giving_up
            if intent.status not in _CONFIRMABLE and not waits:
                return await self._standing(row, intent)
            if intent.failed is not None and row.noted is None:
                await self._books.note(key, row.intent, declined(intent.failed))
            with suppress(stripe.InvalidRequestError):  # it changed meanwhile: look again
                await self._calls.cancel(row.intent)
            row = await self._books.forbidden(key)
        raise GatewayUnavailable("Stripe's payment intent keeps changing")

    async def _paid(self, row: ChargeRow, intent: Intent) -> Charged:
        assert row.account_id is not None
        if intent.setup_future_usage is not None and intent.payment_method is not None:
            await self._saved.first(row.account_id, intent.payment_method)
        return _for_ever(await self._books.decided(row.key, intent.id, "paid"))

    async def _cancelled(self, row: ChargeRow, intent: Intent) -> Charged:
        """It can never be paid: the answer is the decline before it, if there was one."""
        noted = await self._noted(row, intent)
        if noted is None:
            return _for_ever(await self._books.decided(row.key, intent.id, "cancelled"))
        return _for_ever(await self._books.decided(row.key, intent.id, noted.answer, noted.reason))

    async def _noted(self, row: ChargeRow, intent: Intent) -> Declined | None:
        kept = await self._books.charge(row.key)
        if kept is not None and kept.noted is not None:
            return kept.noted
        return None if intent.failed is None else declined(intent.failed)

    async def _decline(self, row: ChargeRow, by: Declined) -> Charged:
        """Declined without an intent, unless another attempt has begun one, or finished the key."""
        row = await self._books.decided(row.key, None, by.answer, by.reason)
        return await self._awaited(row) if row.decided is None else row.decided


def _for_ever(row: ChargeRow) -> Charged:
    """Raises GatewayUnavailable where another attempt has begun another intent meanwhile."""
    if row.decided is None:
        raise GatewayUnavailable("it is charged anew at this moment")
    return row.decided


def _refused(customer: MethodRow, means: Means) -> Declined | None:
    """Why the saved method cannot be asked."""
    if isinstance(means, Confirmation):
        return None
    if customer.refused is not None:
        return customer.refused
    if customer.method is None:
        return NO_METHOD
    return NOT_PERMITTED if customer.type != "card" and not means.late else None


def _creating(row: ChargeRow, customer: MethodRow, means: Means) -> PaymentIntentCreateParams:
    assert row.amount is not None
    assert row.currency is not None
    assert row.account_id is not None
    params: PaymentIntentCreateParams = {
        "amount": in_minor_units(row.amount, row.currency),
        "currency": row.currency.lower(),
        "customer": customer.customer,
        "metadata": {KEY: str(row.key), ACCOUNT: row.account_id},
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
    }
    if isinstance(means, Confirmation):
        # R15: the digits of a saved card are entered again, and what pays is kept for renewals.
        params["allowed_payment_method_types"] = ["card"]
        params["payment_method_options"] = {"card": {"require_cvc_recollection": True}}
        params["setup_future_usage"] = "off_session"
    else:
        assert customer.type is not None
        params["allowed_payment_method_types"] = [customer.type]
    return params


def _confirming(customer: MethodRow, means: Means) -> PaymentIntentConfirmParams:
    if isinstance(means, Confirmation):
        return {"confirmation_token": means.token}
    assert customer.method is not None
    return {"payment_method": customer.method, "off_session": not means.present}


def _refused_request(error: stripe.InvalidRequestError) -> Declined:
    """What a request that Stripe refuses says of the payment.

    Raises GatewayUnavailable where it says something of us: nothing was charged, and somebody must look.
    """
    if error.param == "confirmation_token":
        return WRONG_DETAILS
    if error.param == "payment_method":
        return METHOD_GONE if error.code == "resource_missing" else NOT_PERMITTED
    if error.param == "amount" or error.code in ("amount_too_small", "amount_too_large"):
        return NOT_PERMITTED
    raise GatewayUnavailable(
        f"Stripe refused the request ({error.code or error.http_status}, request {error.request_id})"
    )


def _answer_by(intent: Intent) -> CivilDate:
    """The date `_LATE_DAYS` business days after the intent was made."""
    date = datetime.fromtimestamp(intent.created, UTC).date()
    left = _LATE_DAYS
    while left:
        date += timedelta(days=1)
        left -= date.isoweekday() < 6
    return date
