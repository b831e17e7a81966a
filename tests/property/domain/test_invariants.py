"""The invariants of RULES.md 12, on random histories."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from domain import events as e
from domain.answers import Answer
from domain.calendar import CivilDate
from domain.catalog import Catalog
from domain.commands import PausePlan
from domain.decide import admit, decide
from domain.evolve import evolve_all
from domain.money import MINOR_DIGITS
from domain.process import preview
from domain.settle import next_due, settle
from domain.state import Account, AddonItem
from prorata.simulation.expected import Expectation
from prorata.simulation.run import VirtualAccount
from prorata.simulation.scenario import PaymentAnswerStep, PaymentMethodStep, Step
from prorata.simulation.shown import shown
from tests.reference.amounts import half_up
from tests.reference.stories import told_from_seeds, told_with_everything
from tests.support.domain.histories import histories
from tests.support.domain.playing import (
    fork,
    invoice_in,
    meaning,
    opened,
    played,
    request_of,
    scenario_of,
    take,
)

# ---- 1: no day twice -----------------------------------------------------


@histories
@given(told_from_seeds())
def test_no_day_of_a_plan_family_or_addon_is_charged_twice(story: dict[str, Any]) -> None:
    account = played(story)
    catalog = scenario_of(story).catalog
    covered: Counter[tuple[str, CivilDate]] = Counter()
    for entry in account.invoices.values():
        for line in entry.invoice.lines:
            if line.days is not None:
                sign = -1 if line.kind == "credit_line" else 1
                billed = _billed_as(line, catalog)
                for number in range(line.days):
                    covered[billed, line.from_date + timedelta(days=number)] += sign
    assert set(covered.values()) <= {0, 1}


def _billed_as(line: e.Line, catalog: Catalog) -> str:
    plan = catalog.plans.get(line.product)
    return line.product if plan is None else f"family {plan.family}"


# ---- 2: when billing runs ------------------------------------------------


@histories
@given(told_with_everything(), st.integers(0, 2**32))
def test_the_result_does_not_depend_on_when_billing_runs(story: dict[str, Any], seed: int) -> None:
    lazily = played(story)
    eagerly = _played_with_billing_runs(story, Random(seed))
    catalog = scenario_of(story).catalog
    assert meaning(eagerly.history) == meaning(lazily.history)
    assert shown(eagerly.account, eagerly.chronicle, catalog) == shown(
        lazily.account, lazily.chronicle, catalog
    )


def _played_with_billing_runs(story: dict[str, Any], random: Random) -> VirtualAccount:
    scenario = scenario_of(story)
    account = opened(scenario)
    now = account.account.last_at
    for step in scenario.steps:
        for part in sorted(random.random() for _ in range(random.randint(0, 6))):
            account.settle(now + timedelta(seconds=int((step.at - now).total_seconds() * part)))
        now = step.at
        take(account, step, scenario.currency)
    while now < scenario.until:
        now = min(scenario.until, now + timedelta(seconds=random.randint(1, 4_000_000)))
        account.settle(now)
    account.settle(scenario.until)  # a last step at that moment may be refused before settling
    return account


# ---- 3: preview ----------------------------------------------------------


@histories
@given(told_with_everything())
def test_a_preview_is_what_happens_when_everything_is_paid_and_changes_nothing(story: dict[str, Any]) -> None:
    def look(account: VirtualAccount, step: Step) -> None:
        if isinstance(step.do, PaymentMethodStep | PaymentAnswerStep | Expectation):
            return
        request = request_of(step, account.account.currency)
        before = msgspec.json.encode(account.account)
        promised = preview(account.account, request, account.catalogues)
        assert msgspec.json.encode(account.account) == before
        paying = fork(account)
        issued = len(paying.history)
        answer = paying.give(request)
        if not isinstance(promised, Answer):
            return
        assert promised == answer
        own = [event for event in paying.history[issued:] if event.command is not None]
        charged = [invoice for event in own if (invoice := invoice_in(event)) is not None]
        if answer.code is None and answer.lines:
            assert charged[-1].lines == promised.lines
            assert charged[-1].charge == promised.charged

    played(story, look)


# ---- 4: a pause does not touch add-ons -----------------------------------


@histories
@given(told_with_everything(), st.integers(1, 200))
def test_a_pause_changes_nothing_of_an_addon(story: dict[str, Any], days: int) -> None:
    def look(account: VirtualAccount, step: Step) -> None:
        if not isinstance(step.do, PausePlan) or step.given.expected_total is not UNSET:
            return
        going_on, pausing = fork(account), fork(account)
        going_on.settle(step.at)
        answer = pausing.give(request_of(step, account.account.currency))
        if answer.outcome != "accepted" or "plan_paused" not in answer.events:
            return
        for product, addon in going_on.account.addons.items():
            until = _compared_until(going_on.account, pausing.account, addon, step, days)
            paused, unpaused = fork(pausing), fork(going_on)
            paused.settle(until)
            unpaused.settle(until)
            assert _of_addon(paused, product) == _of_addon(unpaused, product)

    played(story, look)


def _compared_until(going_on: Account, pausing: Account, addon: AddonItem, step: Step, days: int) -> Any:
    """An aligned add-on is the same until a plan resumes; one not yet aligned for its present cycle."""
    resumes = [plan.resume_at for plan in pausing.plans.values() if plan.resume_at is not None]
    moments = [step.at + timedelta(days=days), *[at - timedelta(seconds=1) for at in resumes]]
    if addon.cycle.anchor != going_on.anchor:
        moments.append(addon.cycle.ends_at - timedelta(seconds=1))
    return max(step.at, min(moments))


def _of_addon(account: VirtualAccount, product: str) -> Any:
    lines = [
        (entry.invoice.date, line)
        for entry in account.invoices.values()
        for line in entry.invoice.lines
        if line.product == product
    ]
    state = account.account
    return lines, state.addons.get(product), state.windows.get(product), state.ended.get(product)


# ---- 5: snapshots --------------------------------------------------------


@histories
@given(told_with_everything(), st.integers(0, 10_000))
def test_a_snapshot_with_the_later_events_is_the_state_of_all_events(story: dict[str, Any], cut: int) -> None:
    account = played(story)
    number = 1 + cut % len(account.history)
    until_then = evolve_all(None, account.history[:number])
    for snapshot in (
        msgspec.json.decode(msgspec.json.encode(until_then), type=Account),
        msgspec.msgpack.decode(msgspec.msgpack.encode(until_then), type=Account),
    ):
        assert snapshot == until_then
        after = evolve_all(snapshot, account.history[number:])
        assert msgspec.json.encode(after) == msgspec.json.encode(account.account)
    assert evolve_all(None, account.history) == account.account


@histories
@given(told_with_everything())
def test_events_read_back_from_their_bytes_make_the_same_state(story: dict[str, Any]) -> None:
    account = played(story)
    stored = [msgspec.json.encode(event) for event in account.history]
    read = [msgspec.json.decode(event, type=e.Event) for event in stored]
    assert read == account.history
    assert msgspec.json.encode(evolve_all(None, read)) == msgspec.json.encode(account.account)


# ---- 6: sums -------------------------------------------------------------


@histories
@given(told_from_seeds())
def test_invoices_and_charges_have_the_same_sum_in_whole_minor_units(story: dict[str, Any]) -> None:
    account = played(story)
    invoices = [entry.invoice for entry in account.invoices.values()]
    charged = [invoice for event in account.history if (invoice := invoice_in(event)) is not None]
    assert charged == invoices
    assert [invoice.number for invoice in invoices] == list(range(1, len(invoices) + 1))
    digits = MINOR_DIGITS[account.account.currency]
    for invoice in invoices:
        assert invoice.total == sum(line.amount for line in invoice.lines)
        for line in invoice.lines:
            assert line.amount == _by_the_formula(line, digits)
            for amount in (line.amount, line.unit_price, invoice.total):
                assert amount.as_tuple().exponent == -digits
                assert not (amount.is_zero() and amount.is_signed())


def _by_the_formula(line: e.Line, digits: int) -> Decimal:
    """R47, in fractions of minor units."""
    units = Fraction(line.unit_price) * 10**digits * (line.quantity or 1)
    if line.days is not None and line.of_days is not None:
        units = units * line.days / line.of_days
    signed = -half_up(units) if line.kind == "credit_line" else half_up(units)
    return Decimal(signed).scaleb(-digits)


@histories
@given(told_from_seeds())
def test_what_was_paid_is_what_the_paid_invoices_say(story: dict[str, Any]) -> None:
    account = played(story)
    paid = Decimal(0)
    for event, following in zip(account.history, account.history[1:], strict=False):
        declined = isinstance(following, e.PaymentDeclined | e.ResumeDropped | e.ItemsLapsed)
        if isinstance(event, e.PaymentStarted) and not declined:
            paid += event.amount
        if isinstance(event, e.CyclesRenewed) and isinstance(following, e.InvoicePaid):
            paid += following.amount
    assert paid == sum(entry.invoice.total for entry in account.invoices.values() if entry.status == "paid")


# ---- 7: purity -----------------------------------------------------------


@histories
@given(told_with_everything())
def test_deciding_and_settling_twice_is_the_same_and_changes_no_input(story: dict[str, Any]) -> None:
    def look(account: VirtualAccount, step: Step) -> None:
        state = account.account
        if state.payment is not None:
            return
        before = msgspec.json.encode(state)
        assert settle(state, step.at, account.catalogues) == settle(state, step.at, account.catalogues)
        assert msgspec.json.encode(state) == before
        if isinstance(step.do, PaymentMethodStep | PaymentAnswerStep | Expectation):
            return
        settled = fork(account)
        settled.settle(step.at)
        state, request = settled.account, request_of(step, account.account.currency)
        before = msgspec.json.encode(state)
        assert next_due(state) == next_due(state)
        assert admit(state, request) == admit(state, request)
        if admit(state, request) is None:
            decided = decide(state, request, account.catalogues)
            assert decided == decide(state, request, account.catalogues)
        assert msgspec.json.encode(state) == before

    played(story, look)
