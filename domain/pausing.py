"""Pausing and resuming a family's plan (R31-R37)."""

from __future__ import annotations

import msgspec

from domain import events as e
from domain.answers import Refusal
from domain.calendar import LATEST, CivilDate, Instant, begins_at, cycle_from, twelve_months_after
from domain.catalog import Catalogues
from domain.commands import PausePlan, ResumePlan
from domain.plans import unknown_family
from domain.pricing import PriceList, invoice_of, plan_line
from domain.proposals import Context, Proposal, Proposed, cancellation_pending, not_held, past_due
from domain.renewal import upcoming
from domain.state import Account, PlanItem


def pause_plan(ctx: Context, command: PausePlan) -> Proposed:
    """Pause the family's plan, refused in the order of R31. The answer lists what goes on being billed
    (R32)."""
    if unknown := unknown_family(ctx, command.family):
        return unknown
    family = ctx.catalog.families.get(command.family)
    if family is not None and not family.pausable:
        return Refusal("not_pausable", {"family": command.family})
    held = ctx.state.plans.get(command.family)
    if held is None or held.cycle is None:
        return not_held(command.family, "monthly plan")
    if refusal := _pause_refused(ctx, held) or _resume_date_refused(ctx, command.resume_on):
        return refusal
    resume_at = None if command.resume_on is None else begins_at(command.resume_on, ctx.state.time_zone)
    anchor = ctx.state.anchor_without((held.product,))
    paused = msgspec.structs.replace(held, paused_at=ctx.at)
    after = msgspec.structs.replace(ctx.state, plans={**ctx.state.plans, held.family: paused}, anchor=anchor)
    return Proposal(
        e.PlanPaused(
            at=ctx.at,
            command=ctx.command,
            family=held.family,
            product=held.product,
            account_anchor=anchor,
            resume_on=command.resume_on,
            resume_at=resume_at,
            still_billed=upcoming(after, ctx.catalogues),
        )
    )


def _pause_refused(ctx: Context, held: PlanItem) -> Refusal | None:
    assert held.cycle is not None
    facts = {"product": held.product}
    if not held.active:
        return Refusal("already_paused", facts)
    if held.cancelled:
        return cancellation_pending(held.product, held.cycle.end)
    if held.downgrade is not None:
        return Refusal("change_pending", {**facts, "on": held.cycle.end.isoformat()})
    if ctx.state.past_due:
        return past_due(ctx.state)
    pauses = ctx.state.pauses.get(held.family, ())
    if len(pauses) == 2 and (allowed := twelve_months_after(pauses[0])) > ctx.today:
        return Refusal("pause_limit", {**facts, "allowed_from": allowed.isoformat()})
    return None


def _resume_date_refused(ctx: Context, resume_on: CivilDate | None) -> Refusal | None:
    """The date of a scheduled resume must lie after today (R36)."""
    if resume_on is None or ctx.today < resume_on < LATEST.date():
        return None
    return Refusal("invalid_date", {"resume_on": resume_on.isoformat(), "today": ctx.today.isoformat()})


def resume_plan(ctx: Context, command: ResumePlan) -> Proposed:
    """Resume the family's paused plan: at no charge inside its paid cycle (R35), else as a purchase today
    (R34); not while its cancellation is pending (R37)."""
    if unknown := unknown_family(ctx, command.family):
        return unknown
    held = ctx.state.plans.get(command.family)
    if held is None or held.cycle is None:
        return not_held(command.family, "monthly plan")
    if held.active:
        return Refusal("not_paused", {"product": held.product})
    if held.cancelled:
        return cancellation_pending(held.product, held.cycle.end)
    event = _resumed(ctx.state, held, ctx.today, ctx.at, ctx.at, ctx.prices, scheduled=False)
    return Proposal(msgspec.structs.replace(event, command=ctx.command))


def scheduled_resume(
    state: Account, held: PlanItem, day: CivilDate, issued_at: Instant, catalogues: Catalogues
) -> e.Event:
    """The event of the date that a pause named (R36): the resume, the payment that it needs first, or its end
    while past due."""
    assert held.resume_at is not None
    at = held.resume_at
    if state.past_due:
        return e.ResumeDropped(at=at, family=held.family, product=held.product, reason="past_due")
    event = _resumed(state, held, day, at, issued_at, PriceList.of(state, catalogues.at(at)), scheduled=True)
    if event.invoice is None or not event.invoice.total:
        return event
    return e.PaymentStarted(
        at=at, purpose="scheduled_resume", amount=event.invoice.total, currency=state.currency, if_paid=event
    )


def _resumed(
    state: Account,
    held: PlanItem,
    today: CivilDate,
    at: Instant,
    issued_at: Instant,
    prices: PriceList,
    *,
    scheduled: bool,
) -> e.PlanResumed:
    """The plan active again: inside the paid cycle at no charge, with its cycle and anchor as they were
    (R35); else as a purchase today (R34), at the held price if none is asked any more (R8)."""
    assert held.cycle is not None
    price, cycle, invoice = held.price, held.cycle, None
    if today >= cycle.end:
        asked = prices.plan(held.product, held.tier)
        price = held.price if asked is None else asked
        cycle = cycle_from(state.anchor or today, today, state.time_zone)
        invoice = invoice_of(state, today, (plan_line(held.product, held.tier, price, cycle),), issued_at)
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
