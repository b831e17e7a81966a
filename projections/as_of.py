"""What was shown of an account at a moment of the past, from the log alone.

[document] = as_of(log, entitlements.FOLD, "acme/a-1", Effective(instant))
documents = as_of(log, invoices.FOLD, "acme/a-1", Recorded(instant))
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
    """When the log had reached this position."""

    position: int


class Recorded(msgspec.Struct, frozen=True):
    """As known at this instant: what had been recorded by then."""

    at: Instant


class Effective(msgspec.Struct, frozen=True):
    """As it was at this instant, as far as is known now: what took effect by then, however late recorded."""

    at: Instant


Moment = At | Recorded | Effective


def as_of(
    log: EventLog,
    fold: Fold[S, D],
    account_id: str,
    moment: Moment,
    *,
    codec: Codec[Any] | None = None,
) -> tuple[D, ...]:
    """The documents that the account's events up to and including the moment make, none before the first.

    Raises EventUnreadable for an event that this code cannot read.
    """
    reader = codec or domain_codec()
    state = fold.start()
    for stored in takewhile(_is_by(moment), _events(log, account_id)):
        state = fold.apply(state, reader.read(stored), stored)
    return fold.documents(state)


def _is_by(moment: Moment) -> Callable[[StoredEvent], bool]:
    match moment:
        case At(position):
            return lambda stored: stored.position <= position
        case Recorded(at):
            return lambda stored: stored.recorded_at <= at
        case Effective(at):
            return lambda stored: stored.effective_at <= at
        case _:
            assert_never(moment)


def _events(log: EventLog, account_id: str) -> Iterator[StoredEvent]:
    after = 0
    while page := log.read_account(account_id, after, _PAGE):
        yield from page
        after = page[-1].version
