"""How a paused plan becomes active again (R34, R35), by hand or on the date that its pause named (R36)."""

from __future__ import annotations

from domain import events as e
from domain.calendar import CivilDate, Instant, cycle_from
from domain.catalog import Catalogues
from domain.issuing import invoice_of
from domain.pricing import PriceList, plan_line
from domain.state import Account, PlanItem


def scheduled_resume(
    state: Account, held: PlanItem, day: CivilDate, issued_at: Instant, catalogues: Catalogues
) -> e.Event:
    """The event of the date that a pause named (R36): the resume, the payment that it needs first, or its end
    while past due."""
    assert held.resume_at is not None
    at = held.resume_at
    if state.past_due or state.disputed:
        return e.ResumeDropped(at=at, family=held.family, product=held.product, reason="past_due")
    event = resumed(state, held, day, at, issued_at, catalogues, scheduled=True)
    if event.invoice is None or not event.invoice.charge:
        return event
    return e.PaymentStarted(
        at=at, purpose="scheduled_resume", amount=event.invoice.charge, currency=state.currency, if_paid=event
    )


def resumed(
    state: Account,
    held: PlanItem,
    today: CivilDate,
    at: Instant,
    issued_at: Instant,
    catalogues: Catalogues,
    *,
    scheduled: bool,
) -> e.PlanResumed:
    """The plan active again: inside the paid cycle at no charge, with its cycle and anchor as they were
    (R9, R35); else as a purchase today (R34), at its own last price if none is asked any more (R8)."""
    assert held.cycle is not None
    price, cycle, invoice = held.price, held.cycle, None
    if today >= cycle.end:
        asked = PriceList.of(state, catalogues, at).held_plan(held.product, held.tier)
        price = held.price if asked is None else asked
        cycle = cycle_from(state.anchor or today, today, state.time_zone)
        line = plan_line(held.product, held.tier, price, cycle)
        invoice = invoice_of(state, today, (line,), issued_at, catalogues)
    return e.PlanResumed(
        at=at,
        family=held.family,
        product=held.product,
        tier=held.tier,
        price=price,
        cycle=cycle,
        account_anchor=state.anchor or cycle.anchor,
        scheduled=scheduled,
        invoice=invoice,
    )
