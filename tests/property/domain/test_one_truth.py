"""Invariant 13: what an answer, a page, a preview or a forecast says of access, dates and amounts is what the
account shows at that instant, and what then happens if nothing else is done and every payment is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from random import Random

import msgspec

from domain import commands as c
from domain import events as e
from domain.billing_page import billing_page
from domain.calendar import CivilDate, Instant, begins_at, local_text, parse_moment
from domain.coming import next_charges
from domain.forecast import ends_with, forecast
from domain.process import preview
from domain.shop import shop
from domain.state import Account
from domain.views import account_summary, entitlement, entitlements, renewal_date
from prorata.simulation.run import VirtualAccount
from tests.reference.switches import NAMES, OFF, drawn
from tests.support.domain.playing import fork
from tests.support.domain.saying import Said, told

LATER = timedelta(days=430)
SECOND = tuple(name for name in NAMES if name != "versions")
SEEDS = range(180)


def said_in(seeds: range = SEEDS) -> Iterator[Said]:
    """Of histories of the first part, and of as many in which something of the second is on."""
    for seed in seeds:
        random = Random(seed)
        yield from told(random, drawn(random, SECOND) if seed % 2 else OFF)


def foreseeable(state: Account) -> bool:
    """Nothing is unpaid or disputed: that an unpaid plan may lapse is not foreseen (R44). The saved method is
    asked (R54)."""
    settled = not (state.open_invoices or state.disputed or state.closed)
    return settled and state.payment is None and not state.standing.method_refused


# ---- with what is shown at the instant -----------------------------------


def test_an_answer_says_the_access_and_renewal_date_that_entitlements_and_lists_show() -> None:
    meant = 0
    for said in said_in():
        state, known, facts = said.account.account, said.account.catalogues, said.answer.facts
        product = facts.get("product")
        shown = None if product is None else entitlements(state, known)[product]
        until = None if shown is None or shown.access_until is None else shown.access_until
        assert facts["access_until"] == (None if until is None else local_text(until, state.time_zone))
        assert facts.get("status") == (None if shown is None else shown.status)
        assert (None if said.answer.renews_on is None else said.answer.renews_on.isoformat()) == facts[
            "renews_on"
        ]
        if shown is not None:
            downgraded = any(p.product == product and p.downgrade is not None for p in state.plans.values())
            assert (facts["renews_on"] is not None) == shown.renews or downgraded
            meant += 1
    assert meant > 20


def test_what_is_folded_from_the_log_alone_shows_the_same_as_what_knows_the_catalogue() -> None:
    """Read models and state topics know no catalogue; what a version changes for an add-on is an event."""
    for said in said_in():
        state, known = said.account.account, said.account.catalogues
        assert entitlements(state) == entitlements(state, known)
        assert account_summary(state) == account_summary(state, known)


def test_an_answer_is_what_its_preview_said_and_ends_what_the_preview_showed() -> None:
    compared = 0
    for said in said_in():
        promised = preview(said.before.account, said.request, said.before.catalogues)
        assert promised == fork(said.before).give(said.request)
        compared += 1
    assert compared > 300


def test_billing_page_shop_and_forecast_show_what_entitlements_show() -> None:
    looked = 0
    for said in said_in():
        if said.account.account.closed:
            continue
        state, known, at = said.account.account, said.account.catalogues, said.request.at
        shown, page, coming = (
            entitlements(state, known),
            billing_page(state, at, known),
            forecast(state, at, known),
        )
        assert page.standing == account_summary(state, known)
        charges = next_charges(state, known)
        assert coming.next_charges == tuple(charges.values())
        for item in page.items:
            held = shown[item.product]
            assert (item.status, item.access_until, item.allowance) == (
                held.status,
                held.access_until,
                held.allowance,
            )
            assert item.next_charge == charges.get(item.product)
            looked += 1
        for offer in _offers(state, at, said.account):
            status, product = offer
            assert status in (None, shown[product].status if product in shown else None)
    assert looked > 100


def _offers(state: Account, at: Instant, account: VirtualAccount) -> Iterator[tuple[str | None, str]]:
    found = shop(state, at, account.catalogues)
    for one in (*found.add_ons, *found.credits, *[plan for shelf in found.plans for plan in shelf.plans]):
        if one.status is not None and one.today.code is not None:
            assert one.today.renews_on == renewal_date(state, one.product, account.catalogues)
        yield one.status, one.product


def test_the_confirmation_of_a_removal_says_what_its_answer_then_says() -> None:
    asked = 0
    for said in said_in():
        state, known, at = said.account.account, said.account.catalogues, said.request.at
        if state.closed:
            continue
        for item in billing_page(state, at, known).items:
            if item.removal is None:
                continue
            command: c.Command = c.RemoveAddon(item.product)
            if item.allowance is not None:
                command = c.StopTransactional()
            then = fork(said.account)
            answer = then.give(c.Request(command, at, "test"))
            assert answer.facts["access_until"] == item.removal.access_until
            ended = entitlement(then.account, item.product, known)
            assert ended is not None
            assert ended.access_until is not None
            assert local_text(ended.access_until, state.time_zone) == item.removal.access_until
            asked += 1
    assert asked > 10


# ---- with what then happens ----------------------------------------------


def test_what_is_active_can_be_used_past_its_renewal_and_what_is_ending_ends_then() -> None:
    found: Counter[str] = Counter()
    for said in said_in():
        state = said.account.account
        if not foreseeable(state):
            continue
        for product, shown in entitlements(state, said.account.catalogues).items():
            if shown.access_until is None or shown.access_until <= said.request.at:
                continue
            then = _settled(said.account, shown.access_until)
            now = entitlement(then.account, product, then.catalogues)
            assert now is not None
            usable = now.access_until is None or now.access_until > shown.access_until
            assert usable == shown.renews, (product, shown, now)
            if not shown.renews and now.status == "ended":
                assert now.access_until == shown.access_until
            found[shown.status] += 1
    assert found["active"] > 20
    assert found["ending"] > 3


def test_the_next_charges_are_the_first_that_then_come_and_nothing_else_is_charged() -> None:
    compared = 0
    for said in said_in():
        state, known = said.account.account, said.account.catalogues
        if state.closed:
            continue
        charges = next_charges(state, known)
        happened = _first_charges(said.account, state)
        soon = {
            p: u for p, u in charges.items() if begins_at(u.date, state.time_zone) <= said.request.at + LATER
        }
        assert {p: (u.product, u.date, u.amount) for p, u in soon.items()} == happened, said.request
        compared += len(charges)
        if not foreseeable(state):
            continue
        for item in state.items:
            day = renewal_date(state, item.product, known)
            charge = charges.get(item.product)
            resumes = getattr(item, "resume_on", None) is not None
            assert (day is None and (charge is None or resumes)) or (
                charge is not None and charge.date == day
            )
    assert compared > 50


def test_the_lists_of_an_answer_are_what_then_happens() -> None:
    listed: Counter[str] = Counter()
    for said in said_in():
        state, facts = said.account.account, said.answer.facts
        if not foreseeable(state):
            continue
        later = _settled(said.account, said.request.at + LATER)
        events = later.history[len(said.account.history) :]
        zone = state.time_zone
        ends = {
            (event.product, begins_at(addon.cycle.end, zone))
            for event in events
            if isinstance(event, e.AddonEnded)
            and event.reason == "prerequisite_ended"
            and (addon := state.addons.get(event.product)) is not None
            and event.at == addon.cycle.ends_at
        }
        for ending in facts["ending"]:
            assert (ending["product"], parse_moment(ending["on"], zone)) in ends
        billed = next_charges(state, said.account.catalogues)
        if facts["still_billed"]:
            assert [(one["product"], one["on"], Decimal(one["amount"])) for one in facts["still_billed"]] == [
                (u.product, u.date.isoformat(), u.amount) for u in billed.values()
            ]
        resumed = {event.product for event in events if isinstance(event, e.PlanResumed)}
        assert resumed.isdisjoint(facts["stay_paused"])
        listed.update({name: len(facts[name]) for name in ("ending", "still_billed", "stay_paused")})
    assert listed["ending"] > 10
    assert listed["still_billed"] > 10
    assert listed["stay_paused"] > 1


def test_what_a_preview_shows_to_end_with_a_command_ends_or_is_ending_after_it() -> None:
    shown = 0
    for said in said_in():
        known = said.account.catalogues
        before = _settled(said.before, said.request.at)
        for ends in ends_with(before.account, said.account.account, known):
            assert entitlements(said.account.account, known)[ends.product] == ends
            assert ends.status in ("ending", "ended")
            shown += 1
    assert shown > 20


def _settled(account: VirtualAccount, until: Instant) -> VirtualAccount:
    """The account then, if nothing else is done and every payment that is asked for is made."""
    then = fork(account)
    then.settle(until)
    return then


def _with_another_method(account: VirtualAccount) -> VirtualAccount:
    """The account as if what renews were paid by a method that is accepted; one that was refused for good is
    not tried again (R54)."""
    if not account.account.standing.method_refused:
        return account
    asked = fork(account)
    state = asked.account
    asked.state = msgspec.structs.replace(
        state,
        standing=msgspec.structs.replace(state.standing, method_refused=False),
        records={n: msgspec.structs.replace(r, tries=()) for n, r in state.records.items()},
    )
    return asked


def _first_charges(account: VirtualAccount, state: Account) -> dict[str, tuple[str, CivilDate, Decimal]]:
    """By the product held now: what is charged for it first, whatever it has become then."""
    then = _settled(_with_another_method(account), state.last_at + LATER)
    found: dict[str, tuple[str, CivilDate, Decimal]] = {}
    families = {family: plan.product for family, plan in state.plans.items()}
    for event in then.history[len(account.history) :]:
        invoice = getattr(event, "invoice", None)
        if not isinstance(event, e.CyclesRenewed | e.PlanResumed) or invoice is None:
            continue
        renewed = event.renewals if isinstance(event, e.CyclesRenewed) else (event,)
        for one in renewed:
            family = getattr(one, "family", None)
            product = one.product if family is None else families[family]
            amount = sum((line.net for line in invoice.lines if line.product == one.product), Decimal(0))
            found.setdefault(product, (one.product, invoice.date, amount))
    return found
