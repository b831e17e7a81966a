"""Pausing and resuming a family's plan (R31-R37)."""

from __future__ import annotations

import msgspec

from domain import events as e
from domain.answers import Refusal
from domain.calendar import LATEST, CivilDate, begins_at, twelve_months_after
from domain.coming import still_billed
from domain.commands import PausePlan, ResumePlan
from domain.evolve import evolve
from domain.plans import unknown_family
from domain.proposals import Context, Proposal, Proposed, cancellation_pending, not_held, past_due
from domain.resuming import resumed
from domain.state import PlanItem


def pause_plan(ctx: Context, command: PausePlan) -> Proposed:
    """Pause the family's plan, refused in the order of R31. What goes on being billed is recorded with it
    (R32)."""
    if unknown := unknown_family(ctx, command.family):
        return unknown
    family = ctx.prices.ever_sold.families.get(command.family)
    if family is not None and not family.pausable:
        return Refusal("not_pausable", {"family": command.family})
    held = ctx.state.plans.get(command.family)
    if held is None or held.cycle is None:
        return not_held(command.family, "monthly plan")
    if refusal := _pause_refused(ctx, held) or _resume_date_refused(ctx, command.resume_on):
        return refusal
    resume_at = None if command.resume_on is None else begins_at(command.resume_on, ctx.state.time_zone)
    paused = e.PlanPaused(
        at=ctx.at,
        command=ctx.command,
        family=held.family,
        product=held.product,
        account_anchor=ctx.state.anchor_without((held.product,)),
        resume_on=command.resume_on,
        resume_at=resume_at,
        still_billed=(),
    )
    billed = still_billed(evolve(ctx.state, paused), ctx.catalogues)
    by_date = tuple(sorted(billed, key=lambda charge: charge.date))
    return Proposal(msgspec.structs.replace(paused, still_billed=by_date))


def _pause_refused(ctx: Context, held: PlanItem) -> Refusal | None:
    assert held.cycle is not None
    facts = {"product": held.product}
    if not held.active:
        return Refusal("already_paused", facts)
    if held.cancelled:
        return cancellation_pending(held.product, held.cycle.end)
    if held.downgrade is not None:
        return Refusal("change_pending", {**facts, "on": held.cycle.end.isoformat()})
    if ctx.state.past_due or ctx.state.disputed:
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
    event = resumed(ctx.state, held, ctx.today, ctx.at, ctx.at, ctx.catalogues, scheduled=False)
    return Proposal(msgspec.structs.replace(event, command=ctx.command))
