"""Invariants 1, 8, 9, 10 and 13 of RULES.md 12, read off the events of random histories with everything in
them, by hand: what was paid and what it paid, what was taken back, which days were sold, what can be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest
from msgspec import to_builtins
from msgspec.structs import astuple

from domain import events as e
from domain.billing_page import billing_page
from domain.calendar import CivilDate, Instant
from domain.evolve import evolve
from domain.forecast import forecast
from domain.shop import shop
from domain.state import Account
from domain.views import account_summary, entitlements
from prorata.simulation.run import VirtualAccount
from tests.reference.prove import history
from tests.support.domain.playing import fork, invoice_in, opened, played, scenario_of, take

SEEDS, BATCH = 120, 20
in_batches = pytest.mark.parametrize("first", range(0, SEEDS, BATCH))


def notes_in(event: e.Event) -> tuple[e.CreditNoteIssued, ...]:
    """The credit notes that the event itself issues."""
    if isinstance(event, e.InvoiceReissued):
        return (event.note,)
    return (event,) if isinstance(event, e.CreditNoteIssued) else ()


# ---- 8, 9, 10: money --------------------------------------------------------


class Till:
    """What came in, what went out, and for what, event by event."""

    def __init__(self) -> None:
        self.paid = self.gone = self.owed = self.taken_back = self.given_up = Decimal(0)

    def take(self, event: e.Event) -> None:
        """Count what the event moved."""
        invoice = invoice_in(event)
        if invoice is not None:
            self.owed += invoice.total
            if not isinstance(event, e.CyclesRenewed | e.InvoiceReissued):
                self.paid += invoice.charge
        for note in notes_in(event):
            self.taken_back += note.total
            self.gone += note.refund
        match event:
            case e.InvoicePaid():
                self.paid += event.amount
            case e.PaymentRecorded():
                self.paid += event.amount
                self.gone += event.amount if event.recovered is not None else 0
            case e.CreditPaidOut() | e.DisputeLost():
                self.gone += event.amount
            case e.InvoiceWrittenOff():
                self.given_up += event.amount
            case e.RefundConcluded():
                self.gone -= 0 if event.refunded else event.amount
            case _:
                pass


def between_steps(account: VirtualAccount) -> Iterator[tuple[Account, Till]]:
    """The state after every event that another instant follows, and the till then."""
    state, till = None, Till()
    following = [*[event.at for event in account.history[1:]], None]
    for event, after in zip(account.history, following, strict=True):
        state = evolve(state, event)
        till.take(event)
        if after != event.at:
            yield state, till


@in_batches
def test_what_was_paid_is_what_it_paid_and_nothing_is_below_zero(first: int) -> None:
    for seed in range(first, first + BATCH):
        for state, till in between_steps(played(history(seed))):
            due = sum([record.due for record in state.records.values()], Decimal(0))
            left = till.owed - till.taken_back - due - till.given_up + state.standing.credit
            assert till.paid - till.gone == left
            assert state.standing.credit >= 0
            assert not (state.standing.credit and state.past_due) or state.payment is not None
            for record in state.records.values():
                assert record.due >= 0
                assert record.due == 0 or record.status == "open"
                assert record.by_method >= record.refunded >= 0


@in_batches
def test_no_line_gives_back_more_than_it_asked_and_all_of_it_is_exactly_that(first: int) -> None:
    for seed in range(first, first + BATCH):
        state = played(history(seed)).account
        for number, invoice in state.invoices.items():
            assert invoice.total == sum(line.net + line.tax for line in invoice.lines) >= 0
            assert invoice.net >= 0
            for place, line in enumerate(invoice.lines):
                back = [c for c in state.record(number).credited if c.line == place]
                sign = -1 if line.kind == "credit_line" else 1
                net = sum([c.net for c in back], Decimal(0))
                assert 0 <= sign * net <= sign * line.net
                for which, tax in enumerate(line.taxes or ()):
                    taxes = sum([c.taxes[which] for c in back], Decimal(0))
                    assert 0 <= sign * taxes <= sign * tax.amount
                    assert taxes == tax.amount or net != line.net or not line.net


# ---- 1: days -----------------------------------------------------------------


def days_between(start: CivilDate, end: CivilDate) -> Iterator[CivilDate]:
    return (start + timedelta(days=n) for n in range((end - start).days))


@in_batches
def test_no_day_is_sold_twice_when_what_was_taken_back_is_counted(first: int) -> None:
    for seed in range(first, first + BATCH):
        account = played(history(seed))
        families = {
            plan.id: f"family {plan.family}"
            for version in account.catalogues.versions
            for plan in version.catalog.plans.values()
        }
        sold: Counter[tuple[str, CivilDate]] = Counter()
        for number, invoice in account.account.invoices.items():
            if account.account.record(number).reissued:
                continue  # its lines are those of the new one
            for place, line in enumerate(invoice.lines):
                if line.days is None:
                    continue
                sign = -1 if line.kind == "credit_line" else 1
                what = families.get(line.product, line.product)
                kept = set(days_between(line.from_date, line.to_date)) - _taken_back(account, number, place)
                sold.update({(what, day): sign for day in kept})
        assert max(sold.values(), default=0) <= 1


def _taken_back(account: VirtualAccount, number: int, place: int) -> set[CivilDate]:
    """The days of the line that credit notes took back; each is taken once."""
    state = account.account
    line = state.invoices[number].lines[place]
    notes = [note for event in account.history for note in notes_in(event) if note.invoice == number]
    parts = [part for note in notes for part in note.lines if part.line == place + 1]
    if parts and sum(part.amount for part in parts) == line.net:
        credited = [c for c in state.record(number).credited if c.line == place and c.by_invoice is not None]
        by_lines = {
            day for c in credited if c.from_date and c.until for day in days_between(c.from_date, c.until)
        }
        return set(days_between(line.from_date, line.to_date)) - by_lines
    days = [day for part in parts if part.by_days for day in days_between(part.from_date, part.to_date)]
    assert len(days) == len(set(days))
    return set(days)


# ---- 13: what can be used, at any instant ------------------------------------------


def moments(seed: int) -> Iterator[tuple[VirtualAccount, VirtualAccount, Instant]]:
    """The account of the history at its steps and at some instants between: as it was left, and with
    everything settled."""
    random, scenario = Random(seed), scenario_of(history(seed))
    account = opened(scenario)
    now = account.account.last_at
    for step in scenario.steps:
        for part in sorted(random.random() for _ in range(random.randint(0, 2))):
            at = now + timedelta(seconds=int((step.at - now).total_seconds() * part))
            before = fork(account)
            account.settle(at)
            yield before, account, at
        take(account, step, scenario.currency)
        now = step.at
        before = fork(account)
        account.settle(now)
        yield before, account, now


@in_batches
def test_at_every_instant_a_product_can_be_used_exactly_in_its_windows(first: int) -> None:
    for seed in range(first, first + BATCH):
        for _, account, at in moments(seed):
            state, known = account.account, account.catalogues
            if state.payment is not None:
                continue
            shown = entitlements(state, known)
            assert shown == entitlements(state), "what the log alone says"
            for product, entry in shown.items():
                spans = state.windows.get(product, ())
                inside = any(span.start <= at and (span.until is None or at < span.until) for span in spans)
                usable = entry.status in ("active", "ending")
                assert inside == (usable and (entry.access_until is None or at < entry.access_until))
                ends = [span.until for span in spans[:-1]]
                assert all(
                    end is not None and end < span.start for end, span in zip(ends, spans[1:], strict=True)
                )


@in_batches
def test_the_page_shows_the_standing_at_every_instant_however_late_it_is_settled(first: int) -> None:
    for seed in range(first, first + BATCH, 2):
        for before, account, at in moments(seed):
            state, known = account.account, account.catalogues
            if state.closed or state.payment is not None or before.account.payment is not None:
                continue
            page = billing_page(state, at, known)
            assert page.standing == account_summary(state, known)
            shown = entitlements(state, known)
            assert all(item.status == shown[item.product].status for item in page.items)
            paying = fork(before)
            paying.settle(at)
            if astuple(paying.account) == astuple(state):
                for look in (billing_page, shop, forecast):
                    assert to_builtins(look(before.account, at, known)) == to_builtins(look(state, at, known))
