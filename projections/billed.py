"""What an account was billed: its invoices, and what credit notes took back of them.

`BILLED` makes the states that the read models of invoices and of credit notes are both read from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from domain import events as e
from domain.events import Clock, Event
from domain.invoice_standing import CHANGES, InvoiceStanding, Standings, changed_standings
from eventlog.history import EventPlaces
from projections.fold import Evolution, Placed

RefundState = Literal["asked", "made", "failed"]


class Issued(msgspec.Struct, frozen=True, gc=False):
    """How an invoice stands, and the event that last changed it."""

    standing: InvoiceStanding
    version: int
    revision: int


class Noted(msgspec.Struct, frozen=True, gc=False):
    """A credit note, where its money is by now, and the event that last changed it."""

    note: e.CreditNoteIssued
    refunded: Decimal
    to_account: Decimal
    refund: RefundState | None
    reissue: int | None
    version: int
    revision: int


class BilledAt(msgspec.Struct, frozen=True):
    """What the account was billed after its event `version`, by number: the invoices that its last events
    issued or changed, which have documents, and the others; and its credit notes."""

    account_id: str
    version: int
    changed: Mapping[int, Issued]
    others: Mapping[int, Issued]
    notes: Mapping[int, Noted]
    currency: str = ""
    clock: Clock | None = None


def _none() -> BilledAt:
    return BilledAt("", 0, {}, {}, {})


def _apply(before: BilledAt, event: Event, placed: Placed) -> BilledAt:
    _check_next(before, placed.version)
    changed = dict(before.changed)
    for number, standing in changed_standings(event, _known(changed, before.others)):
        changed[number] = Issued(standing, placed.version, placed.position)
    notes = notes_after(before.notes, event, placed.version, placed.position)
    return _billed(before, placed.account_id, placed.version, event, changed, notes)


def _apply_whole(before: BilledAt, events: Sequence[Event], places: EventPlaces) -> BilledAt:
    _check_next(before, places.version)
    changed, notes = dict(before.changed), before.notes
    known = _known(changed, before.others)
    for version, (event, position) in enumerate(zip(events, places.positions, strict=True), places.version):
        change = CHANGES.get(type(event))
        if change is not None:
            for number, standing in change(event, known):
                changed[number] = Issued(standing, version, position)
    if not _OF_NOTES.isdisjoint(map(type, events)):
        numbered = enumerate(zip(events, places.positions, strict=True), places.version)
        for version, (event, position) in numbered:
            notes = notes_after(notes, event, version, position)
    return _billed(before, places.account_id, before.version + len(events), events[0], changed, notes)


def _check_next(before: BilledAt, version: int) -> None:
    if version != before.version + 1:
        raise ValueError(f"version {version} was to be folded as version {before.version + 1}")


def _known(changed: Mapping[int, Issued], others: Mapping[int, Issued]) -> Standings:
    """How an invoice stands as `changed` has it by then."""

    def standing(number: int) -> InvoiceStanding | None:
        found = changed.get(number)
        if found is None:
            found = others.get(number)
        return None if found is None else found.standing

    return standing


def _billed(
    before: BilledAt,
    account_id: str,
    version: int,
    first: Event,
    changed: Mapping[int, Issued],
    notes: Mapping[int, Noted],
) -> BilledAt:
    """The state after events, the first of which may have opened the account."""
    currency, clock = before.currency, before.clock
    if isinstance(first, e.Opening):
        currency, clock = first.currency, first.clock
    return BilledAt(account_id, version, changed, before.others, notes, currency, clock)


_OF_NOTES: Final = frozenset({e.CreditNoteIssued, e.InvoiceReissued, e.RefundConcluded})
"""The events that issue or change credit notes."""


def notes_after(notes: Mapping[int, Noted], event: Event, version: int, position: int) -> Mapping[int, Noted]:
    """The credit notes after the event of this version at this position."""
    match event:
        case e.CreditNoteIssued():
            noted = _issued(event, None, version, position)
        case e.InvoiceReissued():
            noted = _issued(event.note, event.invoice.number, version, position)
        case e.RefundConcluded() if event.note in notes:
            noted = replace(_concluded(notes[event.note], event), version=version, revision=position)
        case _:
            return notes
    return {**notes, noted.note.number: noted}


def _issued(note: e.CreditNoteIssued, reissue: int | None, version: int, position: int) -> Noted:
    asked: RefundState | None = "asked" if note.refund else None
    return Noted(note, note.refund, note.to_account, asked, reissue, version, position)


def _concluded(noted: Noted, event: e.RefundConcluded) -> Noted:
    if event.refunded:
        return replace(noted, refund="made")
    return replace(
        noted,
        refund="failed",
        refunded=noted.refunded - event.amount,
        to_account=noted.to_account + event.amount,
    )


def _at_rest(at: BilledAt) -> BilledAt:
    """All have been shown. Each invoice may still change, a paid one by a credit note or a dispute; of the
    credit notes those whose refund has no answer."""
    if not at.changed and not at.notes:
        return at
    others = {**at.others, **at.changed} if at.others else at.changed
    notes = {n: noted for n, noted in at.notes.items() if noted.refund == "asked"} if at.notes else at.notes
    return BilledAt(at.account_id, at.version, {}, others, notes, at.currency, at.clock)


BILLED: Final = Evolution("billed", _none, _apply, _at_rest, _apply_whole)
