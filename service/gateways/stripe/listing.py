"""Stripe's own list of a day, for `prorata reconcile`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Final, Literal
from uuid import UUID

from domain.calendar import CivilDate
from service.gateways.port import Movement, MovementStatus
from service.gateways.stripe.amounts import of_minor_units
from service.gateways.stripe.calls import ACCOUNT, KEY, StripeCalls
from service.gateways.stripe.seen import Dispute, Intent, Refund

_DISPUTES: Final[Mapping[str, MovementStatus]] = {
    "needs_response": "dispute_opened",
    "under_review": "dispute_opened",
    "won": "dispute_won",
    "lost": "dispute_lost",
}
"""What is not here took no money: an inquiry of the bank's (`warning_…`), or one that was prevented."""


async def movements(calls: StripeCalls, day: CivilDate) -> AsyncIterator[Movement]:
    """Charges, refunds and disputes that were begun on that day (UTC)."""
    midnight = datetime.combine(day, time(), UTC)
    begin, end = int(midnight.timestamp()), int((midnight + timedelta(days=1)).timestamp())
    async for intent in calls.intents_between(begin, end):
        if (charge := _charge(intent)) is not None:
            yield charge
    async for refund in calls.refunds_between(begin, end):
        yield _refund(refund)
    async for dispute in calls.disputes_between(begin, end):
        if (disputed := dispute_of(dispute)) is not None:
            yield disputed


def dispute_of(dispute: Dispute) -> Movement | None:
    """The dispute, with the key of the charge that it is about; None: it has taken nothing."""
    status, intent = _DISPUTES.get(dispute.status), dispute.payment_intent
    if status is None:
        return None
    return _movement("dispute", status, dispute, intent, None if intent is None else key_in(intent.metadata))


def _charge(intent: Intent) -> Movement | None:
    """None: it was never confirmed, so it has moved nothing."""
    status: MovementStatus
    match intent.status:
        case "succeeded":
            status = "paid"
        case "processing":
            status = "pending"
        case "requires_action":
            status = "action_required"
        case _ if intent.failed is not None:
            status = "declined"
        case "canceled" if intent.latest_charge is not None:
            status = "cancelled"
        case _:
            return None
    return _movement("charge", status, intent, intent, key_in(intent.metadata))


def _refund(refund: Refund) -> Movement:
    failed = refund.status in ("failed", "canceled")
    intent = refund.payment_intent if isinstance(refund.payment_intent, Intent) else None
    status: MovementStatus = "refund_failed" if failed else "refunded"
    return _movement("refund", status, refund, intent, key_in(refund.metadata))


def _movement(
    kind: Literal["charge", "refund", "dispute"],
    status: MovementStatus,
    seen: Intent | Refund | Dispute,
    intent: Intent | None,
    key: UUID | None,
) -> Movement:
    account = None if intent is None else intent.metadata.get(ACCOUNT)
    amount = of_minor_units(seen.amount, seen.currency)
    at = datetime.fromtimestamp(seen.created, UTC)
    return Movement(kind, status, seen.id, key, account, amount, seen.currency.upper(), at)


def key_in(metadata: Mapping[str, str] | None) -> UUID | None:
    """Our key; None: it is none of ours, or somebody wrote over it."""
    try:
        return UUID((metadata or {})[KEY])
    except (KeyError, ValueError):
        return None
