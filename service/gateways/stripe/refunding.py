"""Refunds at Stripe, each once under its own key, on the payment intent of the original charge (R62)."""

from __future__ import annotations

from decimal import Decimal
from typing import Final
from uuid import UUID

import stripe
from stripe.params import RefundCreateParams

from service.errors import GatewayUnavailable
from service.gateways.port import RefundMade
from service.gateways.stripe.amounts import NotChargeable, in_minor_units
from service.gateways.stripe.books import RefundRow, StripeBooks
from service.gateways.stripe.calls import ACCOUNT, KEY, StripeCalls
from service.gateways.stripe.seen import Refund

_REFUSED: Final = frozenset({
    "charge_already_refunded", "charge_disputed", "charge_expired_for_capture", "refund_disputed_payment",
    "payment_intent_unexpected_state", "amount_too_small", "amount_too_large", "insufficient_funds",
})  # fmt: skip
"""Codes that say that this refund cannot be made."""


class StripeRefunds:
    """The row is committed before Stripe is asked. Where it was asked before and its answer is not known, the
    refunds of the intent are looked through for the key first: that finds it when Stripe has forgotten the
    idempotency key, and until then the key does."""

    def __init__(self, calls: StripeCalls, books: StripeBooks) -> None:
        self._calls = calls
        self._books = books

    async def refund(
        self, key: UUID, charge: UUID, account_id: str, amount: Decimal, currency: str
    ) -> RefundMade:
        """What became of it. Raises GatewayUnavailable while Stripe has not made it yet, too."""
        if amount <= 0:
            raise ValueError(f"nothing is moved that is not above zero: {amount} {currency}")
        row = await self._books.refund_begun(key, charge, account_id, amount, currency)
        if row.answer is not None:
            return row.answer
        charged = await self._books.charge(row.charge)
        if charged is None or charged.intent is None:
            return await self._books.refund_decided(key, None, "failed")
        return await self._asked(row, charged.intent)

    async def _asked(self, row: RefundRow, intent: str) -> RefundMade:
        found = await self._found(row, intent)
        if found is None:
            try:
                found = await self._calls.create_refund(_creating(row, intent), f"refund-{row.key}")
            except NotChargeable:
                return await self._books.refund_decided(row.key, None, "failed")
            except stripe.InvalidRequestError as error:
                if error.code in _REFUSED or error.param == "amount":
                    return await self._books.refund_decided(row.key, None, "failed")
                raise GatewayUnavailable(
                    f"Stripe refused the refund ({error.code or error.http_status})"
                ) from None
        return await self._decided(row, found)

    async def _found(self, row: RefundRow, intent: str) -> Refund | None:
        async for refund in self._calls.refunds_of(intent):
            if (refund.metadata or {}).get(KEY) == str(row.key):
                return refund
        return None

    async def _decided(self, row: RefundRow, refund: Refund) -> RefundMade:
        match refund.status:
            case "succeeded":
                return await self._books.refund_decided(row.key, refund.id, "refunded")
            case "failed" | "canceled":
                return await self._books.refund_decided(row.key, refund.id, "failed")
            case _:
                raise GatewayUnavailable(f"Stripe has not made the refund yet ({refund.status})")


def _creating(row: RefundRow, intent: str) -> RefundCreateParams:
    return {
        "payment_intent": intent,
        "amount": in_minor_units(row.amount, row.currency),
        "metadata": {KEY: str(row.key), ACCOUNT: row.account_id},
    }
