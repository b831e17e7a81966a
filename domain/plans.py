"""Buying, changing and cancelling plans (R10, R11, R17, R22, R28, R29)."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from domain import events as e
from domain.answers import Refusal
from domain.calendar import CivilDate, begins_at, cycle_from
from domain.commands import CancelPlan, ChangePlan, PurchasePlan
from domain.facts import ending_with
from domain.issuing import invoice_of, upgrade_invoice
from domain.lapsing import lapse
from domain.pricing import full_difference_line, plan_line, upgrade_lines
from domain.proposals import (
    Context,
    Proposal,
    Proposed,
    Unchanged,
    cancellation_pending,
    no_price,
    not_held,
    unknown_product,
)
from domain.state import PendingDowngrade, PlanItem


class Target(msgspec.Struct, frozen=True):
    """A plan and tier of the catalogue with its price now; a price of zero makes it Free (R22)."""

    family: str
    product: str
    tier: str
    price: Decimal

    @property
    def free(self) -> bool:
        """Whether it is Free, so no monthly plan."""
        return not self.price

    @property
    def pending(self) -> PendingDowngrade:
        """The pending downgrade to it."""
        return PendingDowngrade(self.product, self.tier, self.free)


def purchase_plan(ctx: Context, command: PurchasePlan) -> Proposed:
    """Buy a plan: in full where the account has no anchor (R10), prorated where it has one (R11). The same
    plan with a pending cancellation is reinstated (R17); Free is not charged (R22)."""
    target = _target(ctx, command)
    if isinstance(target, Refusal):
        return target
    held = ctx.state.plans.get(target.family)
    if held is None or (held.cycle is None and not target.free):
        return start(ctx, target, replaces=None if held is None else held.product)
    if not held.active:
        return _paused(held)
    if held.cancelled and (held.product, held.tier) == (target.product, target.tier):
        return _withdraw_cancellation(ctx, held)
    return Refusal("already_active", {"product": held.product})


def start(ctx: Context, target: Target, replaces: str | None) -> Proposal:
    """A plan begins today: Free without a charge (R22); a monthly one in full, becoming the account's
    anchor (R10), or, where the account has one, prorated to its next boundary (R11)."""
    state = ctx.state
    if target.free:
        return _start_free(ctx, target, replaces, state.anchor)
    anchor = state.anchor or ctx.today
    cycle = cycle_from(anchor, ctx.today, state.time_zone)
    line = plan_line(target.product, target.tier, target.price, cycle)
    return Proposal(
        e.PlanPurchased(
            at=ctx.at,
            command=ctx.command,
            family=target.family,
            product=target.product,
            tier=target.tier,
            price=target.price,
            cycle=cycle,
            account_anchor=anchor,
            replaces=replaces,
            invoice=invoice_of(state, ctx.today, (line,), ctx.at, ctx.catalogues, ctx.grant),
        )
    )


def _start_free(ctx: Context, target: Target, replaces: str | None, anchor: CivilDate | None) -> Proposal:
    """Free begins; it has no cycle. `anchor` is the account's from now on."""
    return Proposal(
        e.FreePlanStarted(
            at=ctx.at,
            command=ctx.command,
            family=target.family,
            product=target.product,
            tier=target.tier,
            replaces=replaces,
            account_anchor=anchor,
        )
    )


