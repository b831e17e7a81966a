"""The end of free months is told seven days before the first line at a price (R87)."""

from __future__ import annotations

from domain import events as e
from domain.calendar import LATEST, NEVER, CivilDate, Instant, begins_at, days_after, full_cycle
from domain.crediting import billed_item
from domain.discounts import expiry, free_months, name_of, reaches_on
from domain.events import LineKind
from domain.renewal import loses_prerequisite, will_renew
from domain.state import Account, AddonItem, Discount, PlanItem

TOLD_BEFORE = 7
"""Days (R87)."""


def ends_of_free_months(state: Account) -> list[tuple[CivilDate, Instant]]:
    """The dates on which an end is told, and their beginnings, ascending."""
    dates: dict[CivilDate, Instant] = {}
    for _, _, priced in _ending(state):
        if priced == NEVER:
            continue
        date = days_after(priced, -TOLD_BEFORE)
        at = begins_at(date, state.time_zone)
        if at >= state.last_at:
            dates[date] = at
    return sorted(dates.items())


def free_months_ending(state: Account, day: CivilDate, at: Instant) -> tuple[e.Event, ...]:
    """What is told on the date."""
    return tuple(
        [
            e.DiscountEnds(at=at, product=item.product, on=priced)
            for _, item, priced in _ending(state)
            if days_after(priced, -TOLD_BEFORE) == day and at >= state.last_at
        ]
    )


def free_until(state: Account, product: str) -> CivilDate | None:
    """The date of the product's first line at a price; None: its present line is not free."""
    for discount in state.standing.discounts:
        if discount.withdrawn or not free_months(discount.terms):
            continue
        for item in state.items:
            if item.product == product and item.cycle is not None and _is_free(state, discount, item):
                priced = first_priced(state, item)
                return None if priced == NEVER else priced
    return None


def _ending(state: Account) -> list[tuple[Discount, PlanItem | AddonItem, CivilDate]]:
    """The discounts that make a line of the present cycle free, the items, and the first date at a price."""
    found: list[tuple[Discount, PlanItem | AddonItem, CivilDate]] = []
    free = [discount for discount in state.standing.discounts if free_months(discount.terms)]
    if not free or state.disputed:
        return found
    for discount in free:
        for item in state.items:
            if item.cycle is None or item.product in discount.told or not _goes_on(state, item):
                continue
            if _is_free(state, discount, item):
                found.append((discount, item, first_priced(state, item)))
    return found


def _goes_on(state: Account, item: PlanItem | AddonItem) -> bool:
    if isinstance(item, PlanItem):
        return will_renew(item)
    ends = item.removed or loses_prerequisite(item, item.requires, state.plans)
    return not ends and item.unpaid_since is None


def _is_free(state: Account, discount: Discount, item: PlanItem | AddonItem) -> bool:
    """The latest line of the item is one that the discount took."""
    for invoice in state.invoices.latest_first():
        for place, line in enumerate(invoice.lines):
            if line.kind != "credit_line" and billed_item(state, invoice.number, place) == item:
                return any(took.discount == name_of(discount.terms) for took in line.discounts or ())
    return False


def first_priced(state: Account, item: PlanItem | AddonItem) -> CivilDate:
    """The start of the first cycle that no discount makes free, as things stand; NEVER: there is none."""
    assert item.cycle is not None
    kind: LineKind = "plan" if isinstance(item, PlanItem) else "addon"
    whole = [d for d in state.standing.discounts if d.terms.percent == 100 and not d.used and not d.withdrawn]
    anchor, day = state.anchor or item.cycle.anchor, item.cycle.end
    while taking := next((d for d in whole if reaches_on(d.terms, item.product, kind, day)), None):
        whole.remove(taking)
        last = day if taking.terms.once else expiry(taking.terms)
        if last >= LATEST.date():
            return NEVER
        day = full_cycle(anchor, last)[1]
    return day
