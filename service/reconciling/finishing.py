"""Every intent whose end is not known is asked for at the provider, and what it says is recorded."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal, TypeAlias

import msgspec

from domain.events import Clock
from domain.process import refund_pending
from service.conversing import Attempt
from service.errors import GatewayUnavailable, PaymentUnanswered
from service.service import BillingService

Finishing: TypeAlias = Literal["finished", "open", "no_answer"]
"""`open`: the provider does not know the end yet (a late payment, a customer who has still to consent), or a
living process is at it. `no_answer`: the provider could not be asked."""


class Finished(msgspec.Struct, frozen=True):
    """What came of an account's payment or refund that had no end."""

    account_id: str
    what: Literal["payment", "late_payment", "refund"]
    outcome: Finishing
    invoice: int | None = None


async def finish_all(
    service: BillingService, account_ids: Iterable[str], clocks: Collection[Clock]
) -> list[Finished]:
    """Ask for all that has no end of these accounts, as far as they live on the clocks."""
    finished = []
    for account_id in dict.fromkeys(account_ids):
        finished += await _finish_account(service, account_id, clocks)
    return finished


async def _finish_account(
    service: BillingService, account_id: str, clocks: Collection[Clock]
) -> list[Finished]:
    """Nothing that falls due is settled."""
    state = await service.account(account_id)
    if state is None or state.clock not in clocks:
        return []
    finished = []
    if state.payment is not None:
        finished.append(Finished(account_id, "payment", await _payment(service, account_id)))
    for record in [record for record in state.records.values() if record.late]:
        outcome = await _late(service, account_id, record.late_intent)
        finished.append(Finished(account_id, "late_payment", outcome, record.number))
    for refund in state.standing.refunds:
        outcome = await _refund(service, account_id, refund.note)
        finished.append(Finished(account_id, "refund", outcome, refund.invoice))
    return finished


async def _payment(service: BillingService, account_id: str) -> Finishing:
    try:
        ended = await service.payment_answered(account_id) or await service.take_over_payment(account_id)
    except (GatewayUnavailable, PaymentUnanswered):
        return "no_answer"
    state = await service.account(account_id)
    return "finished" if ended and (state is None or state.payment is None) else "open"


async def _late(service: BillingService, account_id: str, intent: int) -> Finishing:
    try:
        return "finished" if await service.ask_late_payment(account_id, intent) else "open"
    except GatewayUnavailable:
        return "no_answer"


async def _refund(service: BillingService, account_id: str, note: int) -> Finishing:
    """Asked for under its key again, which makes it once (R62)."""

    async def ask(attempt: Attempt) -> Finishing:
        state = attempt.state
        assert state is not None
        if all(refund.note != note for refund in state.standing.refunds):
            return "finished"
        state = await attempt.run(refund_pending(state))
        left = any(refund.note == note for refund in state.standing.refunds)
        return "no_answer" if left else "finished"

    return await service.attempted(account_id, ask)
