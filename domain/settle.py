"""`settle`: what became due by itself, one step at a time (R23-R25, R28, R30, R36-R41).

A step is the events of the earliest date that is due and not yet settled; it may start a payment, and what
the date's next step is depends on its answer. Nothing here asks when it runs: a step is effective at the
beginning of its date, however late it is taken (R25).
"""

from __future__ import annotations

from domain import events as e
from domain.calendar import CivilDate, Instant
from domain.catalog import Catalogues
from domain.pausing import scheduled_resume
from domain.pricing import PriceList, invoice_of
from domain.renewal import loses_prerequisite, renew_addon, renew_plan, requirement
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


def settle(state: Account, until: Instant, catalogues: Catalogues) -> tuple[e.Event, ...]:
    """The events of the next step that is due at `until` (inclusive); empty: all is settled. `until` is
    also the instant of issue.

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
    plans = [p for p in state.plans.values() if _cycle_ends(p, day)]
    addons = [a for a in state.addons.values() if a.cycle.end == day]
    if plans or addons:
        if state.past_due and (lapse := _lapse(state, plans, addons, at)) is not None:
            return (lapse,)
        return _renew(state, plans, addons, day, at, until, catalogues)
    expired = [p for p in state.packs if p.expires_on == day]
    if expired:
        return (_expire(state, expired[0].product, day, at),)
    return (scheduled_resume(state, _plan_to_resume(state, day, catalogues, at), day, until, catalogues),)


def _cycle_ends(item: PlanItem, day: CivilDate) -> bool:
    """The paid cycle of a paused plan ends without effect, unless the plan is cancelled (R37)."""
    return item.cycle is not None and item.cycle.end == day and (item.paused_at is None or item.cancelled)


def _renewal_payment(state: Account, number: int, at: Instant) -> e.Event:
    """The renewal's payment was cancelled, so it is attempted anew (R16)."""
    assert state.open_invoice is not None
    total = state.open_invoice.total
    return e.PaymentStarted(
        at=at, purpose="renewal", amount=total, currency=state.currency, invoice_number=number
    )


def _lapse(state: Account, plans: list[PlanItem], addons: list[AddonItem], at: Instant) -> e.Event | None:
    """R41: what of the open invoice ends unpaid, else the one more try for the balance before other items
    would."""
    invoice = state.open_invoice
    assert invoice is not None
    ending = [p.product for p in plans] + [a.product for a in addons]
    unpaid = {item.product for item in state.items if item.unpaid_since is not None}
    lapsing = tuple(product for product in ending if product in unpaid)
    if lapsing:
        written_off = unpaid <= set(lapsing)
        anchor = state.anchor_without(lapsing)
        return e.ItemsLapsed(
            at=at, number=invoice.number, items=lapsing, written_off=written_off, account_anchor=anchor
        )
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
    catalog = catalogues.at(at)
    prices = PriceList.of(state, catalog)
    zone = state.time_zone
    ends: list[e.Event] = []
    renewed = []
    gone: list[str] = []
    for item in plans if len(plans) == 1 else sorted(plans, key=lambda p: catalog.order(_target(p))):
        if item.cancelled:
            gone.append(item.product)
            anchor = state.anchor_without(gone)
            ends.append(
                e.PlanEnded(
                    at=at, family=item.family, product=item.product, reason="cancelled", account_anchor=anchor
                )
            )
        elif item.downgrade is not None and item.downgrade.to_free:
            gone.append(item.product)
            free = item.downgrade
            anchor = state.anchor_without(gone)
            ends.append(
                e.FreePlanStarted(
                    at=at,
                    family=item.family,
                    product=free.product,
                    tier=free.tier,
                    replaces=item.product,
                    account_anchor=anchor,
                )
            )
        else:
            renewed.append(renew_plan(state.anchor, item, prices, zone))
    anchor = state.anchor_without(gone) if gone else state.anchor  # R30: re-read before the add-ons
    for addon in addons:
        if addon.removed:
            ends.append(e.AddonEnded(at=at, product=addon.product, reason="removed"))
        elif loses_prerequisite(addon, requirement(addon, prices), state.plans):
            ends.append(e.AddonEnded(at=at, product=addon.product, reason="prerequisite_ended"))
        else:
            renewed.append(renew_addon(anchor, addon, prices, zone))
    if not renewed:
        return tuple(ends)
    lines = tuple([line for r in renewed for line in r.lines])
    invoice = invoice_of(state, day, lines, issued_at)
    return (*ends, e.CyclesRenewed(at=at, renewals=tuple([r.renewal for r in renewed]), invoice=invoice))


def _target(item: PlanItem) -> str:
    return item.product if item.downgrade is None else item.downgrade.product


def _expire(state: Account, product: str, day: CivilDate, at: Instant) -> e.Event:
    left = sum(p.credits for p in state.packs if p.product == product and p.expires_on == day)
    return e.CreditsExpired(at=at, product=product, credits=left, on=day)


def _plan_to_resume(state: Account, day: CivilDate, catalogues: Catalogues, at: Instant) -> PlanItem:
    """Of the plans that resume on the date the first in catalogue order (R36)."""
    due = [p for p in state.plans.values() if p.resume_on == day]
    return min(due, key=lambda p: catalogues.at(at).order(p.product))
