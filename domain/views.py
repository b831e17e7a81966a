"""What is shown of an account (R44-R46): entitlements, access windows, standing. Pure readings of its
state at one instant: that of its last settled event."""

from __future__ import annotations

from typing import Literal

import msgspec

from domain.calendar import CivilDate, Instant
from domain.renewal import addons_ending, will_renew
from domain.state import Account, AccountStatus, AddonItem, PlanItem, Window

EntitlementStatus = Literal["active", "ending", "paused", "suspended", "ended"]


class Entitlement(msgspec.Struct, frozen=True, gc=False):
    """What the account may use of a product (R44). `access_until`: None is without end; `allowance`:
    e-mails, None where none."""

    product: str
    status: EntitlementStatus
    renews: bool
    access_until: Instant | None
    allowance: int | None


class AccessWindows(msgspec.Struct, frozen=True, gc=False):
    """All spans in which a product could or can be used, in order; `renews`: the last one's end will move
    (R45)."""

    product: str
    windows: tuple[Window, ...]
    renews: bool


class AccountSummary(msgspec.Struct, frozen=True, gc=False):
    """The account as a whole: `next_renewal` is the first cycle end of an item that goes on; `support` by
    R46."""

    status: AccountStatus
    anchor: CivilDate | None
    next_renewal: CivilDate | None
    support: bool


def entitlements(state: Account) -> dict[str, Entitlement]:
    """Every product held or once held (R44): plans, add-ons, credits, then what has ended."""
    shown: dict[str, Entitlement] = {}
    for plan in state.plans.values():
        shown[plan.product] = _plan(plan)
    ending = addons_ending(state)
    for product, addon in state.addons.items():
        shown[product] = _addon(addon, ending=addon.removed or product in ending)
    for product in dict.fromkeys(pack.product for pack in state.packs):
        packs = [pack for pack in state.packs if pack.product == product]
        until = max(pack.expires_at for pack in packs)
        shown[product] = Entitlement(product, "active", False, until, sum(pack.credits for pack in packs))
    for product, ended in state.ended.items():
        if product not in shown:
            shown[product] = Entitlement(
                product, "ended", False, ended.access_until, 0 if ended.metered else None
            )
    return shown


def _plan(item: PlanItem) -> Entitlement:
    product, cycle = item.product, item.cycle
    if item.paused_at is not None:
        return Entitlement(product, "paused", False, item.paused_at, None)
    if cycle is None:
        return Entitlement(product, "active", False, None, None)
    if item.unpaid_since is not None:
        return Entitlement(product, "suspended", False, item.unpaid_since, None)
    if item.cancelled or (item.downgrade is not None and item.downgrade.product != product):
        return Entitlement(product, "ending", False, cycle.ends_at, None)
    return Entitlement(product, "active", True, cycle.ends_at, None)


def _addon(item: AddonItem, *, ending: bool) -> Entitlement:
    if item.unpaid_since is not None:
        return Entitlement(item.product, "suspended", False, item.unpaid_since, item.allowance)
    status: EntitlementStatus = "ending" if ending else "active"
    return Entitlement(item.product, status, not ending, item.cycle.ends_at, item.allowance)


def access_windows(state: Account) -> dict[str, AccessWindows]:
    """The windows of every product held or once held (R45)."""
    shown = entitlements(state)
    return {
        product: AccessWindows(product, state.windows.get(product, ()), e.renews)
        for product, e in shown.items()
    }


def account_summary(state: Account) -> AccountSummary:
    """The account's status, anchor, next renewal and support (R3, R38, R46)."""
    ending = addons_ending(state)
    ends = [plan.cycle.end for plan in state.plans.values() if will_renew(plan) and plan.cycle is not None]
    ends += [
        a.cycle.end
        for p, a in state.addons.items()
        if not a.removed and p not in ending and a.unpaid_since is None
    ]
    supported = bool(state.addons or state.packs) or any(plan.active_monthly for plan in state.plans.values())
    return AccountSummary(state.status, state.anchor, min(ends, default=None), supported)
