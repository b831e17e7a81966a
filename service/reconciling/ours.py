"""What the log says was charged and refunded on a day: intents by the instant at which they were recorded.

    day = OurDay.read(log, date(2026, 4, 5))
    day.entries[key].status

Of an account whose intents all ended that day only that day's events are read, of others the whole history.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal, TypeAlias, get_args
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain import events as e
from domain.calendar import CivilDate, Instant
from domain.charges import ChargeStatus, charges_among
from eventlog.codec import domain_codec
from eventlog.port import EventLog
from eventlog.records import StoredEvent

PAGE: Final = 5_000
"""Events that are read at once."""
MARGIN: Final = timedelta(hours=1)
"""Instants of recording are in the order of positions but for the clocks of several machines, which differ by
less."""

OurStatus: TypeAlias = ChargeStatus | Literal["refunded", "refund_failed"]
_UNENDED: Final = ("unanswered", "action_required", "late")
_TELLING: Final = frozenset(
    kind.__struct_config__.tag
    for kind in (
        *get_args(e.Activation), e.PaymentStarted, e.CyclesRenewed, e.InvoicePaid, e.LatePaymentFailed,
        e.InvoiceReissued, e.PaymentActionRequired, e.PaymentLate, e.PaymentCancelled, e.PaymentDeclined,
        e.RenewalDeclined, e.TryDeclined, e.ResumeDropped, e.ItemsLapsed, e.CreditNoteIssued,
        e.RefundConcluded,
    )
)  # fmt: skip

_codec = domain_codec()


class Entry(msgspec.Struct, frozen=True):
    """A charge or refund of ours. `at`: when its intent was recorded; `ended_at`: when its end was, if that
    is known; `invoices`: those that it is of."""

    kind: Literal["charge", "refund"]
    key: UUID
    account_id: str
    amount: Decimal
    currency: str
    clock: e.Clock
    status: OurStatus
    at: Instant
    ended_at: Instant | None
    invoices: tuple[int, ...]

    @property
    def ended(self) -> bool:
        """Whether its end is known."""
        return self.status not in _UNENDED

    @property
    def moved(self) -> bool:
        """Whether it says that money moved."""
        return self.status in ("paid", "refunded")


class OurDay(msgspec.Struct, frozen=True):
    """The day's charges and refunds, by their keys."""

    day: CivilDate
    entries: dict[UUID, Entry]

    @classmethod
    def read(cls, log: EventLog, day: CivilDate) -> OurDay:
        """Read it."""
        begins = datetime(day.year, day.month, day.day, tzinfo=UTC)
        ends = begins + timedelta(days=1)
        of_accounts: dict[str, list[StoredEvent]] = {}
        for stored in _told(log, begins, ends):
            of_accounts.setdefault(stored.account_id, []).append(stored)
        entries: dict[UUID, Entry] = {}
        opened = _opened(log, list(of_accounts))
        for account_id, rows in of_accounts.items():
            found = list(entries_of(rows, opened[account_id]))
            if not all(entry.ended for entry in found):
                found = list(entries_of(log.read_account(account_id), opened[account_id]))
            entries |= {entry.key: entry for entry in found if begins <= entry.at < ends}
        return cls(day, entries)


def entries_of_account(log: EventLog, account_id: str) -> dict[UUID, Entry]:
    """All charges and refunds of the account, by their keys."""
    rows = log.read_account(account_id)
    if not rows:
        return {}
    return {entry.key: entry for entry in entries_of(rows, rows[0])}


def entries_of(rows: list[StoredEvent], first: StoredEvent) -> Iterator[Entry]:
    """The charges and refunds whose intents are among the rows of one account. `first`: its first event."""
    opened = _codec.read(first)
    currency, clock = opened.currency, opened.clock  # type: ignore[union-attr]
    events = [(row, _codec.read(row)) for row in rows if row.type in _TELLING]
    by_version = {row.version: row for row, _ in events}
    found = charges_among((row.version, event) for row, event in events)
    for intent, charge in found.by_intent.items():
        row, ended_at = by_version[intent], found.ended.get(intent)
        yield Entry(
            "charge",
            row.event_id,
            row.account_id,
            charge.amount,
            currency,
            clock,
            charge.status,
            row.recorded_at,
            None if ended_at is None else by_version[ended_at].recorded_at,
            charge.invoices,
        )
    yield from _refunds(events, currency, clock)


def _refunds(events: Iterable[tuple[StoredEvent, e.Event]], currency: str, clock: e.Clock) -> Iterator[Entry]:
    refunds: dict[int, Entry] = {}
    for row, event in events:
        note = event.note if isinstance(event, e.InvoiceReissued) else event
        if isinstance(note, e.CreditNoteIssued) and note.refund:
            refunds[note.number] = Entry(
                "refund",
                row.event_id,
                row.account_id,
                note.refund,
                currency,
                clock,
                "unanswered",
                row.recorded_at,
                None,
                (note.invoice,),
            )
        elif isinstance(event, e.RefundConcluded) and event.note in refunds:
            status: OurStatus = "refunded" if event.refunded else "refund_failed"
            refund = refunds[event.note]
            refunds[event.note] = replace(refund, status=status, ended_at=row.recorded_at)
    yield from refunds.values()


def _told(log: EventLog, begins: Instant, ends: Instant) -> Iterator[StoredEvent]:
    """The events of the day that tell of charges and refunds."""
    after = _position_before(log, begins - MARGIN)
    while page := log.read_settled(after, PAGE):
        for stored in page:
            if begins <= stored.recorded_at < ends and stored.type in _TELLING:
                yield stored
        after = page[-1].position
        if page[-1].recorded_at >= ends + MARGIN:
            return


def _position_before(log: EventLog, instant: Instant) -> int:
    """A position with no event after it that was recorded before the instant, but within the margin."""
    low, high = 0, log.last_position()
    while low < high:
        middle = (low + high) // 2
        found = log.read_settled(middle, 1)
        if found and found[0].recorded_at < instant:
            low = found[0].position
        else:
            high = middle
    return low


def _opened(log: EventLog, account_ids: list[str]) -> dict[str, StoredEvent]:
    """The first events of the accounts."""
    opened = {}
    for place in range(0, len(account_ids), PAGE):
        for first in log.first_events(account_ids[place : place + PAGE]):
            opened[first.account_id] = first
    return opened
