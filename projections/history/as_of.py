"""What was shown of an account at a moment of the past, from the log alone.

[document] = as_of(log, entitlements.FOLD, "acme/a-1", AtInstant(instant))
documents = as_of(log, invoices.FOLD, "acme/a-1", AtInstant(instant), KnownAt(another))

With several moments, an event counts if it lies before all of them. These are the documents after an
account's events; `projections.history.past` says what time has done since the last of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import takewhile
from typing import Any, TypeVar, assert_never

import msgspec

from domain.calendar import Instant
from eventlog import EventLog, StoredEvent
from eventlog.codec import Codec, domain_codec
from projections.fold import Fold

S = TypeVar("S")
D = TypeVar("D")

_PAGE = 1_000


class At(msgspec.Struct, frozen=True):
    """The moment at which the log had reached this position."""

    position: int


class AtVersion(msgspec.Struct, frozen=True):
    """The moment at which the account had this many events."""

    version: int


class KnownAt(msgspec.Struct, frozen=True):
    """What was known at this instant: the events recorded by then."""

    at: Instant


class AtInstant(msgspec.Struct, frozen=True):
    """What was true at this instant: the events effective by then, however late they were recorded."""

    at: Instant


Moment = At | AtVersion | KnownAt | AtInstant


def as_of(
    log: EventLog,
    fold: Fold[S, D],
    account_id: str,
    *moments: Moment,
    codec: Codec[Any] | None = None,
) -> tuple[D, ...]:
    """The documents that follow from the account's events up to the moments, inclusive; none before the
    first.

    Raises EventUnreadable for an event that this code cannot read.
    """
    reader = codec or domain_codec()
    state = fold.start()
    for stored in counted(events_of(log, account_id), *moments):
        state = fold.apply(state, reader.read(stored), stored)
    return fold.documents(state)


def counted(events: Iterable[StoredEvent], *moments: Moment) -> Iterator[StoredEvent]:
    """The longest run of first events of an account that lie at or before all of the moments."""
    return takewhile(lambda stored: all(_is_by(moment, stored) for moment in moments), events)


def events_of(log: EventLog, account_id: str) -> Iterator[StoredEvent]:
    """All of the account's events, read in pages."""
    after = 0
    while page := log.read_account(account_id, after, _PAGE):
        yield from page
        after = page[-1].version


def _is_by(moment: Moment, stored: StoredEvent) -> bool:
    match moment:
        case At(position):
            return stored.position <= position
        case AtVersion(version):
            return stored.version <= version
        case KnownAt(at):
            return stored.recorded_at <= at
        case AtInstant(at):
            return stored.effective_at <= at
        case _:
            assert_never(moment)
