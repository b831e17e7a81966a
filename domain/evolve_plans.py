"""What the events of plans make of the state: bought, changed, cancelled, paused, resumed, ended."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from domain import events as e
from domain.calendar import Instant, date_of
from domain.evolve_access import access_end, ended, leave, use
from domain.evolve_records import Changes, change_standing, charge, credits_all, lines_credited
from domain.state import Draft, PendingDowngrade, PlanItem
from domain.windows import close_window


def _plan_purchased(draft: Draft, event: e.PlanPurchased) -> None:
    charge(draft, event.invoice)
    leave(draft, event.replaces, event.at)
    _start_plan(draft, event)


def _free_plan_started(draft: Draft, event: e.FreePlanStarted) -> None:
    leave(draft, event.replaces, event.at)
    before = draft.plans.get(event.family)
    draft.free_used = draft.free_used or (before is not None and before.cycle is not None)
    draft.plans[event.family] = PlanItem(
        event.family, event.product, event.tier, Decimal(0), None, bought=draft.version
    )
    use(draft, event.product, event.at, None)
    draft.anchor = event.account_anchor


def _plan_changed(draft: Draft, event: e.PlanChanged) -> None:
    forget_downgrade(draft, event.family)
    plan = draft.plans[event.family]
    lines = lines_credited(draft, plan, event)
    if event.invoice is not None:
        charge(draft, event.invoice)
    leave(draft, event.from_product, event.at)
    change_plan(
        draft,
        event.family,
        product=event.product,
        tier=event.tier,
        price=event.price,
        lines=lines,
        brought=None if credits_all(event) else plan.brought,
    )
    until = None if event.cycle is None else event.cycle.ends_at
    use(draft, event.product, event.at, until)  # of another tier only: the same window


def _downgrade_scheduled(draft: Draft, event: e.DowngradeScheduled) -> None:
    forget_downgrade(draft, event.family)
    downgrade = PendingDowngrade(event.to_product, event.to_tier, event.to_free)
    change_plan(draft, event.family, downgrade=downgrade)
    draft.free_used = draft.free_used or event.to_free


def _downgrade_withdrawn(draft: Draft, event: e.DowngradeWithdrawn) -> None:
    forget_downgrade(draft, event.family)


def _plan_cancelled(draft: Draft, event: e.PlanCancelled) -> None:
    """A scheduled resume is set aside: it comes back only by what withdraws the cancellation (R36)."""
    forget_downgrade(draft, event.family)
    aside = draft.plans[event.family].resume_on
    change_plan(draft, event.family, cancelled=True, resume_on=None, resume_at=None, resume_set_aside=aside)


def _plan_cancellation_withdrawn(draft: Draft, event: e.PlanCancellationWithdrawn) -> None:
    change_plan(
        draft,
        event.family,
        cancelled=False,
        resume_on=event.resume_on,
        resume_at=event.resume_at,
        resume_set_aside=None,
    )


def _plan_ended(draft: Draft, event: e.PlanEnded) -> None:
    forget_downgrade(draft, event.family)
    item = draft.plans.pop(event.family)
    draft.anchor = event.account_anchor
    ended(draft, item.product, access_end(draft, plan_access_until(item), event.at))
    close_window(draft.windows, item.product, event.at)


def plan_access_until(item: PlanItem) -> Instant | None:
    """When access to a plan that is held ends or ended (R44); Free has no end."""
    if item.paused_at is not None:
        return item.paused_at
    if item.unpaid_since is not None:
        return item.unpaid_since
    return None if item.cycle is None else item.cycle.ends_at


def _plan_paused(draft: Draft, event: e.PlanPaused) -> None:
    change_plan(draft, event.family, paused_at=event.at, resume_on=event.resume_on, resume_at=event.resume_at)
    paused_on = date_of(event.at, draft.time_zone)
    pauses = (*draft.pauses.get(event.family, ())[-1:], paused_on)
    draft.pauses = {**draft.pauses, event.family: pauses}
    draft.anchor = event.account_anchor
    close_window(draft.windows, event.product, event.at)


def _plan_resumed(draft: Draft, event: e.PlanResumed) -> None:
    if event.invoice is not None:
        charge(draft, event.invoice)
    _start_plan(draft, event)


def _start_plan(draft: Draft, event: e.PlanPurchased | e.PlanResumed) -> None:
    """A plan that is resumed keeps its place in the order of purchase, and in its paid cycle what charged
    it."""
    bought = draft.version
    lines: tuple[tuple[int, int], ...] = ()
    brought = None
    if isinstance(event, e.PlanResumed):
        before = draft.plans[event.family]
        bought = before.bought
        if event.invoice is None:
            lines, brought = before.lines, before.brought
    draft.plans[event.family] = PlanItem(
        event.family,
        event.product,
        event.tier,
        event.price,
        event.cycle,
        lines=lines,
        bought=bought,
        brought=brought,
    )
    use(draft, event.product, event.at, event.cycle.ends_at)
    draft.anchor = event.account_anchor


def _resume_dropped(draft: Draft, event: e.ResumeDropped) -> None:
    draft.payment = None
    change_plan(draft, event.family, resume_on=None, resume_at=None)
    if event.final:
        change_standing(draft, method_refused=True)


def change_plan(draft: Draft, family: str, **changes: object) -> None:
    draft.plans[family] = replace(draft.plans[family], **changes)


def forget_downgrade(draft: Draft, family: str) -> None:
    """A downgrade that is undone, replaced, or discarded (by any end) does not count as the move to Free
    (R22)."""
    downgrade = draft.plans[family].downgrade
    if downgrade is not None:
        draft.free_used = draft.free_used and not downgrade.to_free
        change_plan(draft, family, downgrade=None)


CHANGES: Final[Changes] = {
    e.PlanPurchased: _plan_purchased,
    e.FreePlanStarted: _free_plan_started,
    e.PlanChanged: _plan_changed,
    e.DowngradeScheduled: _downgrade_scheduled,
    e.DowngradeWithdrawn: _downgrade_withdrawn,
    e.PlanCancelled: _plan_cancelled,
    e.PlanCancellationWithdrawn: _plan_cancellation_withdrawn,
    e.PlanEnded: _plan_ended,
    e.PlanPaused: _plan_paused,
    e.PlanResumed: _plan_resumed,
    e.ResumeDropped: _resume_dropped,
}
"""What each of these events changes."""
