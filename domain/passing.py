"""What time alone does to an account: the ends, expiries and scheduled resumes that ask for no price and no
payment, and what else is due but waits for one.

    now, happened = passed(state, at)
    waiting = awaited(now, at)

For looking at an instant for which the log says nothing more: the events are those that settling would record
(`domain.settle`), as things stand, and no catalogue is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from domain import events as e
from domain.calendar import Instant
from domain.catalog import Catalogues
from domain.evolve import evolve
from domain.pausing import scheduled_resume
from domain.renewal import addons_ending
from domain.state import Account, PlanItem

_NO_PRICES: Final = Catalogues(())
_LAPSE, _PLAN, _ADDON, _CREDITS, _RESUME = range(5)  # the order at one date (R30, R41)


class Awaited(msgspec.Struct, frozen=True):
    """What is due `since` the instant and not recorded: the renewal or paid resume of a product, or the
    answer to a payment (of which the product is None)."""

    what: Literal["renewal", "resume", "payment"]
    product: str | None
    since: Instant


def passed(state: Account, until: Instant) -> tuple[Account, tuple[e.Event, ...]]:
    """The account as time alone leaves it at the instant (inclusive), and the events that make it so.

    They are not recorded: the state keeps its version.
    """
    now, happened = state, list[e.Event]()
    while (event := _next(now, until)) is not None:
        now = evolve(now, event)
        happened.append(event)
    return msgspec.structs.replace(now, version=state.version, last_at=max(state.last_at, until)), tuple(
        happened
    )


def awaited(state: Account, at: Instant) -> tuple[Awaited, ...]:
    """What is due at the instant (inclusive) and needs a price or a payment's answer, the earliest first."""
    found = []
    if state.payment is not None:
        found.append(Awaited("payment", None, state.payment.at))
    for plan in state.plans.values():
        if plan.paused_at is None and not plan.cancelled and plan.unpaid_since is None:
            if plan.cycle is not None and plan.cycle.ends_at <= at:
                found.append(Awaited("renewal", plan.product, plan.cycle.ends_at))
        elif plan.resume_at is not None and plan.resume_at <= at:
            found.append(Awaited("resume", plan.product, plan.resume_at))
    ending = addons_ending(state)
    for product, addon in state.addons.items():
        goes_on = not addon.removed and product not in ending and addon.unpaid_since is None
        if goes_on and addon.cycle.ends_at <= at:
            found.append(Awaited("renewal", product, addon.cycle.ends_at))
    return tuple(sorted(found, key=lambda one: one.since))


def _next(state: Account, until: Instant) -> e.Event | None:
    due = [found for found in _ends(state) if found[2].at <= until]
    return min(due, key=lambda found: (found[2].at, found[0], found[1]))[2] if due else None


def _ends(state: Account) -> Iterator[tuple[int, int, e.Event]]:
    """What ends of each thing held, whenever, with its place among those of one date (R30)."""
    if (lapse := _lapse(state)) is not None:
        yield _LAPSE, 0, lapse
    for nth, plan in enumerate(state.plans.values()):
        if (end := _plan_end(state, plan)) is not None:
            yield _PLAN, nth, end
        if (resume := _resume(state, plan)) is not None:
            yield _RESUME, nth, resume
    ending = addons_ending(state)
    for nth, (product, addon) in enumerate(state.addons.items()):
        at = addon.cycle.ends_at
        if addon.unpaid_since is not None:
            continue
        if addon.removed:
            yield _ADDON, nth, e.AddonEnded(at=at, product=product, reason="removed")
        elif product in ending and not state.past_due:
            yield _ADDON, nth, e.AddonEnded(at=at, product=product, reason="prerequisite_ended")
    for nth, pack in enumerate(state.packs):
        same = [
            p.credits for p in state.packs if (p.product, p.expires_on) == (pack.product, pack.expires_on)
        ]
        left, on = sum(same), pack.expires_on
        yield _CREDITS, nth, e.CreditsExpired(at=pack.expires_at, product=pack.product, credits=left, on=on)


def _lapse(state: Account) -> e.Event | None:
    """The first items whose cycle ends unpaid, as no payment came (R41)."""
    unpaid = {
        item.product: item.cycle.ends_at
        for item in state.items
        if item.unpaid_since is not None and item.cycle is not None
    }
    if not unpaid or state.open_invoice is None or state.payment is not None:
        return None
    at = min(unpaid.values())
    lapsing = tuple(product for product, ends_at in unpaid.items() if ends_at == at)
    return e.ItemsLapsed(
        at=at,
        number=state.open_invoice.number,
        items=lapsing,
        written_off=len(lapsing) == len(unpaid),
        account_anchor=state.anchor_without(lapsing),
    )


def _plan_end(state: Account, plan: PlanItem) -> e.Event | None:
    """Its cancellation, or its move down to Free; while past due that waits for a payment (R28, R37, R41)."""
    if plan.cycle is None or plan.unpaid_since is not None:
        return None
    at, anchor = plan.cycle.ends_at, state.anchor_without((plan.product,))
    if plan.cancelled:
        return e.PlanEnded(
            at=at, family=plan.family, product=plan.product, reason="cancelled", account_anchor=anchor
        )
    free = plan.downgrade
    if free is None or not free.to_free or state.past_due or plan.paused_at is not None:
        return None
    return e.FreePlanStarted(
        at=at,
        family=plan.family,
        product=free.product,
        tier=free.tier,
        replaces=plan.product,
        account_anchor=anchor,
    )


def _resume(state: Account, plan: PlanItem) -> e.Event | None:
    """The scheduled resume inside the paid cycle, or its end while past due; one that is a purchase waits for
    its payment (R35, R36)."""
    if plan.resume_on is None or plan.resume_at is None or plan.paused_at is None:
        return None
    event = scheduled_resume(state, plan, plan.resume_on, plan.resume_at, _NO_PRICES)
    free = isinstance(event, e.ResumeDropped) or (isinstance(event, e.PlanResumed) and event.invoice is None)
    return event if free else None