def change_plan(ctx: Context, command: ChangePlan) -> Proposed:
    """Change plan or tier (R29): an upgrade at once, a downgrade at the cycle's end, at an equal price at
    once and for nothing."""
    target = _target(ctx, command)
    if isinstance(target, Refusal):
        return target
    held = ctx.state.plans.get(target.family)
    if held is None:
        return not_held(target.family, "plan")
    if not held.active:
        return _paused(held)
    if held.cancelled:
        assert held.cycle is not None
        return cancellation_pending(held.product, held.cycle.end)
    if (held.product, held.tier) == (target.product, target.tier) and (held.cycle is not None or target.free):
        if held.downgrade is not None:
            withdrawn = e.DowngradeWithdrawn(
                at=ctx.at, command=ctx.command, family=held.family, product=held.product
            )
            return Proposal(withdrawn, reinstates=True)
        return Refusal("already_active", {"product": held.product})
    if held.cycle is None and not target.free:
        return start(ctx, target, replaces=held.product)
    if held.downgrade is not None and held.downgrade == target.pending:  # whatever its price is by now
        becomes = {"to_product": target.product, "to_tier": target.tier}
        return Unchanged({"product": held.product, **becomes, "on": _end_of(held).isoformat()})
    if target.price < held.price:
        return _downgrade(ctx, held, target)
    if target.free and held.cycle is not None:
        return _to_free_now(ctx, held, target)
    return _change_now(ctx, held, target)


def _change_now(ctx: Context, held: PlanItem, target: Target) -> Proposal:
    """An upgrade, charged by days or by the whole difference as the catalogue's policy says, or a change
    at the same price (R29)."""
    invoice: e.Invoice | None = None
    notes: tuple[e.CreditNoteIssued, ...] = ()
    if target.price > held.price:
        assert held.cycle is not None
        if target.product == held.product and ctx.catalog.policies.full_difference:
            difference = target.price - held.price
            line = full_difference_line(target.product, target.tier, difference, ctx.today, held.cycle)
            invoice = invoice_of(ctx.state, ctx.today, (line,), ctx.at, ctx.catalogues, ctx.grant)
        else:
            old = (held.product, held.tier, held.price)
            new = (target.product, target.tier, target.price)
            charge, credit = upgrade_lines(old, new, ctx.today, held.cycle)
            issued = upgrade_invoice(
                ctx.state, held, charge, credit, ctx.at, ctx.catalogues, ctx.grant, ctx.command
            )
            invoice, notes = issued.invoice, issued.notes
    return Proposal(
        e.PlanChanged(
            at=ctx.at,
            command=ctx.command,
            family=held.family,
            from_product=held.product,
            from_tier=held.tier,
            product=target.product,
            tier=target.tier,
            price=target.price,
            cycle=held.cycle,
            invoice=invoice,
        ),
        before=notes,
    )


def _downgrade(ctx: Context, held: PlanItem, target: Target) -> Proposed:
    """The plan moves down at the cycle's end; a later downgrade replaces this one (R29). Down to Free it
    moves once in an account's life (R22)."""
    if target.free and (refusal := _free_already_used(ctx, held)):
        return refusal
    return Proposal(
        e.DowngradeScheduled(
            at=ctx.at,
            command=ctx.command,
            family=held.family,
            product=held.product,
            tier=held.tier,
            to_product=target.product,
            to_tier=target.tier,
            to_free=target.free,
            on=_end_of(held),
            ending_addons=_addons_ending_with(ctx, msgspec.structs.replace(held, downgrade=target.pending)),
        )
    )


def _to_free_now(ctx: Context, held: PlanItem, target: Target) -> Proposed:
    """A monthly plan that an older history holds at 0.00 (R8a) changes to Free at once, since the prices are
    equal (R29); Free has no cycle (R22)."""
    if refusal := _free_already_used(ctx, held):
        return refusal
    return _start_free(ctx, target, held.product, ctx.state.anchor_without((held.product,)))


def _free_already_used(ctx: Context, held: PlanItem) -> Refusal | None:
    """The move was made or asked for before, other than by the pending downgrade that this one replaces."""
    replaced = held.downgrade is not None and held.downgrade.to_free
    if replaced or not ctx.state.free_used:
        return None
    return Refusal("free_already_used")


def _end_of(held: PlanItem) -> CivilDate:
    assert held.cycle is not None
    return held.cycle.end


