"""`settle`: what became due by itself, one step at a time (R23-R25, R28, R30, R36-R41).

A step is the events of the earliest date that is due and not yet settled; it may start a payment, and what
the date's next step is depends on its answer. Nothing here asks when it runs: a step is effective at the
beginning of its date, however late it is taken (R25).
"""

from __future__ import annotations

from domain import events as e
from domain.calendar import CivilDate, Instant
from domain.catalog import Catalogues
from domain.ends import addon_end, credits_expiry, cycle_ends, plan_end, unpaid_lapse
from domain.pricing import PriceList, invoice_of
from domain.renewal import renew_addon, renew_plan, requirement
from domain.resuming import scheduled_resume
from domain.state import Account, AddonItem, PlanItem


def next_due(state: Account) -> tuple[CivilDate, Instant] | None:
    """The earliest date on which something becomes due, and the instant at which it begins; None: nothing
    ever will as things stand."""
    if state.closed:
        return None
    if state.open_invoice is not None and not state.open_invoice.declined:
        return state.open_invoice.date, state.open_invoice.at
    due: tuple[CivilDate, Instant] | None = None
    for plan in state.plans.values():
        cycle = plan.cycle
        if (
            cycle is not None
            and (plan.paused_at is None or plan.cancelled)
            and (due is None or cycle.end < due[0])
        ):
            due = cycle.end, cycle.ends_at
        if (
            plan.resume_on is not None
            and plan.resume_at is not None
            and (due is None or plan.resume_on < due[0])
        ):
            due = plan.resume_on, plan.resume_at
    for addon in state.addons.values():
        if due is None or addon.cycle.end < due[0]:
            due = addon.cycle.end, addon.cycle.ends_at
    for pack in state.packs:
        if due is None or pack.expires_on < due[0]:
            due = pack.expires_on, pack.expires_at
    return due


def settle(
    state: Account, until: Instant, catalogues: Catalogues, *, on_time: bool = False
) -> tuple[e.Event, ...]:
    """The events of the next step that is due at `until` (inclusive); empty: all is settled. Invoices are
    issued at `until`, or, `on_time`, at the beginning of their own date.

    While a payment has no answer nothing can be settled (R16): that is the caller's to wait for.
    """
    if state.payment is not None:
        raise ValueError("a payment of this account has no answer yet: nothing can be settled before it")
    due = next_due(state)
    if due is None or due[1] > until:
        return ()
    day, at = due
    if state.open_invoice is not None and not state.open_invoice.declined:
        return (_renewal_payment(state, state.open_invoice.number, at),)
    issued_at = at if on_time else until
    plans = [p for p in state.plans.values() if cycle_ends(p, day)]
    addons = [a for a in state.addons.values() if a.cycle.end == day]
    if plans or addons:
        if state.past_due and (event := _lapse_or_retry(state, plans, addons, at)) is not None:
            return (event,)
        return _renew(state, plans, addons, day, at, issued_at, catalogues)
    if (expiry := credits_expiry(state, day, at)) is not None:
        return (expiry,)
    resuming = _plan_to_resume(state, day, catalogues, at)
    return (scheduled_resume(state, resuming, day, issued_at, catalogues),)


def _renewal_payment(state: Account, number: int, at: Instant) -> e.Event:
    """The renewal's payment was cancelled, so it is attempted anew (R16)."""
    assert state.open_invoice is not None
    total = state.open_invoice.total
    return e.PaymentStarted(
        at=at, purpose="renewal", amount=total, currency=state.currency, invoice_number=number
    )


def _lapse_or_retry(
    state: Account, plans: list[PlanItem], addons: list[AddonItem], at: Instant
) -> e.Event | None:
    """What of the open invoice ends unpaid; else, where other items would end, one more try for the balance
    (R41)."""
    invoice = state.open_invoice
    assert invoice is not None
    lapse = unpaid_lapse(state, [p.product for p in plans] + [a.product for a in addons], at)
    if lapse is not None:
        return lapse
    others = tuple(
        [p.product for p in plans if not p.cancelled] + [a.product for a in addons if not a.removed]
    )
    if not others:
        return None
    return e.PaymentStarted(
        at=at,
        purpose="balance_retry",
        amount=invoice.total,
        currency=state.currency,
        invoice_number=invoice.number,
        items=others,
    )


def _renew(
    state: Account,
    plans: list[PlanItem],
    addons: list[AddonItem],
    day: CivilDate,
    at: Instant,
    issued_at: Instant,
    catalogues: Catalogues,
) -> tuple[e.Event, ...]:
    """The date's plan ends, downgrades and renewals, then its add-on ends and renewals, then their one
    invoice (R24, R30)."""
    prices = PriceList.of(state, catalogues, at)
    zone = state.time_zone
    ends: list[e.Event] = []
    renewed = []
    gone: list[str] = []
    for item in plans if len(plans) == 1 else sorted(plans, key=lambda p: prices.ever_sold.order(_target(p))):
        if (end := plan_end(state, item, gone, at)) is not None:
            gone.append(item.product)
            ends.append(end)
        else:
            renewed.append(renew_plan(state.anchor, item, prices, zone))
    anchor = state.anchor_without(gone) if gone else state.anchor  # R30: re-read before the add-ons
    for addon in addons:
        if (end := addon_end(addon, requirement(addon, prices), state.plans, at)) is not None:
            ends.append(end)
        else:
            renewed.append(renew_addon(anchor, addon, prices, zone))
    if not renewed:
        return tuple(ends)
    lines = tuple([line for r in renewed for line in r.lines])
    invoice = invoice_of(state, day, lines, issued_at)
    return (*ends, e.CyclesRenewed(at=at, renewals=tuple([r.renewal for r in renewed]), invoice=invoice))


def _target(item: PlanItem) -> str:
    return item.product if item.downgrade is None else item.downgrade.product


def _plan_to_resume(state: Account, day: CivilDate, catalogues: Catalogues, at: Instant) -> PlanItem:
    """The first in catalogue order of the plans that resume on the date (R36)."""
    due = [p for p in state.plans.values() if p.resume_on == day]
    return min(due, key=lambda p: catalogues.ever_sold(at).order(p.product))
