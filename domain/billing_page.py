"""The billing page (R50), "monthly plans or credits": what is held, what it will cost, what can be done
with it."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from domain import events as e
from domain.calendar import CivilDate, Instant
from domain.catalog import Catalog, Catalogues
from domain.forecast import next_invoice, settled_as_paid
from domain.renewal import upcoming
from domain.state import Account, AddonItem, PlanItem
from domain.views import Entitlement, EntitlementStatus, Standing, entitlements, standing

Action = Literal["change", "cancel", "pause", "resume", "undo", "manage", "remove", "top_up", "stop"]


class HeldItem(msgspec.Struct, frozen=True):
    """A plan or add-on held. `price`: held for this cycle (R8); None for blocks. `next_charge`: None if it
    will not renew.

    `confirm_removal`: what removing asks to confirm, with the date until which access lasts (R26).
    """

    product: str
    kind: Literal["plan", "add_on"]
    tier: str | None
    status: EntitlementStatus
    price: Decimal | None
    next_charge: e.Upcoming | None
    access_until: Instant | None
    allowance: int | None
    actions: tuple[Action, ...]
    confirm_removal: str | None


class HeldCredits(msgspec.Struct, frozen=True, gc=False):
    """A pack of unexpired credits."""

    product: str
    credits: int
    expires_on: CivilDate


class Balance(msgspec.Struct, frozen=True, gc=False):
    """The open invoice."""

    invoice: int
    date: CivilDate
    amount: Decimal


class BillingPage(msgspec.Struct, frozen=True):
    """Everything on the page."""

    standing: Standing
    items: tuple[HeldItem, ...]
    credits: tuple[HeldCredits, ...]
    balance: Balance | None
    next_invoice: e.Invoice | None


def billing_page(state: Account, at: Instant, catalogues: Catalogues) -> BillingPage:
    """The page at the instant, everything due before it taken as paid."""
    state, _ = settled_as_paid(state, at, catalogues)
    shown = entitlements(state)
    charges = {charge.product: charge for charge in upcoming(state, catalogues)}
    catalog = catalogues.at(at)
    plans = [_plan(state, plan, shown[plan.product], charges, catalog) for plan in state.plans.values()]
    add_ons = [_addon(addon, shown[addon.product], charges) for addon in state.addons.values()]
    invoice = state.open_invoice
    return BillingPage(
        standing(state),
        (*plans, *add_ons),
        tuple([HeldCredits(pack.product, pack.credits, pack.expires_on) for pack in state.packs]),
        None if invoice is None else Balance(invoice.number, invoice.date, invoice.total),
        next_invoice(state, at, catalogues),
    )


def _plan(
    state: Account, item: PlanItem, shown: Entitlement, charges: dict[str, e.Upcoming], catalog: Catalog
) -> HeldItem:
    target = item.product if item.downgrade is None else item.downgrade.product
    return HeldItem(
        item.product,
        "plan",
        item.tier,
        shown.status,
        item.price if item.cycle is not None else None,
        charges.get(target),
        shown.access_until,
        None,
        _plan_actions(state, item, catalog),
        None,
    )


def _plan_actions(state: Account, item: PlanItem, catalog: Catalog) -> tuple[Action, ...]:
    """What can be done now; what a command would refuse is not offered."""
    family = catalog.families.get(item.family)
    pausable = item.cycle is not None and item.downgrade is None and family is not None and family.pausable
    actions: list[Action] = []
    if item.cancelled or item.downgrade is not None:
        actions.append("undo")
    if not item.cancelled:
        if item.active and not state.past_due:
            actions.append("change")
            if pausable:
                actions.append("pause")
        if not item.active and not state.past_due:
            actions.append("resume")
        actions.append("cancel")
    return tuple(actions)


def _addon(item: AddonItem, shown: Entitlement, charges: dict[str, e.Upcoming]) -> HeldItem:
    blocks = item.blocks is not None
    more: tuple[Action, ...] = ("top_up",) if blocks else ()
    end: Action = "undo" if item.removed else ("stop" if blocks else "remove")
    confirm = f"Remove {item.product}? It can be used until {item.cycle.end}; nothing is refunded."
    return HeldItem(
        item.product,
        "add_on",
        None,
        shown.status,
        item.price,
        charges.get(item.product),
        shown.access_until,
        shown.allowance,
        ("manage", *more, end),
        None if item.removed else confirm,
    )
