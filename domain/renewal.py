"""What an item's next cycle is and costs (R23), and which add-ons lose their prerequisite (R28): asked by
settling and by looking ahead."""

from __future__ import annotations

from typing import Final

import msgspec

from domain.calendar import CivilDate, Cycle, Instant, cycle_from
from domain.catalog import Catalogues
from domain.events import CommandRef, Ending, Line, PrerequisiteChanged, Renewal
from domain.pricing import PriceList, addon_line, block_lines, plan_line
from domain.state import Account, AddonItem, PlanItem

AS_HELD: Final = Catalogues(())
"""No version of the catalogue is known: prerequisites are those recorded with what is held."""


class Renewed(msgspec.Struct, frozen=True, gc=False):
    """A renewal with its lines: one, or for blocks one a price step."""

    renewal: Renewal
    lines: tuple[Line, ...]


def next_cycle(anchor: CivilDate | None, item_cycle: Cycle, zone: str) -> Cycle:
    """The cycle after an item's own (R23): to the account's next boundary, a stub unless it starts on one;
    without an account anchor a full cycle on the item's own (R4)."""
    return cycle_from(anchor or item_cycle.anchor, item_cycle.end, zone)


def renew_plan(anchor: CivilDate | None, item: PlanItem, prices: PriceList, zone: str) -> Renewed:
    """The plan's next cycle, as itself or as what its downgrade makes of it (R29): at its own price, also
    where it is no longer sold (R8)."""
    assert item.cycle is not None
    target = item.downgrade
    product, tier = (item.product, item.tier) if target is None else (target.product, target.tier)
    price = prices.held_plan(product, tier)
    if price is None:
        if target is not None:
            raise LookupError(f"no version of the catalogue ever had a price of {product}/{tier}")
        price = item.price
    cycle = next_cycle(anchor, item.cycle, zone)
    replaces = item.product if product != item.product else None
    renewal = Renewal(product, item.family, tier, price, cycle, replaces)
    return Renewed(renewal, (plan_line(product, tier, price, cycle),))


def renew_addon(anchor: CivilDate | None, item: AddonItem, prices: PriceList, zone: str) -> Renewed:
    """The add-on's next cycle: by days (R23), or in blocks at full price, in a stub too (R20). It is
    recorded what it will need when that ends, by the versions known (R28)."""
    cycle = next_cycle(anchor, item.cycle, zone)
    requires = requirement_at(item.product, item.requires, prices.series, cycle.ends_at)
    blocks = item.next_blocks
    if blocks is None:
        price = prices.held_add_on(item.product)
        if price is None:
            assert item.price is not None, "an add-on not sold in blocks has a price"
            price = item.price
        renewal = Renewal(item.product, None, None, price, cycle, requires=requires)
        return Renewed(renewal, (addon_line(item.product, price, cycle),))
    steps = prices.held_blocks(item.product) or item.block_prices
    renewal = Renewal(
        item.product, None, None, None, cycle, requires=requires, blocks=blocks, block_prices=steps
    )
    return Renewed(renewal, block_lines(item.product, blocks, steps, cycle.start, cycle.end))


def requirement(item: AddonItem, prices: PriceList) -> tuple[str, ...]:
    """The plans of which the add-on needs one, by the catalogue in force (R28)."""
    add_on = prices.catalog.add_ons.get(item.product)
    if add_on is not None:
        return add_on.requires
    return requirement_at(item.product, item.requires, prices.series, prices.at)


def requirement_at(
    product: str, held: tuple[str, ...], catalogues: Catalogues, at: Instant
) -> tuple[str, ...]:
    """As the catalogue in force at the instant asks; what is no longer sold asks what it last did, and what
    no version knows what is `held`."""
    add_on = catalogues.at(at).add_ons.get(product) or catalogues.ever_sold(at).add_ons.get(product)
    return held if add_on is None else add_on.requires


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


def addons_ending(state: Account, catalogues: Catalogues = AS_HELD) -> dict[str, Ending]:
    """The add-ons that will end for want of their prerequisite, not by a removal of their own (R28, R44): by
    what the catalogue known now asks on the date."""
    return {
        product: Ending(product, item.cycle.end)
        for product, item in state.addons.items()
        if not item.removed and will_lose_prerequisite(state, item, catalogues)
    }


def will_lose_prerequisite(state: Account, item: AddonItem, catalogues: Catalogues) -> bool:
    """Whether no plan will meet the add-on's prerequisite when its cycle ends, as things stand (R28)."""
    return loses_prerequisite(item, known_requirement(item, catalogues), state.plans)


def prerequisite_changes(
    state: Account, catalogues: Catalogues, at: Instant, command: CommandRef | None = None
) -> tuple[PrerequisiteChanged, ...]:
    """For the log, from which the read models and state topics are made: what each add-on will need by the
    versions known, where that is not what was known when it was bought or renewed (R44)."""
    return tuple(
        [
            PrerequisiteChanged(at=at, command=command, product=product, requires=requires)
            for product, item in state.addons.items()
            if (requires := known_requirement(item, catalogues)) != item.requires
        ]
    )


def known_requirement(item: AddonItem, catalogues: Catalogues) -> tuple[str, ...]:
    """The plans of which the add-on needs one when its cycle ends, by the versions known (R28)."""
    if not catalogues.versions:
        return item.requires
    return requirement_at(item.product, item.requires, catalogues, item.cycle.ends_at)


def will_renew(item: PlanItem) -> bool:
    """A monthly plan that is running, paid and will be renewed, as itself or downgraded to a monthly plan."""
    to_free = item.downgrade is not None and item.downgrade.to_free
    return item.active_monthly and not item.cancelled and not to_free and item.unpaid_since is None
