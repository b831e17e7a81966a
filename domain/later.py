"""An account at an instant that its history has not reached: what ends by time alone has ended, and what is
due but needs a price or a payment is named.

    later, ends = account_later(state, at)
    waiting = unsettled(later, at)

No catalogue is asked. The events are those that settling would record (`domain.ends`), as things stand; none
of them is recorded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from domain import events as e
from domain.calendar import CivilDate, Instant
from domain.catalog import Catalogues
from domain.ends import addon_end, credits_expiry, cycle_ends, plan_end
from domain.evolve import evolve_all
from domain.lapsing import lapse
from domain.renewal import addons_ending
from domain.resuming import scheduled_resume
from domain.state import Account

_NO_PRICES: Final = Catalogues(())


class Unsettled(msgspec.Struct, frozen=True):
    """What has been due `since` the instant and is not settled: the renewal or paid resume of a product, or
    the answer to a payment (`product` is None)."""

    what: Literal["renewal", "resume", "payment"]
    product: str | None
    since: Instant


def account_later(state: Account, until: Instant) -> tuple[Account, tuple[e.Event, ...]]:
    """The account as time alone leaves it at the instant (inclusive), and the events that make it so. The
    account keeps its version, since none of them is recorded."""
    now, ends = state, list[e.Event]()
    while events := _next_ends(now, until):
        after = evolve_all(now, events)
        assert after is not None
        now = after
        ends += events
    now = msgspec.structs.replace(now, version=state.version, last_at=max(state.last_at, until))
    return now, tuple(ends)


def unsettled(state: Account, at: Instant) -> tuple[Unsettled, ...]:
    """What is due at the instant (inclusive) and needs a price or a payment's answer, the earliest first."""
    found = []
    if state.payment is not None:
        found.append(Unsettled("payment", None, state.payment.at))
    for plan in state.plans.values():
        if plan.paused_at is None and not plan.cancelled and plan.unpaid_since is None:
            if plan.cycle is not None and plan.cycle.ends_at <= at:
                found.append(Unsettled("renewal", plan.product, plan.cycle.ends_at))
        elif plan.resume_at is not None and plan.resume_at <= at:
            found.append(Unsettled("resume", plan.product, plan.resume_at))
    ending = addons_ending(state)
    for product, addon in state.addons.items():
        renews = not addon.removed and product not in ending and addon.unpaid_since is None
        if renews and addon.cycle.ends_at <= at:
            found.append(Unsettled("renewal", product, addon.cycle.ends_at))
    return tuple(sorted(found, key=lambda one: one.since))


def _next_ends(state: Account, until: Instant) -> tuple[e.Event, ...]:
    for day, at in sorted(_dates(state).items()):
        if at <= until and (events := next(_ends_on(state, day, at), ())):
            return events
    return ()


def _dates(state: Account) -> dict[CivilDate, Instant]:
    """The dates on which something may end or resume, each with the instant at which it begins."""
    dates: dict[CivilDate, Instant] = {}
    for item in state.items:
        if item.cycle is not None:
            dates.setdefault(item.cycle.end, item.cycle.ends_at)
    for plan in state.plans.values():
        if plan.resume_on is not None and plan.resume_at is not None:
            dates.setdefault(plan.resume_on, plan.resume_at)
    for pack in state.packs:
        dates.setdefault(pack.expires_on, pack.expires_at)
    return dates


def _ends_on(state: Account, day: CivilDate, at: Instant) -> Iterator[tuple[e.Event, ...]]:
    """What ends on the date, in the order of settling (R30, R41). While past due the move down to Free and
    the end for want of a plan wait for the balance to be tried; what is unpaid waits for a payment's answer.
    """
    plans = [plan for plan in state.plans.values() if cycle_ends(plan, day)]
    addons = [addon for addon in state.addons.values() if addon.cycle.end == day]
    ending = [plan.product for plan in plans] + [addon.product for addon in addons]
    if state.payment is None and (lapsed := lapse(state, ending, at, day)):
        yield lapsed
    ends: list[e.Event | None] = [
        plan_end(state, plan, (), at)
        for plan in plans
        if plan.unpaid_since is None and (plan.cancelled or not state.past_due)
    ]
    ends += [
        addon_end(addon, addon.requires, state.plans, at)
        for addon in addons
        if addon.unpaid_since is None and (addon.removed or not state.past_due)
    ]
    ends.append(credits_expiry(state, day, at))
    yield from [(end,) for end in ends if end is not None]
    yield from [(resumed,) for resumed in _free_resumes(state, day, at)]


def _free_resumes(state: Account, day: CivilDate, at: Instant) -> Iterator[e.Event]:
    """The scheduled resumes inside the paid cycle, and those dropped while past due; one that is a purchase
    waits for its payment (R35, R36)."""
    for plan in state.plans.values():
        if plan.resume_on == day and plan.paused_at is not None:
            event = scheduled_resume(state, plan, day, at, _NO_PRICES)
            if isinstance(event, e.ResumeDropped) or (
                isinstance(event, e.PlanResumed) and event.invoice is None
            ):
                yield event
