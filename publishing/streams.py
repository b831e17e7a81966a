"""What is published: the events themselves, and the states that folds make of them.

A stream turns a page of settled events into records. It knows no position and no Kafka: after a failure the
relay gives it the same page, or one that begins earlier, again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, Generic, Protocol, TypeVar
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.events import Event
from eventlog import EventLog, StoredEvent
from eventlog.codec import Codec, domain_codec
from projections.fold import Evolution, Fold
from projections.models import access_windows, credit_notes, entitlements, invoices
from projections.states import AccountStates, Folded, Reading, checked, from_start, read, stream
from publishing.checkpoints import STREAMS
from publishing.clocks import REMEMBERED_CLOCKS, AccountClocks
from publishing.envelope import PublishedState, Record, event_record, state_record
from publishing.headers import EventHeaders
from publishing.topics import Topic, Topics

logger = logging.getLogger(__name__)

S = TypeVar("S")

REMEMBERED_ACCOUNTS: Final = 10_000
"""How many accounts' states are kept in memory; others are folded anew from the log."""


class Stream(Protocol):
    """A set of topics that one relay writes, in transactions with its position."""

    @property
    def name(self) -> str: ...

    @property
    def number(self) -> int:
        """Its partition of the position topic. Never changed, never used again."""
        ...

    @property
    def topics(self) -> tuple[Topic, ...]: ...

    @property
    def folds(self) -> dict[str, int]:
        """The version of the fold that this code makes each state topic with, by its name without prefix."""
        ...

    def records(
        self, page: Sequence[StoredEvent], last: tuple[int, ...]
    ) -> tuple[list[Record], tuple[int, ...]]:
        """The page's records, and the last event's position in each partition after it, `last` before."""
        ...


class EventStream:
    """`billing.events.v1`: each event as stored, with the position of the one before it in its partition."""

    name: Final = "events"
    number: Final = STREAMS["events"]

    def __init__(self, log: EventLog, topics: Topics, *, remembered_clocks: int = REMEMBERED_CLOCKS) -> None:
        self._headers = EventHeaders(log.log_id)
        self._clocks = AccountClocks(log, remembered=remembered_clocks)
        self._topic = topics.events
        self.topics = (topics.events,)
        self.folds: dict[str, int] = {}

    def records(
        self, page: Sequence[StoredEvent], last: tuple[int, ...]
    ) -> tuple[list[Record], tuple[int, ...]]:
        topic, headers, records, before = self._topic, self._headers, [], list(last)
        clocks = self._clocks.of(page)
        for stored in page:
            partition, clock = topic.partition_of(stored.account_id), clocks[stored.account_id]
            records.append(event_record(topic, headers, stored, partition, before[partition], clock))
            before[partition] = stored.position
        return records, tuple(before)


class StateStream:
    """The state topics: for each account of a page, the state after its last event there.

    An account whose history this code cannot fold is left out, and reported; what was published of it stays.
    Its next event tries again, from its first one.
    """

    name: Final = "state"
    number: Final = STREAMS["state"]

    def __init__(self, log: EventLog, topics: Topics, *, remembered: int = REMEMBERED_ACCOUNTS) -> None:
        self._log = log
        self._log_id = log.log_id
        self._codec = domain_codec()
        of_account = ((entitlements.FOLD, topics.entitlements), (access_windows.FOLD, topics.access_windows))
        of_bills = ((invoices.FOLD, topics.invoices), (credit_notes.FOLD, topics.credit_notes))
        self._documents: tuple[_Documents[Any], ...] = tuple(
            [
                _Documents(log, self._codec, folds[0][0].evolution, folds, remembered)
                for folds in (of_account, of_bills)
            ]
        )
        self.topics = tuple([topic for documents in self._documents for topic in documents.topics])
        self.folds = {base: version for of in self._documents for base, version in of.versions.items()}

    def records(
        self, page: Sequence[StoredEvent], last: tuple[int, ...]
    ) -> tuple[list[Record], tuple[int, ...]]:
        by_account: dict[str, list[Reading]] = {}
        for stored in page:
            by_account.setdefault(stored.account_id, []).append(read(self._codec, stored))
        records: list[Record] = []
        for readings in by_account.values():
            for documents in self._documents:
                records += documents.records(self._log_id, readings)
        return records, last

    def states(self, topic: Topic, until: int) -> Iterator[tuple[PublishedState, Record]]:
        """Of every account, what that topic has to hold once the log up to the position is published: each
        state, and the record that sends it again, which replaces whatever was held of its key."""
        [documents] = [documents for documents in self._documents if topic in documents.topics]
        for account_id in self._log.accounts():
            events = stream(self._log, self._codec, account_id, until=until)
            readings = list(checked(self._log_id, events))
            yield from documents.from_start(self._log_id, readings, topic, until)


class _Documents(Generic[S]):
    """The documents of some folds over the same states, as records."""

    def __init__(
        self,
        log: EventLog,
        codec: Codec[Event],
        evolution: Evolution[S],
        folds: Sequence[tuple[Fold[S, Any], Topic]],
        remembered: int,
    ) -> None:
        self._evolution = evolution
        self._states = AccountStates(evolution, log, codec, limit=remembered)
        self._folds = folds
        self.topics = tuple([topic for _, topic in folds])
        self.versions = {topic.base: fold.version for fold, topic in folds}
        self._encoder = msgspec.json.Encoder(order="deterministic")

    def records(self, log_id: UUID, readings: list[Reading]) -> Iterator[Record]:
        """Of what one account's events in a page made or changed."""
        for topic, key, state, recorded_at in self._states_of(
            log_id, self._states.advance(readings), readings
        ):
            yield state_record(topic, key, state, topic.partition_of(state.account_id), recorded_at)

    def from_start(
        self, log_id: UUID, readings: list[Reading], of: Topic, until: int
    ) -> Iterator[tuple[PublishedState, Record]]:
        """Of all that the account's whole history makes in that topic."""
        for topic, key, state, recorded_at in self._states_of(
            log_id, from_start(self._evolution, readings), readings
        ):
            if topic == of:
                again = replace(state, refreshed_at=until)
                partition = topic.partition_of(state.account_id)
                yield state, state_record(topic, key, again, partition, recorded_at)

    def _states_of(
        self, log_id: UUID, folded: Folded[S], readings: list[Reading]
    ) -> Iterator[tuple[Topic, str, PublishedState, datetime]]:
        if folded.failure is not None:
            logger.error("state topics: left out %s", folded.failure)
        recorded = {stored.position: stored.recorded_at for _, stored in readings}
        for fold, topic in self._folds:
            for document in fold.documents(folded.state):
                if document.revision in recorded:
                    within, account_id = fold.key(document), document.account
                    state = PublishedState(
                        log_id=log_id,
                        type=fold.name,
                        account_id=account_id,
                        fold=document.fold,
                        revision=document.revision,
                        value=self._encoder.encode(document),
                        clock=document.clock,
                    )
                    key = account_id if within is None else f"{account_id}/{within}"
                    yield topic, key, state, recorded[document.revision]
