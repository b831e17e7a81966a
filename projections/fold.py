"""Folds: from an account's events to the documents that are shown of it, and nothing else.

    state = fold.start()
    for stored in log.read_account(account_id):
        state = fold.apply(state, codec.read(stored), stored)
    documents = fold.documents(state)

A fold is pure and knows only the log, so the rows in PostgreSQL, the state topics in Kafka and a question
about the past are answers of the same code. Every document carries `revision`, the position of the last
event that made it, the account's `version` there, and `fold`, the version of the fold. All three follow from
the log alone: not from pages, restarts or the order in which projections ran.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, Protocol, TypeVar

import msgspec

from domain.calendar import Instant
from domain.events import Event
from domain.evolve import evolve, evolve_all
from domain.state import Account
from domain.views import Entitlement, entitlements
from eventlog.history import EventPlaces

S = TypeVar("S")
D = TypeVar("D")


class Placed(Protocol):
    """What a fold may know of an event beside its content: a StoredEvent has it, and so has a rebuild's
    Place."""

    @property
    def account_id(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def position(self) -> int: ...
    @property
    def recorded_at(self) -> Instant: ...


@dataclass(frozen=True)
class Evolution(Generic[S]):
    """How an account's events become a state. Folds with the same evolution share its states.

    `apply` takes the events of one account in order, each version after the one before, else raises.
    `at_rest` drops from a state what no later event or document needs, so that many can be kept in memory.
    `whole` returns what `apply` would after many events of an account, but faster; with `last_place` it needs
    the place of the last event only.
    """

    name: str
    start: Callable[[], S]
    apply: Callable[[S, Event, Placed], S]
    at_rest: Callable[[S], S]
    whole: Callable[[S, Sequence[Event], EventPlaces], S] | None = None
    last_place: bool = False

    def apply_all(self, state: S, events: Sequence[Event], places: EventPlaces) -> S:
        """The state after all these events of one account, each with its place in the log."""
        if self.whole is not None:
            return self.whole(state, events, places)
        for event, place in zip(events, places.each(), strict=True):
            state = self.apply(state, event, place)
        return state


@dataclass(frozen=True)
class Fold(Generic[S, D]):
    """A named reading of an evolution's states. `version` is raised when a document's meaning changes.

    `read` makes documents from a state and the fold's version; `key` names a document within its account
    (None: the account has only one).
    """

    name: str
    version: int
    evolution: Evolution[S]
    read: Callable[[S, int], tuple[D, ...]]
    key: Callable[[D], str | None]

    def start(self) -> S:
        """The state of an account without events."""
        return self.evolution.start()

    def apply(self, state: S, event: Event, placed: Placed) -> S:
        """The state after the event; `placed` is its place in the log."""
        return self.evolution.apply(state, event, placed)

    def at_rest(self, state: S) -> S:
        """The state to keep between pages: it may show fewer documents, but never different ones."""
        return self.evolution.at_rest(state)

    def documents(self, state: S) -> tuple[D, ...]:
        """The account's documents; none before its first event."""
        return self.read(state, self.version)


def one_for_each_account(_: object) -> None:
    """The key of a fold that makes one document an account."""


class AccountAt(msgspec.Struct, frozen=True, dict=True):
    """The account's state after the event at `position`, recorded at `recorded_at`."""

    account_id: str
    position: int
    recorded_at: Instant
    state: Account

    @cached_property
    def entitlements(self) -> dict[str, Entitlement]:
        """As the account's state shows them, made once for all read models that ask."""
        return entitlements(self.state)


def _evolve(before: AccountAt | None, event: Event, placed: Placed) -> AccountAt:
    state = evolve(None if before is None else before.state, event)
    if state.version != placed.version:
        raise ValueError(f"version {placed.version} was to be folded as version {state.version}")
    return AccountAt(placed.account_id, placed.position, placed.recorded_at, state)


def _evolve_whole(before: AccountAt | None, events: Sequence[Event], places: EventPlaces) -> AccountAt | None:
    state = evolve_all(None if before is None else before.state, events)
    last = places.last
    if state is None or state.version != last.version:
        raise ValueError(f"versions up to {last.version} were to be folded, which do not follow each other")
    return AccountAt(last.account_id, last.position, last.recorded_at, state)


def _without_commands(at: AccountAt | None) -> AccountAt | None:
    """Drop the command keys, up to 1,000 an account, which no document shows, and what was shown."""
    if at is None:
        return at
    state = at.state
    if state.commands:
        state = msgspec.structs.replace(state, commands={})
    return AccountAt(at.account_id, at.position, at.recorded_at, state)


def _unopened() -> None:
    return None


ACCOUNT: Evolution[AccountAt | None] = Evolution(
    "account", _unopened, _evolve, _without_commands, _evolve_whole, last_place=True
)
"""The state of `domain.evolve`, with the place of the last event."""
