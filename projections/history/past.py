"""An account as it was at one instant, and as it was known at another: bitemporal, from the log alone.

    events = list(events_of(log, "acme/a-1"))
    then = past(events, AtInstant(first_of_march), known_at=third_of_march)
    then.entitlements, then.invoices, then.access_windows, then.usable

Which events count follows from both instants; what time has done since the last of them, such as ending an
add-on that was removed, follows from those events (`domain.later`). So an instant later than all known events
is answered by a forecast, and the same question always has the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from domain import events as e
from domain.calendar import Instant
from domain.held_spans import HeldSpan, held_spans
from domain.later import Unsettled, account_later, unsettled
from domain.state import Account
from domain.views import AccessWindows, Entitlement
from eventlog import StoredEvent
from eventlog.codec import Codec, domain_codec
from eventlog.errors import EventUnreadable
from eventlog.history import places_of
from projections.billed import BILLED, BilledAt
from projections.fold import AccountAt
from projections.history.as_of import At, AtInstant, AtVersion, KnownAt, Moment, counted
from projections.models import access_windows, credit_notes, entitlements, invoices
from projections.models.access_windows import AccessWindowsDocument
from projections.models.credit_notes import CreditNoteDocument
from projections.models.entitlements import EntitlementsDocument
from projections.models.invoices import InvoiceDocument

GRACE: Final = timedelta(hours=24)
"""How long readers keep a renewing window open after its end, while the renewal is not known yet (R45)."""


class Past(msgspec.Struct, frozen=True):
    """An account at the instant `at`, as known at `known_at` (None: as known now).

    `last` is the last event that counts, and `recorded` the state after it. `state` and the documents hold at
    the instant: `by_time` are the unrecorded events that time alone has caused since `last`; `unsettled`
    lists what is due by then and needs a price or a payment. `usable`: ids of the products that could be
    used. `in_grace`: ids of those past their window's end whose renewal is not known yet.
    """

    at: Instant
    known_at: Instant | None
    last: StoredEvent
    recorded: Account
    state: Account
    entitlements: EntitlementsDocument
    access_windows: AccessWindowsDocument
    invoices: tuple[InvoiceDocument, ...]
    credit_notes: tuple[CreditNoteDocument, ...]
    usable: tuple[str, ...]
    in_grace: tuple[str, ...]
    by_time: tuple[e.Event, ...]
    unsettled: tuple[Unsettled, ...]


def past(
    events: Iterable[StoredEvent],
    upto: At | AtVersion | AtInstant | None = None,
    *,
    known_at: Instant | None = None,
    codec: Codec[Any] | None = None,
) -> Past | None:
    """The account as it was, from all of its events; None if it did not exist yet.

    At a position or version, or with `upto` None, the answer is the state after the last event that counts.
    Raises EventUnreadable if one of the events that count cannot be read by this code.
    """
    reader = codec or domain_codec()
    stored = list(counted(events, *_moments(upto, known_at)))
    return _past_of([reader.read(one) for one in stored], stored, upto, known_at)


class ReadHistory(msgspec.Struct, frozen=True, dict=True):
    """An account's events as stored and as read, for many looks: `events` may end before the first that this
    code cannot read."""

    stored: Sequence[StoredEvent]
    events: Sequence[e.Event]

    @classmethod
    def of(cls, stored: Sequence[StoredEvent], codec: Codec[Any] | None = None) -> ReadHistory:
        """All of these events that can be read."""
        reader = codec or domain_codec()
        try:
            return cls(stored, reader.read_all(stored))
        except Exception:  # noqa: BLE001 - the first that cannot be read is found one by one
            return cls(stored, list(_readable(stored, reader)))

    @cached_property
    def spans(self) -> tuple[HeldSpan, ...]:
        """When its products were held, paused and suspended, by all events that can be read."""
        return held_spans(self.events)

    def past(
        self, upto: At | AtVersion | AtInstant | None = None, *, known_at: Instant | None = None
    ) -> Past | None:
        """As `past`. Raises EventUnreadable."""
        return self.past_at(self.number_counted(upto, known_at), upto, known_at)

    def past_at(
        self, number: int, upto: At | AtVersion | AtInstant | None, known_at: Instant | None
    ) -> Past | None:
        """As `past`, where it is known how many events count."""
        if number > len(self.events):
            domain_codec().read(self.stored[len(self.events)])
        return _past_of(self.events[:number], self.stored[:number], upto, known_at)

    def number_counted(self, upto: At | AtVersion | AtInstant | None, known_at: Instant | None) -> int:
        """How many of the first events lie at or before both moments."""
        return sum(1 for _ in counted(self.stored, *_moments(upto, known_at)))


def _readable(stored: Iterable[StoredEvent], reader: Codec[Any]) -> Iterator[e.Event]:
    for one in stored:
        try:
            yield reader.read(one)
        except EventUnreadable:
            return


def _moments(upto: Moment | None, known_at: Instant | None) -> list[Moment]:
    moments: list[Moment] = [] if upto is None else [upto]
    if known_at is not None:
        moments.append(KnownAt(known_at))
    return moments


def _past_of(
    events: Sequence[e.Event],
    stored: Sequence[StoredEvent],
    upto: At | AtVersion | AtInstant | None,
    known_at: Instant | None,
) -> Past | None:
    if not events:
        return None
    places = places_of(stored)
    account = entitlements.FOLD.evolution.apply_all(entitlements.FOLD.start(), events, places)
    billed = BILLED.apply_all(BILLED.start(), events, places)
    assert account is not None
    return _at_instant(account, billed, stored[-1], upto, known_at)


def _at_instant(
    account: AccountAt,
    billed: BilledAt,
    last: StoredEvent,
    upto: At | AtVersion | AtInstant | None,
    known_at: Instant | None,
) -> Past:
    state, happened = account.state, tuple[e.Event, ...]()
    if isinstance(upto, AtInstant):
        state, happened = account_later(state, upto.at)
    at = state.last_at
    now = replace(account, state=state)
    [held] = entitlements.FOLD.documents(now)
    [windows] = access_windows.FOLD.documents(now)
    if isinstance(upto, AtInstant):
        held = replace(held, entitlements=tuple([_at_end(one, at) for one in held.entitlements]))
    return Past(
        at=at,
        known_at=known_at,
        last=last,
        recorded=account.state,
        state=state,
        entitlements=held,
        access_windows=windows,
        invoices=invoices.later(invoices.FOLD.documents(billed), happened),
        credit_notes=credit_notes.FOLD.documents(credit_notes.later(billed, happened, last.position)),
        usable=tuple([w.product for w in windows.products if _usable(w, at)]),
        in_grace=tuple([w.product for w in windows.products if _in_grace(w, at)]),
        by_time=happened,
        unsettled=unsettled(state, at),
    )


def _at_end(entitlement: Entitlement, at: Instant) -> Entitlement:
    """An ending product has ended once its access has, even if its successor still awaits payment (R29,
    R41)."""
    until = entitlement.access_until
    if entitlement.status != "ending" or until is None or until > at:
        return entitlement
    return replace(entitlement, status="ended", allowance=None if entitlement.allowance is None else 0)


def _usable(product: AccessWindows, at: Instant) -> bool:
    return any(w.start <= at and (w.until is None or at < w.until) for w in product.windows)


def _in_grace(product: AccessWindows, at: Instant) -> bool:
    if not product.renews or not product.windows:
        return False
    until = product.windows[-1].until
    return until is not None and until <= at < until + GRACE
