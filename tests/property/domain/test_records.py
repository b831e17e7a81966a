"""What random histories leave in the log refers to who caused it, and follows a rule."""

from __future__ import annotations

from functools import reduce
from random import Random

import pytest

from domain import events as e
from domain.answers import answer_of
from domain.decide import command_ref
from domain.explain import rule_of_event
from domain.invoices import invoice_changes
from prorata.simulation.expected import Expectation
from prorata.simulation.run import InvoiceEntry
from prorata.simulation.scenario import PaymentMethodStep
from scripts.rules_table import RULES, cited
from tests.reference.stories import story
from tests.support.domain.playing import opened, request_of, scenario_of, take

every_history = pytest.mark.parametrize("first", range(0, 60, 5))


@every_history
def test_the_events_of_a_command_refer_to_it_and_what_falls_due_by_itself_to_nobody(first: int) -> None:
    for seed in range(first, first + 5):
        scenario = scenario_of(story(Random(seed)))
        account = opened(scenario)
        for step in scenario.steps:
            if isinstance(step.do, PaymentMethodStep | Expectation):
                take(account, step, scenario.currency)
                continue
            before = len(account.history)
            take(account, step, scenario.currency)
            plans = account.account.plans.values()
            assert all((plan.resume_on is None) == (plan.resume_at is None) for plan in plans)
            recorded = account.history[before:]
            own = [event for event in recorded if event.command is not None]
            assert recorded[len(recorded) - len(own) :] == own
            assert {event.at for event in own} <= {step.at}
            given = request_of(step, scenario.currency)
            assert all(event.command == command_ref(given) for event in own)
            if own:
                assert answer_of(given.command, own, account.account, account.catalogues).events


Invoices = dict[int, InvoiceEntry]


def with_event(invoices: Invoices, event: e.Event) -> Invoices:
    """The invoices after the event."""
    issued, statuses = invoice_changes(event)
    for number, now in statuses:
        known = issued if issued is not None and issued.number == number else invoices[number].invoice
        invoices = {**invoices, number: InvoiceEntry(known, now)}
    return invoices


@every_history
def test_every_event_follows_a_rule_and_the_invoices_are_a_fold_of_them_all(first: int) -> None:
    for seed in range(first, first + 5):
        scenario = scenario_of(story(Random(seed)))
        account = opened(scenario)
        for step in scenario.steps:
            take(account, step, scenario.currency)
        account.settle(scenario.until)
        assert reduce(with_event, account.history, Invoices()) == account.invoices
        for event in account.history:
            assert cited(rule_of_event(event)) <= set(RULES)
            assert cited(rule_of_event(event))
