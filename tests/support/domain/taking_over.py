"""An account that was opened here, described as another system would, and taken over from that: what comes
of both in a year."""

from __future__ import annotations

import copy
from datetime import timedelta
from random import Random
from typing import Any

import msgspec
from msgspec.structs import replace

from domain.calendar import CivilDate, Instant, date_of, days_after, local_text
from domain.happened import Chronicle
from domain.import_rows import AccountRow, ProductRow
from domain.importing import account_imported
from domain.state import Account, AddonItem, Pack, PlanItem
from prorata.simulation.run import VirtualAccount
from prorata.simulation.scenario import Scenario, Step
from tests.reference.stories import story
from tests.support.domain.playing import fork, opened, scenario_of, take

YEAR = timedelta(days=366)


class Compared(msgspec.Struct, frozen=True):
    """The account opened here and the one taken over: what was billed from the import on, and what is held a
    year later, as they differ; None: alike. `invoices`: how many were issued since."""

    difference: str | None
    invoices: int


def compared(seed: int) -> Compared | None:
    """A random account, taken over in the middle of its story. None: at no moment could a row describe it."""
    random = Random(seed)
    scenario = scenario_of(story(random, 40))
    candidates = _describable(scenario)
    if not candidates:
        return None
    nth, here = random.choice(candidates)
    at = scenario.steps[nth].at
    elsewhere = taken_over(here, at)
    before, known = len(here.account.invoices), set(here.answers)
    for step in scenario.steps[nth:]:
        if step.given.id in known:
            continue  # its key is known to the account that was opened here alone
        recorded, there = (_given_to(account, step, scenario.currency) for account in (here, elsewhere))
        if recorded != there:
            return Compared(f"{step.place}: {recorded} here, and {there}", 0)
    for account in (here, elsewhere):
        account.settle(max(scenario.until, at + YEAR))
    difference = None
    for of_here, of_elsewhere in (
        (billed(here)[before:], billed(elsewhere)),
        (held(here), held(elsewhere)),
    ):
        if of_here != of_elsewhere:
            difference = f"{of_here}\nhere, and taken over\n{of_elsewhere}"
    return Compared(difference, len(elsewhere.account.invoices))


def _describable(scenario: Scenario) -> list[tuple[int, VirtualAccount]]:
    """Before which steps a row could describe the account, and the account then."""
    found, account = [], opened(scenario)
    for nth, step in enumerate(scenario.steps):
        account.settle(step.at)
        if account.account.items and can_be_described(account.account, step.at):
            kept = fork(account)
            kept.method = account.method
            found.append((nth, kept))
        take(account, step, scenario.currency)
    return found


def can_be_described(state: Account, at: Instant) -> bool:
    """Whether a row says all of it: nothing is owed, disputed or waits, no discount or tax profile holds, and
    nothing counts that a row does not say (declined attempts of the last day, prices of its own)."""
    standing = state.standing
    declined_lately = [when for when in state.declines if days_after(when.date(), 2) > at.date()]
    return not (
        state.closed
        or state.payment
        or state.open_invoices
        or standing.refunds
        or standing.discounts
        or standing.tax_profile
        or standing.method_refused
        or standing.disputed_at
        or standing.corrected_by_support
        or declined_lately
        or state.price_overrides
        or any(pack.unpaid_since for pack in state.packs)
    )


def described(account_id: str, state: Account, at: Instant) -> AccountRow:
    """The account as a row of another system's export."""
    items, today = sorted(state.items, key=lambda item: item.bought), date_of(at, state.time_zone)
    return AccountRow(
        account_id,
        state.currency,
        state.time_zone,
        products=(*[_item(item, state.time_zone, today) for item in items], *map(_pack, state.packs)),
        anchor=state.anchor,
        pauses=dict(state.pauses),
        free_used=state.free_used,
        account_credit=f"{state.standing.credit:f}" if state.standing.credit else None,
    )


def taken_over(account: VirtualAccount, at: Instant) -> VirtualAccount:
    """The account as if it had been billed elsewhere until the instant: its history begins there."""
    imported = account_imported(described("a", account.account, at), at, "test", account.catalogues)
    assert not isinstance(imported, tuple), imported
    other = copy.copy(account)
    other.state, other.history, other.answers = None, [], {}
    other.chronicle = Chronicle(account.account.time_zone)
    other.record((imported,))
    return other


def _item(item: PlanItem | AddonItem, zone: str, today: CivilDate) -> ProductRow:
    cycle = item.cycle
    if cycle is None:
        assert isinstance(item, PlanItem)
        return ProductRow(item.product, item.family, item.tier)
    row = ProductRow(
        item.product,
        price=None if item.price is None else f"{item.price:f}",
        anchor=cycle.anchor,
        paid_from=cycle.start,
        paid_until=cycle.end,
    )
    if isinstance(item, AddonItem):
        return replace(
            row,
            ends=item.removed,
            blocks=item.blocks,
            next_blocks=item.next_blocks,
            topped_up=item.topped_up,
        )
    becomes, resume_on = item.downgrade, item.resume_on or item.resume_set_aside
    return replace(
        row,
        family=item.family,
        tier=item.tier,
        ends=item.cancelled,
        becomes=None if becomes is None else becomes.product,
        becomes_tier=None if becomes is None else becomes.tier,
        paused_at=None if item.paused_at is None else local_text(item.paused_at, zone),
        resume_on=resume_on if resume_on is not None and resume_on > today else None,
    )


def _pack(pack: Pack) -> ProductRow:
    return ProductRow(pack.product, credits=pack.credits, expires_on=pack.expires_on, paid="1")


# ---- what came of both


def _given_to(account: VirtualAccount, step: Step, currency: str) -> list[str]:
    """Take the step; what it recorded."""
    before = len(account.history)
    take(account, step, currency)
    return [type(event).__name__ for event in account.history[before:]]


def billed(account: VirtualAccount) -> list[dict[str, Any]]:
    """The invoices without their numbers, and what is due of each."""
    found = []
    for number, invoice in account.account.invoices.items():
        told = msgspec.to_builtins(invoice)
        del told["number"]
        record = account.account.record(number)
        found.append({**told, "status": record.status, "due": f"{record.due:f}"})
    return found


def held(account: VirtualAccount) -> dict[str, Any]:
    """Everything that is held, until when, and what it may become, but not what only numbers tell apart."""
    state = account.account
    return {
        "anchor": state.anchor,
        "plans": [replace(plan, bought=0, lines=(), brought=None) for _, plan in sorted(state.plans.items())],
        "addons": [replace(addon, bought=0) for addon in state.addons.values()],
        "packs": [replace(pack, invoice=0) for pack in state.packs],
        "free used": state.free_used,
        "pauses": {family: sorted(days) for family, days in state.pauses.items() if days},
        "credit": state.standing.credit,
        "closed": state.closed,
    }
