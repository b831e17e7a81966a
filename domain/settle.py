"""`settle`: what became due by itself, one step at a time (R23-R25, R28, R30, R36-R41).

A step is the events of the earliest date that is due and not yet settled; it may start a payment, and what
the date's next step is depends on its answer. Nothing here asks when it runs: a step is effective at the
beginning of its date, however late it is taken (R25).
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from domain import events as e
from domain.calendar import CivilDate, Instant
from domain.catalog import Catalogues
from domain.collection import next_reminder, open_tries, reminder
from domain.conclude import ended_unpaid
from domain.ends import addon_end, credits_expiry, cycle_ends, plan_end
from domain.free_months import ends_of_free_months, free_months_ending
from domain.issuing import invoice_of
from domain.lapsing import lapse
from domain.pricing import PriceList
from domain.renewal import renew_addon, renew_plan, requirement
from domain.resuming import scheduled_resume
from domain.state import Account, AddonItem, InvoiceRecord, PlanItem


def next_due(state: Account, until: Instant | None = None) -> tuple[CivilDate, Instant] | None:
    """The earliest date on which something becomes due, and the instant at which it begins; None: nothing
    ever will as things stand. `until`: of the tries that are due by then only the last is made (R53)."""
    if state.closed:
        return None
    if state.records and (unanswered := state.unanswered) is not None:
        return state.invoices[unanswered.number].date, unanswered.at
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
    if state.past_due:
        due = min([date for date in (due, *_collecting(state, until)) if date], default=None)
    if state.standing.discounts and (told := ends_of_free_months(state)):
        due = told[0] if due is None else min(due, told[0])
    return due


def _collecting(state: Account, until: Instant | None) -> list[tuple[CivilDate, Instant]]:
    """The dates of tries and reminders."""
    dates = [] if state.disputed else [(t.date, t.at) for t in tries_ahead(state, until)]
    reminders = [next_reminder(state, record) for record in state.past_due_invoices]
    return [*dates, *[date for date in reminders if date is not None]]


def tries_ahead(state: Account, until: Instant | None) -> list[e.Try]:
    """The tries to be made: of those that are due by the instant only the last (R53); none by a method that
    is refused for good (R54)."""
    if state.standing.method_refused:
        return []
    tries = open_tries(state)
    begun = [t.at for t in tries if until is not None and t.at <= until]
    return [t for t in tries if not begun or t.at >= max(begun)]


def settle(
    state: Account, until: Instant, catalogues: Catalogues, *, on_time: bool = False, tried: bool = False
) -> tuple[e.Event, ...]:
    """The events of the next step that is due at `until` (inclusive); empty: all is settled. Invoices are
    issued at `until`, or, `on_time`, at the beginning of their own date.

    `tried`: in this settling the balance was tried already. On the wall clock and late, that is done once
    where there is a policy for collecting (R53). While a payment has no answer nothing can be settled (R16):
    that is the caller's to wait for.
    """
    if state.payment is not None:
        raise ValueError("a payment of this account has no answer yet: nothing can be settled before it")
    late = not on_time and state.clock == "wall"
    due = next_due(state, until if late else None)
    if due is None or due[1] > until:
        return ()
    day, at = due
    issued_at = at if on_time else until
    plans = [p for p in state.plans.values() if cycle_ends(p, day)]
    addons = [a for a in state.addons.values() if a.cycle.end == day]
    if state.records:
        if (unanswered := state.unanswered) is not None:
            return (_renewal_payment(state, unanswered, at),)
        trying = _Trying(state, day, at, catalogues, until if late else None, tried and late)
        if events := trying.events(plans, addons):
            return events
    if state.standing.discounts and (ending := free_months_ending(state, day, at)):
        return ending
    if plans or addons:
        return _renew(state, plans, addons, day, at, issued_at, catalogues)
    if (expiry := credits_expiry(state, day, at)) is not None:
        return (expiry,)
    resuming = _plan_to_resume(state, day, catalogues, at)
    return (scheduled_resume(state, resuming, day, issued_at, catalogues),)


def _renewal_payment(state: Account, record: InvoiceRecord, at: Instant) -> e.Event:
    """The renewal's payment was cancelled, so it is attempted anew (R16)."""
    return e.PaymentStarted(
        at=at,
        purpose="renewal",
        amount=record.due,
        currency=state.currency,
        invoice_number=record.number,
    )


