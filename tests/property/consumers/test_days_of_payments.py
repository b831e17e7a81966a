"""No payment is booked before its invoice's day, in any time zone, and nobody owes less than nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumers.finance_ledger.accounts import CHARGE_BACKS, RECEIVABLE
from consumers.finance_ledger.journal import BookedInvoice
from consumers.finance_ledger.postings import post
from domain.calendar import begins_at, date_of, zone_names
from eventlog.memory import MemoryEventLog
from publishing.contract import event_of
from publishing.envelope import PublishedEvent, decode
from publishing.streams import EventStream
from publishing.topics import Topics
from tests.support.consumers.memory_shelf import MemoryShelf
from tests.support.publishing.histories import append_all, history_of

ACCOUNT = "acme/a-1"
OWED = (RECEIVABLE, CHARGE_BACKS)
EAST_AND_WEST = ["Pacific/Kiritimati", "Pacific/Apia", "Asia/Tokyo", "Europe/Paris", "Pacific/Pago_Pago"]

zones = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


def published(time_zone: str, seed: int) -> Iterator[PublishedEvent]:
    """A random history in that zone, as the ledger reads it."""
    log, topics = MemoryEventLog(), Topics()
    append_all(log, {ACCOUNT: history_of(ACCOUNT, seed, months=9, time_zone=time_zone)}, 3)
    page = log.read_settled(0, 10_000)
    for record in EventStream(log, topics).records(page, (0,) * topics.partitions)[0]:
        message = decode(topics.events, record.key, record.value, record.pairs)
        assert isinstance(message, PublishedEvent)
        yield message


def booked(time_zone: str, seed: int) -> tuple[MemoryShelf, dict[int, PublishedEvent]]:
    """The books of that history, and its events by position."""
    shelf, messages = MemoryShelf(), list(published(time_zone, seed))
    events = [event_of(message) for message in messages]
    for message, event, following in zip(messages, events, [*events[1:], None], strict=True):
        post(shelf, message, event, following)
    return shelf, {message.event.position: message for message in messages}


def settled_days(time_zone: str, seed: int) -> Iterator[tuple[BookedInvoice, PublishedEvent, date]]:
    """Of each payment of an invoice that was open: the event, and the day on which that is booked."""
    shelf, messages = booked(time_zone, seed)
    issued = {(t.invoice, t.position) for t in shelf.transfers if t.kind == "issued"}
    for transfer in shelf.transfers:
        if transfer.kind == "paid" and (transfer.invoice, transfer.position) not in issued:
            assert transfer.invoice is not None
            yield shelf.invoice(ACCOUNT, transfer.invoice), messages[transfer.position], transfer.effective


@zones
@given(st.sampled_from(sorted(zone_names())), st.integers(0, 30))
def test_a_payment_is_booked_on_its_accounts_own_date_and_never_before_its_invoices(
    time_zone: str, seed: int
) -> None:
    for invoice, message, day in settled_days(time_zone, seed):
        assert day == date_of(message.event.effective_at, time_zone)
        assert day >= invoice.date


@pytest.mark.parametrize("time_zone", EAST_AND_WEST)
def test_a_renewal_that_is_paid_as_it_is_issued_is_booked_on_one_day(time_zone: str) -> None:
    at_once = [
        (invoice.date, day)
        for seed in range(6)
        for invoice, message, day in settled_days(time_zone, seed)
        if message.event.effective_at == begins_at(invoice.date, time_zone)
    ]
    assert len(at_once) > 10
    assert all(invoiced == day for invoiced, day in at_once)


def test_by_the_days_of_utc_payments_of_the_east_would_come_before_their_invoices() -> None:
    """What the rule is for."""
    early = [
        invoice
        for invoice, message, _ in settled_days("Asia/Tokyo", 1)
        if message.event.effective_at.astimezone(UTC).date() < invoice.date
    ]
    assert early != []


@zones
@given(st.sampled_from(sorted(zone_names())), st.integers(0, 30))
def test_nobody_owes_less_than_nothing_at_the_end_of_any_day(time_zone: str, seed: int) -> None:
    shelf, _ = booked(time_zone, seed)
    moves: dict[date, Decimal] = {}
    for transfer in shelf.transfers:
        amount = transfer.amount * ((transfer.debit in OWED) - (transfer.credit in OWED))
        moves[transfer.effective] = moves.get(transfer.effective, Decimal(0)) + amount
    owed = Decimal(0)
    for day in sorted(moves):
        owed += moves[day]
        assert owed >= 0