def cancel_plan(ctx: Context, command: CancelPlan) -> Proposed:
    """End the family's plan at its cycle's end (R28); a paused one R37; Free ends at once (R22)."""
    if unknown := unknown_family(ctx, command.family):
        return unknown
    held = ctx.state.plans.get(command.family)
    if held is None:
        return not_held(command.family, "plan")
    if held.cancelled:
        return Unchanged({"product": held.product, "on": _end_of(held).isoformat()})
    if held.cycle is None or held.cycle.end <= ctx.today:  # only of a paused plan it has passed
        anchor = ctx.state.anchor_without((held.product,))
        ended = e.PlanEnded(
            at=ctx.at,
            command=ctx.command,
            family=held.family,
            product=held.product,
            reason="cancelled",
            account_anchor=anchor,
        )
        return Proposal(ended, while_past_due=True)
    if held.unpaid_since is not None and not ctx.state.disputed:
        return ended_unpaid(ctx, held.product)
    cancelled = msgspec.structs.replace(held, cancelled=True)
    return Proposal(
        e.PlanCancelled(
            at=ctx.at,
            command=ctx.command,
            family=held.family,
            product=held.product,
            on=held.cycle.end,
            ending_addons=_addons_ending_with(ctx, cancelled),
        ),
        while_past_due=True,
    )


def ended_unpaid(ctx: Context, product: str) -> Proposal:
    """What is removed, cancelled or stopped while suspended ends at once, and what was billed for it is
    taken back (R26, R28, R41a)."""
    first, *then = lapse(ctx.state, (product,), ctx.at, ctx.today, ctx.command)
    return Proposal(first, while_past_due=True, then=tuple(then))


def undo_plan(ctx: Context, held: PlanItem) -> Proposed:
    """Withdraw the plan's pending cancellation or downgrade (R27, R28, R29)."""
    if held.cancelled:
        return _withdraw_cancellation(ctx, held)
    if held.downgrade is not None:
        withdrawn = e.DowngradeWithdrawn(
            at=ctx.at, command=ctx.command, family=held.family, product=held.product
        )
        return Proposal(withdrawn, reinstates=True)
    return Refusal("nothing_to_undo", {"product": held.product})


def unknown_family(ctx: Context, family: str) -> Refusal | None:
    """Neither the catalogue nor the account knows the family."""
    known = family in ctx.catalog.families or family in ctx.state.plans
    return None if known else unknown_product(family, "plan family")


def _target(ctx: Context, command: PurchasePlan | ChangePlan) -> Target | Refusal:
    """The plan and tier asked for, known and priced in the account's currency (section 10)."""
    plan = ctx.catalog.plans.get(command.product)
    if plan is None:
        return unknown_product(command.product, "plan")
    tier = next(iter(plan.tiers)) if command.tier is None else command.tier
    if tier not in plan.tiers:
        return unknown_product(f"{command.product}/{tier}", "tier")
    price = ctx.prices.plan(command.product, tier)
    if price is None:
        return no_price(command.product, ctx.state.currency)
    return Target(plan.family, plan.id, tier, price)


def _withdraw_cancellation(ctx: Context, held: PlanItem) -> Proposal:
    """The plan goes on. The date on which it was to resume holds again, or is dropped if it has begun
    (R36)."""
    day = held.resume_set_aside
    resume_at = None if day is None else begins_at(day, ctx.state.time_zone)
    passed = resume_at is not None and resume_at <= ctx.at
    withdrawn = e.PlanCancellationWithdrawn(
        at=ctx.at,
        command=ctx.command,
        family=held.family,
        product=held.product,
        resume_on=None if passed else day,
        resume_at=None if passed else resume_at,
    )
    dropped = e.ResumeDropped(
        at=ctx.at, command=ctx.command, family=held.family, product=held.product, reason="date_passed"
    )
    return Proposal(withdrawn, reinstates=True, then=(dropped,) if passed else ())


def _paused(held: PlanItem) -> Refusal:
    return Refusal("plan_paused", {"product": held.product})


def _addons_ending_with(ctx: Context, item: PlanItem) -> tuple[e.Ending, ...]:
    """The add-ons that end for want of a plan of the family once it stands so (R28)."""
    after = msgspec.structs.replace(ctx.state, plans={**ctx.state.plans, item.family: item})
    return ending_with(after, item.family, ctx.catalogues)
