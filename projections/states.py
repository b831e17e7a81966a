"""States of accounts, folded page after page. A bounded cache holds them; the log makes those that it lacks.

    states = AccountStates(fold.evolution, log, codec, limit=10_000)
    account = states.advance(readings)          # the readings of one account's events in a page
    documents = fold.documents(account.state)

A cached state is used only if the next event's chain hash continues it. So neither a rolled back transaction,
nor a page read twice, nor another log can reach a document.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Generic, TypeAlias, TypeVar
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.events import Event
from eventlog import NO_HASH, EventLog, StoredEvent, hash_of
from eventlog.codec import Codec
from eventlog.history import EventPlaces, HistoryChunk, places_of
from projections.fold import Evolution, Fold
from projections.histories import advanced
from projections.live.parking import EventFailure, failure_at, failure_of, forged_at

S = TypeVar("S")
D = TypeVar("D")

Reading: TypeAlias = tuple[Event | EventFailure, StoredEvent]
"""An event of the log as decoded, or the failure to decode it, and the event as stored."""

_STREAM_PAGE = 1_000


class Folded(msgspec.Struct, Generic[S], frozen=True, gc=False):
    """A state, the place of the last event in it, and the failure that stopped the fold before its end, if
    any."""

    state: S
    version: int = 0
    position: int = 0
    hash: bytes = NO_HASH
    failure: EventFailure | None = None


def read(codec: Codec[Event], stored: StoredEvent) -> Reading:
    """Decode the event; a failure is returned, not raised."""
    try:
        return codec.read(stored), stored
    except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this event alone
        return failure_at(stored, error), stored


def read_all(codec: Codec[Event], events: Sequence[StoredEvent]) -> list[Reading]:
    """`read` each of these events; faster if all can be decoded."""
    try:
        return list(zip(codec.read_all(events), events, strict=True))
    except Exception:  # noqa: BLE001 - `read` finds the event that fails
        return [read(codec, stored) for stored in events]


def checked(log_id: UUID, readings: Iterable[Reading]) -> Iterator[Reading]:
    """Yield the readings, with a failure for each event that Prorata did not append.

    Such an event's fields do not give its hash, or it does not continue the event before it of its account.
    """
    ends: dict[str, bytes] = {}
    for reading in readings:
        stored = reading[1]
        if hash_of(log_id, stored) != stored.hash:
            yield forged_at(stored, "its fields do not give its hash"), stored
        elif ends.get(stored.account_id, stored.previous_hash) != stored.previous_hash:
            yield forged_at(stored, "it does not follow the event before it"), stored
        else:
            ends[stored.account_id] = stored.hash
            yield reading


def stream(
    log: EventLog, codec: Codec[Event], account_id: str, *, until: int, after: int = 0
) -> Iterator[Reading]:
    """Read the account's events with a version above `after`, up to the position `until` (inclusive), in
    order."""
    while True:
        page = log.read_account(account_id, after, _STREAM_PAGE)
        for stored in page:
            if stored.position > until:
                return
            yield read(codec, stored)
        if len(page) < _STREAM_PAGE:
            return
        after = page[-1].version


class EventsAtOnce(msgspec.Struct, frozen=True, gc=False):
    """Events of one account that can be folded all at once, since each was read and follows the one before
    it, and where they stand."""

    events: Sequence[Event]
    places: EventPlaces
    last: StoredEvent


def at_once(readings: Sequence[Reading]) -> EventsAtOnce | None:
    """What several evolutions fold at once, made once for all of them; None: fold reading by reading."""
    if len(readings) < 2:
        return None
    events, stored = zip(*readings, strict=True)
    places = places_of(stored)
    if not places.follow_each_other or EventFailure in map(type, events):
        return None
    return EventsAtOnce(events, places, stored[-1])


def fold_on(
    evolution: Evolution[S], folded: Folded[S], readings: Sequence[Reading], whole: EventsAtOnce | None
) -> Folded[S]:
    """The state after the readings, or before the first one that cannot be read or folded. `whole`: what
    `at_once` makes of them."""
    if whole is not None and evolution.whole is not None:
        with suppress(Exception):  # `_fold_each` finds the event that fails
            state, last = evolution.whole(folded.state, whole.events, whole.places), whole.last
            return Folded(state, last.version, last.position, last.hash)
    return _fold_each(evolution, folded, readings)


def _fold_each(evolution: Evolution[S], folded: Folded[S], page: Sequence[Reading]) -> Folded[S]:
    state, last, failure = folded.state, None, None
    for event, stored in page:
        if isinstance(event, EventFailure):
            failure = event
            break
        try:
            state = evolution.apply(state, event, stored)
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this account alone
            failure = failure_at(stored, error)
            break
        last = stored
    if last is None:
        return replace(folded, failure=failure)
    return Folded(state, last.version, last.position, last.hash, failure)


def from_start(evolution: Evolution[S], readings: Iterable[Reading]) -> Folded[S]:
    """The state after an account's whole history."""
    page = list(readings)
    return fold_on(evolution, Folded(evolution.start()), page, at_once(page))


