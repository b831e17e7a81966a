"""Invoices as folds see them stand as the account's records say (R51)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from domain import events as e
from domain.events import Event
from domain.evolve import evolve
from domain.invoice_standing import InvoiceStanding, changed_standings
from domain.money import zero
from domain.state import Account
from prorata.simulation.run import history_of
from prorata.simulation.scenario import read_scenario

SCENARIOS = Path(__file__).parents[2] / "scenarios"
AT = datetime(2026, 4, 5, tzinfo=UTC)
STORIES = sorted(SCENARIOS.glob("*/*.json"))


def by_records(state: Account) -> dict[int, tuple[Any, ...]]:
    nothing = zero(state.currency)
    found = {}
    for number, invoice in state.invoices.items():
        record = state.record(number)
        due = record.due if record.status == "open" else nothing
        credit = invoice.credit_taken + record.credit_applied
        disputed = record.disputed_at is not None
        found[number] = (invoice, record.status, due, credit, record.charged_back, disputed)
    return found


def assert_the_same(history: list[Event]) -> None:
    standings: dict[int, InvoiceStanding] = {}
    state: Account | None = None
    for event in history:
        standings.update(list(changed_standings(event, standings.get)))
        state = evolve(state, event)
        found = {
            number: (s.invoice, s.status, s.due, s.credit, s.charged_back, s.disputed)
            for number, s in standings.items()
        }
        assert found == by_records(state)


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_after_each_event_of_a_story_every_invoice_stands_as_its_record_says(path: Path) -> None:
    assert_the_same(history_of(read_scenario(path, {})))


def test_an_event_of_an_invoice_that_is_not_known_changes_none() -> None:
    [opened, bought, lost] = (
        e.AccountOpened(at=AT, currency="EUR", time_zone="Europe/Paris", clock="test"),
        e.InvoicePaid(at=AT, number=1, amount=Decimal("20.00")),
        e.DisputeLost(at=AT, number=1, amount=Decimal("20.00"), suspended=()),
    )
    for event in (opened, bought, lost):
        assert list(changed_standings(event, lambda _: None)) == []
