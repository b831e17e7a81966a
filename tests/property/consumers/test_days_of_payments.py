"""No payment is booked before its invoice's day, in any time zone, and nobody owes less than nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumers.finance_ledger.postings import IssuedInvoice, OpenedAccount, Settled, day_of, posting_of
from domain.calendar import begins_at, date_of, zone_names
from domain.events import Invoice
from eventlog.memory import MemoryEventLog
from publishing.envelope import PublishedEvent, decode
from publishing.streams import EventStream
from publishing.topics import Topics
from tests.support.publishing.histories import append_all, history_of

ACCOUNT = "acme/a-1"
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


def settled_days(time_zone: str, seed: int) -> Iterator[tuple[Invoice, PublishedEvent, date]]:
    """Of each invoice that was open: the event that settled it, and the day on which that is booked."""
    zone, invoices = "", dict[int, Invoice]()
    for message in published(time_zone, seed):
        match posting_of(message):
            case OpenedAccount(_, said):
                zone = said
            case IssuedInvoice(invoice, _, _, _):
                invoices[invoice.number] = invoice
            case Settled(number, _, at):
                yield invoices[number], message, day_of(at, zone, invoices[number].date)
            case _:
                pass


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
    moves: dict[date, Decimal] = {}
    for message in published(time_zone, seed):
        posting = posting_of(message)
        if isinstance(posting, IssuedInvoice) and posting.status == "open":
            total = posting.invoice.total
            moves[posting.invoice.date] = moves.get(posting.invoice.date, Decimal(0)) + total
    for invoice, _, day in settled_days(time_zone, seed):
        moves[day] = moves.get(day, Decimal(0)) - invoice.total
    owed = Decimal(0)
    for day in sorted(moves):
        owed += moves[day]
        assert owed >= 0
