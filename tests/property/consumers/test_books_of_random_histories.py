"""The books of random stories of both parts of the rules: after every event they say what the account's state
says."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import get_args

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
from consumers.finance_ledger.journal import Facts, Kind
from consumers.finance_ledger.postings import post
from domain import events as e
from domain.calendar import date_of
from domain.evolve import evolve
from domain.state import Account
from tests.support.consumers.memory_shelf import MemoryShelf, published
from tests.support.consumers.random_money import HISTORIES, money_story

ACCOUNT = "acme/a-1"
BATCH = 5
FAR = date(9000, 1, 1)


def steps(events: tuple[e.Event, ...]) -> Iterator[tuple[MemoryShelf, e.Event, Account]]:
    """After each event: the books, the event, and the account's state."""
    shelf, state = MemoryShelf(), None
    for nth, message in enumerate(published(ACCOUNT, events)):
        following = events[nth + 1] if nth + 1 < len(events) else None
        post(shelf, message, events[nth], following)
        state = evolve(state, events[nth])
        yield shelf, events[nth], state


def booked(seed: int) -> MemoryShelf:
    """The books at the end of a story."""
    return [shelf for shelf, _, _ in steps(money_story(seed))][-1]


@pytest.mark.parametrize("first", range(0, HISTORIES, BATCH))
def test_after_every_event_the_books_say_what_the_account_owes_and_is_owed(first: int) -> None:
    for seed in range(first, first + BATCH):
        net = tax = Decimal(0)
        for shelf, event, state in steps(money_story(seed)):
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
            for number in state.invoices:
                booked, record = shelf.invoice(ACCOUNT, number), state.record(number)
                assert (booked.due, booked.status) == (record.due, record.status)


@pytest.mark.parametrize("first", range(0, HISTORIES // 2, BATCH))
def test_what_is_deferred_is_left_to_earn_and_every_day_earns_the_same_however_often_it_is_recognised(
    first: int,
) -> None:
    recognised = 0
    for seed in range(first, first + BATCH):
        random, shelf = Random(seed), MemoryShelf()
        for shelf, event, state in steps(money_story(seed)):
            if random.random() < 0.4:
                today = date_of(event.at, state.time_zone)
                shelf.recognise(today + timedelta(days=random.choice([-3, -1, -1, -1, 0, 5, 40])))
            assert -shelf.total(DEFERRED) == shelf.left_to_earn() >= 0
        recognised += sum(transfer.kind == "recognised" for transfer in shelf.transfers)
        at_once = booked(seed)
        for books in (shelf, at_once):
            books.recognise(FAR)
        assert days_earned(shelf) == days_earned(at_once)
        assert shelf.total(REVENUE) <= 0
    assert recognised > BATCH


def days_earned(shelf: MemoryShelf) -> dict[tuple[str, date], Decimal]:
    """What each day of a product earns, by the schedules."""
    earned: defaultdict[tuple[str, date], Decimal] = defaultdict(Decimal)
    for lines in shelf.booked_lines.values():
        for line in lines:
            for piece in line.pieces:
                for nth in range((piece.next_day - piece.begins).days):
                    day = piece.begins + timedelta(days=nth)
                    earned[line.product, day] += piece.earned(day + timedelta(days=1)) - piece.earned(day)
    return {key: amount for key, amount in earned.items() if amount}


def test_the_histories_move_money_in_every_way() -> None:
    kinds = Counter(t.kind for seed in range(HISTORIES) for t in booked(seed).transfers)
    by_a_command_of_its_own = {"recognised", "taken_over"}  # `ledger recognise`, `import accounts`
    assert set(get_args(Kind)) - kinds.keys() == by_a_command_of_its_own


def assert_invariant_10(shelf: MemoryShelf, due: Decimal | int) -> None:
    """Of what the events say by themselves."""
    facts = shelf.accounts[ACCOUNT].facts
    kept = facts.payments - facts.refunds - facts.charge_backs - facts.paid_out - facts.recovered
    assert kept == facts.totals - facts.credit_notes - due - facts.written_off + facts.credit


@pytest.mark.parametrize("first", range(0, HISTORIES, BATCH))
def test_what_is_known_of_an_account_is_what_its_events_say(first: int) -> None:
    for seed in range(first, first + BATCH):
        said: Counter[str] = Counter()
        for shelf, event, state in steps(money_story(seed)):
            for name, amount in said_by(event):
                said[name] += amount  # type: ignore[assignment] # decimals are counted
            facts = shelf.accounts[ACCOUNT].facts
            known = {name: getattr(facts, name) for name in Facts.__dataclass_fields__}
            assert known == {name: said[name] for name in known} | {"credit": state.standing.credit}


@pytest.mark.parametrize("first", range(0, HISTORIES, BATCH))
def test_every_entry_names_the_invoice_and_of_a_line_its_product(first: int) -> None:
    for seed in range(first, first + BATCH):
        events = money_story(seed)
        lines = {
            (line_of.number, nth): line.product
            for event in events
            if isinstance(line_of := getattr(event, "invoice", None), e.Invoice)
            for nth, line in enumerate(line_of.lines, 1)
        }
        for entry in booked(seed).transfers:
            assert (entry.invoice is None) == (entry.kind in OF_THE_ACCOUNT)
            of_a_line = entry.kind in ("issued", "credited")
            if entry.kind == "written_off":
                of_a_line = DEFERRED in (entry.debit, entry.credit)
            assert (entry.line is not None) == of_a_line
            if entry.invoice is not None and entry.line is not None:
                assert entry.product == lines[entry.invoice, entry.line]


OF_THE_ACCOUNT = ("overpaid", "paid_out")
"""Entries that are about no invoice."""


def said_by(event: e.Event) -> Iterator[tuple[str, Decimal]]:
    """What the event says by itself, by the names of `Facts`."""
    invoice, note = getattr(event, "invoice", None), getattr(event, "note", event)
    if isinstance(invoice, e.Invoice):
        yield from (("totals", invoice.total), ("taxes", invoice.tax))
        if not isinstance(event, e.CyclesRenewed | e.InvoiceReissued):
            yield "payments", invoice.charge
    if isinstance(note, e.CreditNoteIssued):
        yield from (("credit_notes", note.total), ("taxes", -note.tax), ("refunds", note.refund))
    match event:
        case e.InvoicePaid():
            yield "payments", event.amount
        case e.PaymentRecorded():
            yield from (("payments", event.amount), ("recovered", event.amount * bool(event.recovered)))
        case e.RefundConcluded():
            yield (
                "refunds_made" if event.refunded else "refunds",
                event.amount * (1 if event.refunded else -1),
            )
        case e.DisputeLost():
            yield "charge_backs", event.amount
        case e.CreditPaidOut():
            yield "paid_out", event.amount
        case e.InvoiceWrittenOff():
            yield "written_off", event.amount
        case _:
            pass


def change_of(event: e.Event, what: str) -> Decimal:
    """What the event adds to the net or the tax of all invoices less credit notes."""
    added = taken = Decimal(0)
    if isinstance(invoice := getattr(event, "invoice", None), e.Invoice):
        added = getattr(invoice, what)
    if isinstance(note := getattr(event, "note", event), e.CreditNoteIssued):
        taken = getattr(note, what)
    return added - taken
