"""What comes of an account if nothing else is done and every payment is made: the one look ahead of answers,
previews, shop, billing page and forecast (R32, R48, R50).

    now, happened = settled_as_paid(state, at, catalogues)
    next_charges(now, catalogues)["custom_domain"].date
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from domain import events as e
from domain.calendar import Instant
from domain.catalog import Catalogues
from domain.collection import asks_nobody, with_credit_applied
from domain.conclude import conclude
from domain.evolve import evolve_all
from domain.money import zero
from domain.settle import next_due, settle
from domain.state import Account, AddonItem, PlanItem

Item = PlanItem | AddonItem
Key = tuple[str, str]
"""Of an item for good: what a downgrade makes of a plan is the same item. A family or an add-on."""

Happened = tuple[Account, tuple[e.Event, ...]]
"""The account after some events, and the events."""


def settled_as_paid(state: Account, until: Instant, catalogues: Catalogues) -> Happened:
    """The state with everything due up to the instant settled, every charge that is made paid (R54: a method
    that is refused for good is not asked) and every invoice issued on its own date, and the events of it."""
    events: list[e.Event] = []
    if state.payment is not None:
        state, events = _paid(state, [], catalogues)
    while step := settle(state, until, catalogues, on_time=True):
        step = with_credit_applied(state, step)
        after = evolve_all(state, step)
        assert after is not None
        state = after
        events += step
        if state.payment is not None:
            state, events = _paid(state, events, catalogues)
    return state, tuple(events)


def with_method_accepted(state: Account) -> Account:
    """From where a look ahead begins: what renews will be paid, be it by another method than the one that is
    refused for good, by which nothing is tried again (R54)."""
    if not state.standing.method_refused:
        return state
    standing = msgspec.structs.replace(state.standing, method_refused=False)
    records = {n: msgspec.structs.replace(record, tries=()) for n, record in state.records.items()}
    return msgspec.structs.replace(state, standing=standing, records=records)


def next_charges(state: Account, catalogues: Catalogues) -> dict[str, e.Upcoming]:
    """By the product held, in order of purchase: the first charge to come of each item, a renewal as itself
    or as what it will become (R29), or a scheduled resume (R36). An item of which nothing will be charged has
    none."""
    found: dict[Key, e.Upcoming] = {}
    for happened in _dates_ahead(with_method_accepted(state), catalogues, found):
        for key, charge in _charges(happened, state.currency):
            found.setdefault(key, charge)
    items = sorted(state.items, key=lambda item: item.bought)
    return {item.product: found[key] for item in items if (key := _key(item)) in found}


def still_billed(state: Account, catalogues: Catalogues) -> tuple[e.Upcoming, ...]:
    """What is billed next of everything that goes on, in order of purchase; a paused plan too, where it will
    resume by itself (R32, R36)."""
    return tuple(next_charges(state, catalogues).values())


def _dates_ahead(
    state: Account, catalogues: Catalogues, found: dict[Key, e.Upcoming]
) -> Iterator[tuple[e.Event, ...]]:
    """What happens on one date after the other, until every item is found or ends without a charge.

    Once every present cycle has ended, only resumes of a later date are still to be found. What else is held
    then renews with no end as things stand: it keeps the anchor, and its renewals change nothing of them.
    """
    last = max([item.cycle.ends_at for item in state.items if item.cycle is not None], default=None)
    while (due := next_due(state)) is not None and _pending(state, found):
        if last is not None and due[1] > last:
            state = _resumes_alone(state, found)
            if (due := next_due(state)) is None:
                return
        state, events = settled_as_paid(state, due[1], catalogues)
        yield events


def _pending(state: Account, found: dict[Key, e.Upcoming]) -> bool:
    """Whether an item is held of which something may be charged, and nothing was found yet."""
    return any(_key(item) not in found and _may_be_charged(item) for item in state.items)


def _may_be_charged(item: Item) -> bool:
    if not isinstance(item, PlanItem):
        return True
    return item.cycle is not None and (item.paused_at is None or item.cancelled or item.resume_on is not None)


def _resumes_alone(state: Account, found: dict[Key, e.Upcoming]) -> Account:
    waiting = {
        family: plan
        for family, plan in state.plans.items()
        if plan.resume_on is not None and _key(plan) not in found
    }
    return msgspec.structs.replace(state, plans=waiting, addons={}, packs=())


def _charges(events: tuple[e.Event, ...], currency: str) -> Iterator[tuple[Key, e.Upcoming]]:
    """What the events charge for each item."""
    for event in events:
        if isinstance(event, e.CyclesRenewed):
            for renewal in event.renewals:
                amount = _amount(event.invoice, renewal.product, currency)
                charge = e.Upcoming(renewal.product, event.invoice.date, amount)
                yield _key_of(renewal.family, renewal.product), charge
        elif isinstance(event, e.PlanResumed) and event.invoice is not None:
            amount = _amount(event.invoice, event.product, currency)
            yield _key_of(event.family, event.product), e.Upcoming(event.product, event.invoice.date, amount)


def _amount(invoice: e.Invoice, product: str, currency: str) -> Decimal:
    return sum([line.net for line in invoice.lines if line.product == product], zero(currency))


def _key(item: Item) -> Key:
    return _key_of(item.family if isinstance(item, PlanItem) else None, item.product)


def _key_of(family: str | None, product: str) -> Key:
    return ("add-on", product) if family is None else ("family", family)


def _paid(state: Account, events: list[e.Event], catalogues: Catalogues) -> tuple[Account, list[e.Event]]:
    """The account once its payment is paid, or declined unasked (R54). What waits for the customer's consent
    comes to nothing if nothing else is done (R96)."""
    assert state.payment is not None
    if state.payment.waits_until is not None:
        concluded = conclude(state, "cancelled", catalogues)
    else:
        unasked = asks_nobody(state, state.payment, catalogues)
        concluded = conclude(state, "declined" if unasked else "paid", catalogues)
    after = evolve_all(state, concluded)
    assert after is not None
    return after, [*events, *concluded]
