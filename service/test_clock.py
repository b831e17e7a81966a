"""The clock of one account on a test clock, moved on: it passes every instant on the way (R53)."""

from __future__ import annotations

from domain.calendar import Instant
from domain.settle import next_due
from service.service import BillingService


async def advance(service: BillingService, account_id: str, until: Instant) -> int:
    """Settle everything that falls due up to the instant, each at its own; the number of events recorded. A
    run that was ended is given again.

    Raises what `BillingService.settle` does.
    """
    recorded = 0
    while True:
        state = await service.account(account_id)
        due = None if state is None else next_due(state)
        if due is None or due[1] > until:
            break
        events = await service.settle(account_id, due[1])
        if not events:
            break  # a payment waits for the customer: what follows depends on its answer
        recorded += events
    return recorded + await service.settle(account_id, until)
