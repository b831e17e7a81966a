"""Play random stories through the domain, with a look at the account before each step."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET

from domain import events as e
from domain.catalog import Catalogues
from domain.commands import Request
from domain.money import parse_amount
from prorata.simulation.expected import Expectation
from prorata.simulation.run import Method, VirtualAccount, role_of
from prorata.simulation.scenario import PaymentAnswerStep, PaymentMethodStep, Scenario, Step, parse_scenario

Look = Callable[[VirtualAccount, Step], None]


def scenario_of(story: dict[str, Any]) -> Scenario:
    """The story as the simulation reads it."""
    return parse_scenario(msgspec.json.encode(story), Path(), {})


def opened(scenario: Scenario) -> VirtualAccount:
    """The account before its first step."""
    begin = scenario.steps[0].at if scenario.steps else scenario.until
    catalogues = msgspec.structs.replace(
        Catalogues.always(scenario.catalog), taxes=scenario.taxes, codes=scenario.codes
    )
    return VirtualAccount(scenario.currency, scenario.time_zone, catalogues, begin)


def played(story: dict[str, Any], before: Look | None = None) -> VirtualAccount:
    """Play the story; return the account. `before` is called with it before each step, at that step's
    instant."""
    scenario = scenario_of(story)
    account = opened(scenario)
    for step in scenario.steps:
        if before is not None:
            before(account, step)
        take(account, step, scenario.currency)
    account.settle(scenario.until)
    return account


def take(account: VirtualAccount, step: Step, currency: str) -> None:
    """Take the step as the simulation does."""
    if isinstance(step.do, PaymentMethodStep):
        account.settle(step.at)
        account.method = Method(step.do.works, step.do.final, step.do.pending)
    elif isinstance(step.do, PaymentAnswerStep):
        account.payment_answered(step.do, step.at)
    elif not isinstance(step.do, Expectation):
        given = step.given
        account.give(
            request_of(step, currency),
            own_payment=None if given.payment is UNSET else given.payment,
            refund="refunded" if given.refund is UNSET else given.refund,
            new_method=Method(given.works is not False, given.final is True),
        )


def request_of(step: Step, currency: str) -> Request:
    """The step's command as a request."""
    assert not isinstance(step.do, PaymentMethodStep | PaymentAnswerStep | Expectation)
    given = step.given
    total = None if given.expected_total is UNSET else parse_amount(given.expected_total, currency)
    key = None if given.id is UNSET else given.id
    return Request(
        step.do,
        step.at,
        "test",
        role_of(given.by, step.do),
        key,
        given.confirm.cvv,
        given.confirm.billing,
        total,
    )


def fork(account: VirtualAccount) -> VirtualAccount:
    """An independent copy of the account, whose payments are all paid."""
    other = copy.copy(account)
    other.history = list(account.history)
    other.answers = dict(account.answers)
    other.method = Method()
    other.chronicle = copy.deepcopy(account.chronicle)
    return other


def invoice_in(event: e.Event) -> e.Invoice | None:
    """The invoice that the event itself issues, not one that its payment will."""
    invoice = getattr(event, "invoice", None)
    return invoice if isinstance(invoice, e.Invoice) else None


def meaning(events: list[e.Event]) -> list[Any]:
    """The events without the instants at which invoices were issued: those depend on when billing ran."""
    return [_without_issue(msgspec.to_builtins(event)) for event in events]


def _without_issue(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_issue(entry) for key, entry in value.items() if key != "issued_at"}
    if isinstance(value, list | tuple):
        return [_without_issue(entry) for entry in value]
    return value
