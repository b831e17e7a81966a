"""The books of random stories of both parts of the rules: after every event they say what the account's state
says."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random

import msgspec
import pytest

from consumers.finance_ledger.accounts import (
    ACCOUNT_CREDIT,
    CHARGE_BACKS,
    DEFERRED,
    RECEIVABLE,
    REFUNDS,
    REVENUE,
    TAX_PAYABLE,
)
from consumers.finance_ledger.postings import post
from domain import events as e
from domain.evolve import evolve
from domain.state import Account
from prorata.simulation.run import history_of
from prorata.simulation.scenario import parse_scenario
from tests.reference.stories import story
from tests.reference.switches import drawn
from tests.support.consumers.memory_shelf import MemoryShelf, published

ACCOUNT = "acme/a-1"
HISTORIES = 400
BATCH = 20


@cache
def history(seed: int) -> tuple[e.Event, ...]:
    """The events of a random story with some of what the second part knows."""
    random = Random(seed)
    told = story(random, 40, drawn(random))
    for step in told["steps"]:
        if step["do"] == "payment_answer":
            step.pop("id", None)
    return tuple(history_of(parse_scenario(msgspec.json.encode(told), Path(), {})))


def steps(events: tuple[e.Event, ...]) -> Iterator[tuple[MemoryShelf, e.Event, Account]]:
    """After each event: the books, the event, and the account's state."""
    shelf, state = MemoryShelf(), None
    for nth, message in enumerate(published(ACCOUNT, events)):
        following = events[nth + 1] if nth + 1 < len(events) else None
        post(shelf, message, events[nth], following)
        state = evolve(state, events[nth])
        yield shelf, events[nth], state


@pytest.mark.parametrize("first", range(BATCH, HISTORIES + BATCH, BATCH))
def test_after_every_event_the_books_say_what_the_account_owes_and_is_owed(first: int) -> None:
    for seed in range(first, first + BATCH):
        net = tax = Decimal(0)
        for shelf, event, state in steps(history(seed)):
            net, tax = net + change_of(event, "net"), tax + change_of(event, "tax")
            due = sum(record.due for record in state.records.values())
            assert shelf.total(RECEIVABLE, CHARGE_BACKS) == due
            assert shelf.total(ACCOUNT_CREDIT) == -state.standing.credit
            assert shelf.total(REFUNDS) == -sum(refund.amount for refund in state.standing.refunds)
            assert shelf.total(TAX_PAYABLE) == -tax
            given_up = sum(
                t.amount for t in shelf.transfers if (t.kind, t.debit) == ("written_off", DEFERRED)
            )
            assert shelf.total(DEFERRED, REVENUE) == given_up - net
            assert_invariant_10(shelf, due)


def assert_invariant_10(shelf: MemoryShelf, due: Decimal | int) -> None:
    """Of what the events say by themselves."""
    facts = shelf.accounts[ACCOUNT].facts
    kept = facts.payments - facts.refunds - facts.charge_backs - facts.paid_out - facts.recovered
    assert kept == facts.totals - facts.credit_notes - due - facts.written_off + facts.credit


def change_of(event: e.Event, what: str) -> Decimal:
    """What the event adds to the net or the tax of all invoices less credit notes."""
    added = taken = Decimal(0)
    if isinstance(invoice := getattr(event, "invoice", None), e.Invoice):
        added = getattr(invoice, what)
    if isinstance(note := getattr(event, "note", event), e.CreditNoteIssued):
        taken = getattr(note, what)
    return added - taken
