"""What Stripe sends of its own accord: signed, and a hint to ask.

A message may be late, doubled or overtaken by a later one, so nothing of it is believed but which object it
names; that is looked up again, and the answer is what there is now.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Literal
from uuid import UUID

import msgspec
import stripe

from domain.errors import InvalidInput
from service.gateways.port import ChargeMessage, DisputeMessage, MovementStatus, ProviderMessage
from service.gateways.stripe.books import StripeBooks
from service.gateways.stripe.calls import StripeCalls
from service.gateways.stripe.listing import dispute_of, key_in
from service.gateways.stripe.seen import Event

TOLERANCE: Final = 300
"""Seconds for which a signature is good."""

_CHARGES: Final = frozenset({
    "payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled",
})  # fmt: skip
_DISPUTES: Final = frozenset({
    "charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed",
    "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated",
})  # fmt: skip
EVENTS: Final = _CHARGES | _DISPUTES
"""The types of events that the endpoint at Stripe is to be subscribed to."""

_STATUS: Final[dict[MovementStatus, Literal["opened", "won", "lost"]]] = {
    "dispute_opened": "opened",
    "dispute_won": "won",
    "dispute_lost": "lost",
}


class StripeMessages:
    """Reads messages. `secrets`: of the endpoint, more than one while it is rolled."""

    def __init__(self, calls: StripeCalls, books: StripeBooks, secrets: Sequence[str], *, live: bool) -> None:
        self._calls = calls
        self._books = books
        self._secrets = secrets
        self._live = live

    async def read(self, body: bytes, signature: str) -> ProviderMessage | None:
        """The message; None: it is about nothing of ours, or of no type that we ask for.

        Raises InvalidInput `invalid_message`; GatewayUnavailable where the object cannot be looked up: Stripe
        sends a message again that was not taken.
        """
        event = self._verified(body, signature)
        name = event.data["object"].get("id")
        if not isinstance(name, str):
            raise _invalid("it names no object")
        if event.type in _CHARGES:
            return await self._of_charge(name)
        return await self._of_dispute(name, event) if event.type in _DISPUTES else None

    def _verified(self, body: bytes, signature: str) -> Event:
        if not self._secrets:
            raise InvalidInput("invalid_setting", "PRORATA_STRIPE_WEBHOOK_SECRETS", "it is not set")
        if not any(_is_signed(body, signature, secret) for secret in self._secrets):
            raise _invalid("Stripe's signature is missing, wrong or too old")
        try:
            event = msgspec.json.decode(body, type=Event)
        except msgspec.DecodeError as error:
            raise _invalid(f"it is no event of Stripe's: {error}") from None
        if event.livemode != self._live or "object" not in event.data:
            raise _invalid(f"it is of {'live' if event.livemode else 'test'} mode, or about nothing")
        return event

    async def _of_charge(self, intent: str) -> ProviderMessage | None:
        with self._calls.in_time():
            try:
                seen = await self._calls.intent(intent)
            except stripe.InvalidRequestError:
                return None
            row = await self._row(key_in(seen.metadata), seen.id)
        return None if row is None else ChargeMessage(*row)

    async def _of_dispute(self, name: str, event: Event) -> ProviderMessage | None:
        with self._calls.in_time():
            try:
                dispute = await self._calls.dispute(name)
            except stripe.InvalidRequestError:
                return None
            movement, intent = dispute_of(dispute), dispute.payment_intent
            if movement is None or intent is None:
                return None
            row = await self._row(movement.key, intent.id)
        if row is None:
            return None
        status = _STATUS[movement.status]
        at = movement.at if status == "opened" else datetime.fromtimestamp(event.created, UTC)
        return DisputeMessage(*row, status, at)

    async def _row(self, key: UUID | None, intent: str) -> tuple[str, UUID] | None:
        """The account and key of a charge of ours: what others write at Stripe under our names is not."""
        row = None if key is None else await self._books.charge(key)
        if row is None or row.account_id is None or row.intent != intent:
            return None
        return row.account_id, row.key


def _is_signed(body: bytes, signature: str, secret: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(body, signature, secret, TOLERANCE)
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False
    return True


def _invalid(reason: str) -> InvalidInput:
    return InvalidInput("invalid_message", "", reason)