def documents_of(
    fold: Fold[S, D], account_id: str, folded: Folded[S]
) -> tuple[tuple[D, ...], EventFailure | None]:
    """The documents of the state, and the failure that stopped the account, if any. A state whose documents
    cannot be made has none, and a failure."""
    try:
        return fold.documents(folded.state), folded.failure
    except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this account alone
        return (), failure_of(account_id, folded.version, folded.position, error)


_TOGETHER = 20_000
"""Events that a statement reads of several accounts; a longer history is read alone, page after page."""


def recall(
    states: Iterable[AccountStates[Any]], log: EventLog, codec: Codec[Event], firsts: Iterable[StoredEvent]
) -> None:
    """Let each of these know the accounts' states before these events, as far as it can: a cache that is cold
    reads the histories of a page together, in a few statements instead of one for each account."""
    states = list(states)
    lacking = {
        first.account_id: first
        for first in firsts
        if 1 < first.version <= _TOGETHER and not all(kept.has_before(first) for kept in states)
    }
    for some in _parts(lacking.values()):
        for chunk in log.histories_up_to({first.account_id: first.version - 1 for first in some}):
            first = lacking[chunk.account_id]
            wanting = [kept for kept in states if not kept.has_before(first)]
            evolutions = [kept.evolution for kept in wanting]
            made = advanced(evolutions, codec, [evolution.start() for evolution in evolutions], chunk)
            for kept, state in zip(wanting, made or (), strict=False):
                kept.keep_before(first, state, chunk)


def _parts(firsts: Iterable[StoredEvent]) -> Iterator[list[StoredEvent]]:
    """Divide them, so that the events before those of a part are at most _TOGETHER."""
    part: list[StoredEvent] = []
    events = 0
    for first in firsts:
        events += first.version
        if part and events > _TOGETHER:
            yield part
            part, events = [], first.version
        part.append(first)
    if part:
        yield part


class AccountStates(Generic[S]):
    """Keeps the states of up to `limit` accounts under one evolution; drops the least recently used first."""

    def __init__(self, evolution: Evolution[S], log: EventLog, codec: Codec[Event], *, limit: int) -> None:
        self.evolution = evolution
        self._log = log
        self._codec = codec
        self._limit = limit
        self._kept: OrderedDict[str, Folded[S]] = OrderedDict()

    def advance(self, readings: list[Reading], whole: EventsAtOnce | None = None) -> Folded[S]:
        """The account's state after these consecutive events of it. `whole`: what `at_once` makes of them,
        where that is known."""
        [_, first] = readings[0]
        before = self._before(first)
        if before.failure is not None:
            return before
        after = fold_on(self.evolution, before, readings, at_once(readings) if whole is None else whole)
        if after.failure is None:
            rested = self.evolution.at_rest(after.state)
            kept = after if rested is after.state else replace(after, state=rested)
            self._keep(first.account_id, kept)
        return after

    def has_before(self, first: StoredEvent) -> bool:
        """Whether the account's state before this event is kept; if so, it is the last one to be dropped."""
        kept = self._kept.get(first.account_id)
        if kept is None or kept.hash != first.previous_hash:
            return False
        self._kept.move_to_end(first.account_id)
        return True

    def keep_before(self, first: StoredEvent, state: S, chunk: HistoryChunk) -> None:
        """Keep the account's state after the chunk, all its events before this one, unless another history
        came between."""
        if chunk.hash == first.previous_hash:
            rested, last = self.evolution.at_rest(state), chunk.last
            self._keep(first.account_id, Folded(rested, last.version, last.position, chunk.hash))

    def _before(self, first: StoredEvent) -> Folded[S]:
        kept = self._kept.pop(first.account_id, None)
        if kept is not None and kept.hash == first.previous_hash:
            return kept
        if first.version == 1 and first.previous_hash == NO_HASH:
            return Folded(self.evolution.start())
        earlier = stream(self._log, self._codec, first.account_id, until=first.position - 1)
        folded = from_start(self.evolution, earlier)
        if folded.failure is None and folded.hash != first.previous_hash:
            return replace(folded, failure=forged_at(first, "it does not follow the event before it"))
        return replace(folded, state=self.evolution.at_rest(folded.state))

    def _keep(self, account_id: str, folded: Folded[S]) -> None:
        self._kept[account_id] = folded
        while len(self._kept) > self._limit:
            self._kept.popitem(last=False)
