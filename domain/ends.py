"""What ends by time alone: the ends of cancelled plans and removed add-ons, moves down to Free, add-ons whose
plan is gone, lapses, and expiries. None asks for a price or a payment.

`domain.settle` records these events when their date is due; `domain.later` shows them for an instant that the
log has not reached.
"""

from __future__ import annotations

from collections.abc import Sequence

from domain import events as e
from domain.calendar import CivilDate, Instant
from domain.renewal import loses_prerequisite
from domain.state import Account, AddonItem, PlanItem


def cycle_ends(plan: PlanItem, day: CivilDate) -> bool:
    """The plan's paid cycle ends on the date with an effect: that of a paused plan has none, unless the plan
    is cancelled (R37)."""
    return plan.cycle is not None and plan.cycle.end == day and (plan.paused_at is None or plan.cancelled)


def plan_end(state: Account, plan: PlanItem, gone: Sequence[str], at: Instant) -> e.Event | None:
    """The event by which the plan ends at the end of its cycle, cancelled (R28, R37) or moved down to Free
    (R22). None: the plan is renewed. `gone`: the plans that have ended before it on that date."""
    free = plan.downgrade
    if not plan.cancelled and (free is None or not free.to_free):
        return None
    anchor = state.anchor_without([*gone, plan.product])
    if plan.cancelled or free is None:
        return e.PlanEnded(
            at=at, family=plan.family, product=plan.product, reason="cancelled", account_anchor=anchor
        )
    return e.FreePlanStarted(
        at=at,
        family=plan.family,
        product=free.product,
        tier=free.tier,
        replaces=plan.product,
        account_anchor=anchor,
    )


def addon_end(
    addon: AddonItem, requires: tuple[str, ...], plans: dict[str, PlanItem], at: Instant
) -> e.Event | None:
    """The event by which the add-on ends at the end of its cycle: removed (R26), or without a plan that meets
    its prerequisite (R28). None: the add-on is renewed."""
    if addon.removed:
        return e.AddonEnded(at=at, product=addon.product, reason="removed")
    if loses_prerequisite(addon, requires, plans):
        return e.AddonEnded(at=at, product=addon.product, reason="prerequisite_ended")
    return None


def credits_expiry(state: Account, day: CivilDate, at: Instant) -> e.Event | None:
    """The expiry of the first product whose packs expire on the date (R21); it gives nothing back (R77).
    None: no pack does."""
    expiring = [pack for pack in state.packs if pack.expires_on == day]
    if not expiring:
        return None
    product = expiring[0].product
    left = sum(pack.credits for pack in expiring if pack.product == product)
    return e.CreditsExpired(at=at, product=product, credits=left, on=day)
