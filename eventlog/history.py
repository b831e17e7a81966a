"""Pieces of accounts' histories and where they stand in the log: plain values, whatever streamed them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import count, repeat
from typing import Final

import msgspec

from eventlog.records import MAX_ACCOUNT_ID_BYTES, StoredEvent

BEYOND_ALL: Final = "\U0010ffff" * (MAX_ACCOUNT_ID_BYTES // 4 + 1)
"""A text that sorts after every account id."""


class AccountRange(msgspec.Struct, frozen=True):
    """The accounts after `after`, up to and including `last`, in byte order."""

    after: str
    last: str


EVERY_ACCOUNT: Final = AccountRange("", BEYOND_ALL)


class EventPlace(msgspec.Struct, frozen=True, gc=False):
    """Where an event stands in the log."""

    account_id: str
    version: int
    position: int
    recorded_at: datetime


class EventPlaces(msgspec.Struct, frozen=True, gc=False):
    """Where events of one account stand, in order; `version` is that of the first. If only the last place was
    asked for, `positions` and `recorded_at` hold that of the last event alone."""

    account_id: str
    version: int
    last_version: int
    positions: list[int]
    recorded_at: list[datetime]

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def follow_each_other(self) -> bool:
        """Whether no version between the first and the last one is missing, as in every sound log."""
        return self.last_version - self.version + 1 == len(self)

    @property
    def last(self) -> EventPlace:
        """Where the last event stands."""
        return EventPlace(self.account_id, self.last_version, self.positions[-1], self.recorded_at[-1])

    def each(self) -> Iterator[EventPlace]:
        """Where each event stands. The events follow each other, and every place was asked for."""
        assert len(self.positions) == len(self)
        return map(EventPlace, repeat(self.account_id), count(self.version), self.positions, self.recorded_at)


class HistoryChunk(EventPlaces, frozen=True, gc=False):
    """Events of one account, column by column, with their places; `kinds` as `Codec.decode_all` takes them.
    `hash`: that of the last event, where it was asked for."""

    kinds: str
    states: list[bytes]
    hash: bytes = b""

    def __len__(self) -> int:
        return len(self.states)


def places_of(events: Sequence[StoredEvent]) -> EventPlaces:
    """Where these events of one account stand; there is at least one."""
    return EventPlaces(
        events[0].account_id,
        events[0].version,
        events[-1].version,
        [event.position for event in events],
        [event.recorded_at for event in events],
    )


def chunk_of(events: Sequence[StoredEvent], kinds: str) -> HistoryChunk:
    """These events of one account, of these kinds; there is at least one."""
    places, states = places_of(events), [event.state for event in events]
    return HistoryChunk(
        places.account_id,
        places.version,
        places.last_version,
        places.positions,
        places.recorded_at,
        kinds,
        states,
        events[-1].hash,
    )