def balance_payment(
    state: Account,
    at: Instant,
    purpose: e.PaymentPurpose,
    *,
    command: e.CommandRef | None = None,
    items: tuple[str, ...] = (),
) -> e.PaymentStarted:
    """The intent to charge all that is due of the account (R57)."""
    records = state.past_due_invoices
    shares = tuple([e.Share(record.number, record.due) for record in records])
    return e.PaymentStarted(
        at=at,
        command=command,
        purpose=purpose,
        amount=state.amount_due,
        currency=state.currency,
        invoice_number=records[0].number,
        items=items,
        invoices=shares if len(shares) > 1 else UNSET,
    )


class _Trying(msgspec.Struct, frozen=True):
    """What a date asks of an account that is past due or disputed, before its renewals (R41, R53, R58)."""

    state: Account
    day: CivilDate
    at: Instant
    catalogues: Catalogues
    until: Instant | None
    tried: bool

    def events(self, plans: list[PlanItem], addons: list[AddonItem]) -> tuple[e.Event, ...]:
        """The next step: items lapse, then the balance is tried at most once, then reminders. Empty: the
        rest of the date goes on."""
        state = self.state
        ending = [p.product for p in plans] + [a.product for a in addons]
        if ending and (lapsed := lapse(state, ending, self.at, self.day)):
            return lapsed
        if state.disputed:
            if events := self._disputed(plans, addons):
                return events
        elif state.past_due and (events := self._try(plans, addons)):
            return events
        return self._reminders()

    def _disputed(self, plans: list[PlanItem], addons: list[AddonItem]) -> tuple[e.Event, ...]:
        """Nothing renews while a dispute is open: what ends by itself ends so, all else as disputed (R58)."""
        events: list[e.Event] = []
        gone: list[str] = []
        for plan in plans:
            gone.append(plan.product)
            events.append(
                e.PlanEnded(
                    at=self.at,
                    family=plan.family,
                    product=plan.product,
                    reason="cancelled" if plan.cancelled else "disputed",
                    account_anchor=self.state.anchor_without(gone),
                )
            )
        for addon in addons:
            reason: e.EndReason = "removed" if addon.removed else "disputed"
            events.append(e.AddonEnded(at=self.at, product=addon.product, reason=reason))
        return tuple(events)

    def _try(self, plans: list[PlanItem], addons: list[AddonItem]) -> tuple[e.Event, ...]:
        """One try for all that is due, if a date of R52 has begun or other items would renew (R41). Where
        it is not made it counts as declined (R53, R54)."""
        state = self.state
        others = self._would_renew(plans, addons)
        dated = any(t.date == self.day for t in tries_ahead(state, self.until))
        if not others and not dated:
            return ()
        collected = self.catalogues.at(self.at).policies.collection is not None
        refused = state.standing.method_refused and collected
        begun = [t for t in open_tries(state) if self.until is not None and t.at <= self.until]
        once = collected and not dated and (self.tried or bool(begun))
        stopped = all(record.tries_stopped for record in state.past_due_invoices)
        if others and (refused or once or stopped):
            return (ended_unpaid(state, others, self.at),)
        if self.tried and collected:
            return ()
        return (balance_payment(state, self.at, "balance_retry", items=others),)

    def _would_renew(self, plans: list[PlanItem], addons: list[AddonItem]) -> tuple[str, ...]:
        """The items of the date that would renew: not ended by their owner, by a move to Free, or for want
        of a prerequisite (R41)."""
        prices = PriceList.of(self.state, self.catalogues, self.at)
        going = [p for p in plans if plan_end(self.state, p, (), self.at) is None]
        staying = [
            a for a in addons if addon_end(a, requirement(a, prices), self.state.plans, self.at) is None
        ]
        return tuple([p.product for p in going] + [a.product for a in staying])

    def _reminders(self) -> tuple[e.Event, ...]:
        """That items lapse soon, once an invoice, after that date's try (R55)."""
        due = [
            record
            for record in self.state.past_due_invoices
            if (date := next_reminder(self.state, record)) is not None and date[0] == self.day
        ]
        return tuple([reminder(self.state, record, "lapses_soon", self.at) for record in due])


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
    invoice = invoice_of(state, day, lines, issued_at, catalogues)
    return (*ends, e.CyclesRenewed(at=at, renewals=tuple([r.renewal for r in renewed]), invoice=invoice))


def _target(item: PlanItem) -> str:
    return item.product if item.downgrade is None else item.downgrade.product


def _plan_to_resume(state: Account, day: CivilDate, catalogues: Catalogues, at: Instant) -> PlanItem:
    """The first in catalogue order of the plans that resume on the date (R36)."""
    due = [p for p in state.plans.values() if p.resume_on == day]
    return min(due, key=lambda p: catalogues.ever_sold(at).order(p.product))
