"""What is shown of an account (R44-R46): entitlements, access windows, standing. Pure readings of its
state at one instant: that of its last settled event."""

from __future__ import annotations

from typing import Literal

import msgspec

from domain.calendar import CivilDate, Instant
from domain.catalog import Catalogues
from domain.renewal import AS_HELD, addons_ending, will_lose_prerequisite, will_renew
from domain.state import Account, AccountStatus, AddonItem, Ended, PlanItem, Window
from domain.windows import packs_until

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


def entitlements(state: Account, catalogues: Catalogues = AS_HELD) -> dict[str, Entitlement]:
    """Every product held or once held (R44): plans, add-ons, credits, then what has ended. Whether an add-on
    will lose its prerequisite is seen by the versions known."""
    shown: dict[str, Entitlement] = {}
    for plan in state.plans.values():
        shown[plan.product] = _plan(plan)
    ending = addons_ending(state, catalogues)
    for product, addon in state.addons.items():
        shown[product] = _addon(addon, ending=addon.removed or product in ending)
    for product in dict.fromkeys(pack.product for pack in state.packs):
        shown[product] = _packs(state, product)
    for product, ended in state.ended.items():
        if product not in shown:
            shown[product] = _ended(product, ended)
    since = state.standing.disputed_at
    return shown if since is None else {product: _disputed(one, since) for product, one in shown.items()}


def entitlement(state: Account, product: str, catalogues: Catalogues = AS_HELD) -> Entitlement | None:
    """What `entitlements` shows of one product; None: it was never held."""
    since = state.standing.disputed_at
    found = _entitlement(state, product, catalogues)
    return found if found is None or since is None else _disputed(found, since)


def _entitlement(state: Account, product: str, catalogues: Catalogues) -> Entitlement | None:
    for plan in state.plans.values():
        if plan.product == product:
            return _plan(plan)
    if (addon := state.addons.get(product)) is not None:
        return _addon(addon, ending=addon.removed or will_lose_prerequisite(state, addon, catalogues))
    if any(pack.product == product for pack in state.packs):
        return _packs(state, product)
    return _ended(product, state.ended[product]) if product in state.ended else None


def renewal_date(state: Account, product: str, catalogues: Catalogues = AS_HELD) -> CivilDate | None:
    """The date on which the product held renews, as itself or downgraded to a monthly plan; None: it ends, is
    paused or suspended, or has no cycle."""
    if state.disputed:
        return None
    for plan in state.plans.values():
        if plan.product == product:
            return _plan_renews_on(plan)
    addon = state.addons.get(product)
    return None if addon is None else _addon_renews_on(state, addon, catalogues)


def _plan_renews_on(plan: PlanItem) -> CivilDate | None:
    return plan.cycle.end if plan.cycle is not None and will_renew(plan) else None


def _addon_renews_on(state: Account, addon: AddonItem, catalogues: Catalogues) -> CivilDate | None:
    if addon.removed or addon.unpaid_since is not None:
        return None
    return None if will_lose_prerequisite(state, addon, catalogues) else addon.cycle.end


def _disputed(shown: Entitlement, since: Instant) -> Entitlement:
    """As it is while a dispute is open: nothing can be used since it was (R58)."""
    if shown.status in ("ended", "paused"):
        return shown
    until = since if shown.access_until is None else min(since, shown.access_until)
    return Entitlement(shown.product, "suspended", False, until, None if shown.allowance is None else 0)


def _packs(state: Account, product: str) -> Entitlement:
    held = [pack for pack in state.packs if pack.product == product]
    packs = [pack for pack in held if pack.unpaid_since is None]
    if not packs:
        return Entitlement(product, "suspended", False, packs_until(state, product), 0)
    until = max(pack.expires_at for pack in packs)
    return Entitlement(product, "active", False, until, sum(pack.credits for pack in packs))


def _ended(product: str, ended: Ended) -> Entitlement:
    return Entitlement(product, "ended", False, ended.access_until, 0 if ended.metered else None)


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


def access_windows(state: Account, catalogues: Catalogues = AS_HELD) -> dict[str, AccessWindows]:
    """The windows of every product held or once held (R45)."""
    return windows_shown(state, entitlements(state, catalogues))


def windows_shown(state: Account, shown: dict[str, Entitlement]) -> dict[str, AccessWindows]:
    """`access_windows`, for those who have the entitlements already."""
    return {
        product: AccessWindows(product, state.windows.get(product, ()), e.renews)
        for product, e in shown.items()
    }


def account_summary(state: Account, catalogues: Catalogues = AS_HELD) -> AccountSummary:
    """The account's status, anchor, next renewal and support (R3, R38, R46)."""
    dates: list[CivilDate | None] = []
    if not state.disputed:
        dates += [_plan_renews_on(plan) for plan in state.plans.values()]
        dates += [_addon_renews_on(state, addon, catalogues) for addon in state.addons.values()]
    first = min([day for day in dates if day is not None], default=None)
    supported = bool(state.addons or state.packs) or any(plan.active_monthly for plan in state.plans.values())
    return AccountSummary(state.status, state.anchor, first, supported)
