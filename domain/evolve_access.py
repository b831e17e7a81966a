"""What events make of the use of products: begun, ended, suspended and given back (R38, R40, R44, R58)."""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from domain.calendar import Instant
from domain.crediting import packs_of
from domain.state import Draft, Ended
from domain.windows import close_window, open_window, packs_until


def use(draft: Draft, product: str, start: Instant, until: Instant | None) -> None:
    """The product is held, and can be used from now on; not while a dispute is open, which may have begun
    while its payment waited for the customer (R58)."""
    draft.ended.pop(product, None)
    if draft.standing.disputed_at is None:
        open_window(draft.windows, product, start, until)


def leave(draft: Draft, product: str | None, at: Instant) -> None:
    """Another plan takes this one's place, if there is one; it could be used until then, or until a dispute
    was opened while the payment for the other one waited for the customer (R58)."""
    if product is not None:
        ended(draft, product, draft.standing.disputed_at or at)
        if draft.standing.disputed_at is None:
            close_window(draft.windows, product, at)


def ended(draft: Draft, product: str, access_until: Instant, *, metered: bool = False) -> None:
    draft.ended[product] = Ended(access_until, metered)


def suspend(draft: Draft, products: Collection[str], since: Instant) -> None:
    """The items cannot be used from the instant, until they are paid (R38)."""
    for family, plan in draft.plans.items():
        if plan.product in products:
            draft.plans[family] = replace(plan, unpaid_since=min(since, plan.unpaid_since or since))
            close_window(draft.windows, plan.product, since)
    for product, addon in draft.addons.items():
        if product in products:
            draft.addons[product] = replace(addon, unpaid_since=min(since, addon.unpaid_since or since))
            close_window(draft.windows, product, since)


def suspend_packs(draft: Draft, number: int, since: Instant) -> None:
    """The packs that the invoice charged cannot be used from the instant (R58); others of the same product
    can."""
    suspended = packs_of(draft, number)
    if not suspended:
        return
    draft.packs = tuple(
        [replace(pack, unpaid_since=since) if pack in suspended else pack for pack in draft.packs]
    )
    for product in {pack.product for pack in suspended}:
        usable = [p.expires_at for p in draft.packs if p.product == product and p.unpaid_since is None]
        close_window(draft.windows, product, max(usable, default=since))


def restore(draft: Draft, products: Collection[str], at: Instant, invoices: Collection[int]) -> None:
    """The items are paid and can be used again from the instant (R40), if no dispute is open (R58); of packs
    those that these invoices charged."""
    if not products:
        return
    usable = draft.standing.disputed_at is None
    for family, plan in draft.plans.items():
        if plan.product in products and plan.unpaid_since is not None:
            assert plan.cycle is not None
            draft.plans[family] = replace(plan, unpaid_since=None)
            if usable and plan.paused_at is None:
                open_window(draft.windows, plan.product, at, plan.cycle.ends_at)
    for product, addon in draft.addons.items():
        if product in products and addon.unpaid_since is not None:
            draft.addons[product] = replace(addon, unpaid_since=None)
            if usable:
                open_window(draft.windows, product, at, addon.cycle.ends_at)
    paid = [p for p in draft.packs if p.unpaid_since is not None and p.invoice in invoices]
    if paid:
        draft.packs = tuple([replace(p, unpaid_since=None) if p in paid else p for p in draft.packs])
        for pack in paid if usable else ():
            open_window(draft.windows, pack.product, at, pack.expires_at)


def access_end(draft: Draft, natural: Instant | None, at: Instant) -> Instant:
    """When access to what ends at the instant ended: then, or before by its own or by a dispute (R44,
    R58)."""
    ends = [at if natural is None else min(natural, at)]
    if draft.standing.disputed_at is not None:
        ends.append(draft.standing.disputed_at)
    return min(ends)


def last_use(draft: Draft, product: str, at: Instant) -> Instant:
    """Until when packs of the product could be used, the last of which ends at the instant."""
    return access_end(draft, packs_until(draft, product), at)
