"""What an item's next cycle is and costs (R23), and which add-ons lose their prerequisite (R28): asked by
settling and by looking ahead."""

from __future__ import annotations

import msgspec

from domain.calendar import CivilDate, Cycle, cycle_from
from domain.catalog import Catalogues
from domain.events import Ending, Line, Renewal, Upcoming
from domain.pricing import PriceList, addon_line, block_lines, plan_line, total_of
from domain.state import Account, AddonItem, PlanItem


class Renewed(msgspec.Struct, frozen=True, gc=False):
    """A renewal with its lines: one, or for blocks one a price step."""

    renewal: Renewal
    lines: tuple[Line, ...]


def next_cycle(anchor: CivilDate | None, item_cycle: Cycle, zone: str) -> Cycle:
    """The cycle after an item's own (R23): to the account's next boundary, a stub unless it starts on one;
    without an account anchor a full cycle on the item's own (R4)."""
    return cycle_from(anchor or item_cycle.anchor, item_cycle.end, zone)


def renew_plan(anchor: CivilDate | None, item: PlanItem, prices: PriceList, zone: str) -> Renewed:
    """The plan's next cycle, as itself or as what its downgrade makes of it (R29). One no longer sold
    keeps its price (R8)."""
    assert item.cycle is not None
    target = item.downgrade
    product, tier = (item.product, item.tier) if target is None else (target.product, target.tier)
    price = prices.plan(product, tier)
    if price is None:
        price = item.price
    cycle = next_cycle(anchor, item.cycle, zone)
    replaces = item.product if product != item.product else None
    renewal = Renewal(product, item.family, tier, price, cycle, replaces)
    return Renewed(renewal, (plan_line(product, tier, price, cycle),))


def renew_addon(anchor: CivilDate | None, item: AddonItem, prices: PriceList, zone: str) -> Renewed:
    """The add-on's next cycle: by days (R23), or in blocks at full price, in a stub too (R20)."""
    cycle = next_cycle(anchor, item.cycle, zone)
    requires = requirement(item, prices)
    blocks = item.next_blocks
    if blocks is None:
        price = prices.add_on(item.product)
        if price is None:
            assert item.price is not None, "an add-on not sold in blocks has a price"
            price = item.price
        renewal = Renewal(item.product, None, None, price, cycle, requires=requires)
        return Renewed(renewal, (addon_line(item.product, price, cycle),))
    add_on = prices.catalog.add_ons.get(item.product)
    steps = (None if add_on is None else prices.blocks(add_on)) or item.block_prices
    renewal = Renewal(
        item.product, None, None, None, cycle, requires=requires, blocks=blocks, block_prices=steps
    )
    return Renewed(renewal, block_lines(item.product, blocks, steps, cycle.start, cycle.end))


def requirement(item: AddonItem, prices: PriceList) -> tuple[str, ...]:
    """The plans of which the add-on needs one: as the catalogue in force says, else as held."""
    add_on = prices.catalog.add_ons.get(item.product)
    return item.requires if add_on is None else add_on.requires


def plans_held_after(plans: dict[str, PlanItem], day: CivilDate) -> set[str]:
    """The plans, active or paused, that are held once the date's plan ends and downgrades have happened,
    as things stand (R28, R30)."""
    held = set()
    for item in plans.values():
        due = item.cycle is not None and item.cycle.end <= day
        if due and item.cancelled:
            continue
        held.add(item.downgrade.product if due and item.downgrade is not None else item.product)
    return held


def loses_prerequisite(item: AddonItem, requires: tuple[str, ...], plans: dict[str, PlanItem]) -> bool:
    """No plan will meet the add-on's prerequisite when its cycle ends, as things stand (R28)."""
    return bool(requires) and plans_held_after(plans, item.cycle.end).isdisjoint(requires)


def addons_ending(state: Account) -> dict[str, Ending]:
    """The add-ons that will end for want of their prerequisite, not by a removal of their own (R28, R44)."""
    return {
        product: Ending(product, item.cycle.end)
        for product, item in state.addons.items()
        if not item.removed and loses_prerequisite(item, item.requires, state.plans)
    }


def will_renew(item: PlanItem) -> bool:
    """A monthly plan that is running, paid and will be renewed, as itself or downgraded to a monthly plan."""
    to_free = item.downgrade is not None and item.downgrade.to_free
    return item.active_monthly and not item.cancelled and not to_free and item.unpaid_since is None


def _anchor_on(state: Account, day: CivilDate) -> CivilDate | None:
    """The account anchor as the add-ons of the date meet it, as things stand: without the plans that have
    ended by then (R3, R30)."""
    gone = [
        plan.product
        for plan in state.plans.values()
        if plan.cycle is not None and plan.cycle.end <= day and not will_renew(plan)
    ]
    return state.anchor_without(gone) if gone else state.anchor


def upcoming(state: Account, catalogues: Catalogues) -> tuple[Upcoming, ...]:
    """The next renewal of each item that goes on, as things stand, by date (R32)."""
    charges = []
    for item in state.plans.values():
        if will_renew(item):
            assert item.cycle is not None
            prices = PriceList.of(state, catalogues.at(item.cycle.ends_at))
            charges.append((item.cycle.end, renew_plan(state.anchor, item, prices, state.time_zone)))
    for addon in state.addons.values():
        prices = PriceList.of(state, catalogues.at(addon.cycle.ends_at))
        ends = addon.removed or loses_prerequisite(addon, requirement(addon, prices), state.plans)
        if not ends and addon.unpaid_since is None:
            anchor = _anchor_on(state, addon.cycle.end)
            charges.append((addon.cycle.end, renew_addon(anchor, addon, prices, state.time_zone)))
    charges.sort(key=lambda charge: charge[0])
    return tuple(Upcoming(r.renewal.product, day, total_of(r.lines, state.currency)) for day, r in charges)
