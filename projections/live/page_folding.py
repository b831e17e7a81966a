"""Fold a page of events into each projection's documents, before anything is written.

    page = PageFolding(projections, log, codec, cached_accounts=10_000).fold(run, chunk, stopped)

No transaction is open while it folds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Any, Final, TypeAlias

import msgspec

from eventlog import EventLog, StoredEvent
from eventlog.codec import Codec
from projections.fold import Fold
from projections.live.checkpoints import LogPoint
from projections.live.parking import EventFailure
from projections.live.runs import LaneRun, RunChunk
from projections.states import (
    AccountStates,
    Folded,
    Reading,
    at_once,
    checked,
    documents_of,
    read_all,
    recall,
)
from projections.tables import Projection

_Making: TypeAlias = tuple[str, Fold[Any, Any], list[Any]]
"""A projection's name, its fold, and its documents in the page so far."""

RECALLED: Final = 1_000
"""Accounts whose histories are read together, where they are not remembered: fewer than are remembered, so
that none is forgotten again before its events are folded."""


class FoldedPage(msgspec.Struct, frozen=True):
    """By projection: the documents, at `end`, of the accounts that `events` events touched, and the failures
    that stopped accounts."""

    run: LaneRun
    end: LogPoint
    events: int
    documents: dict[str, list[Any]]
    failures: dict[str, list[EventFailure]]

    @property
    def stopped(self) -> set[tuple[str, str]]:
        """The (projection, account id) of each failure."""
        return {(name, failure.account_id) for name, made in self.failures.items() for failure in made}

    def without(self, stopped: frozenset[tuple[str, str]]) -> FoldedPage:
        """The page without accounts, as (projection, account id), that the page before has stopped."""
        if not stopped:
            return self
        return msgspec.structs.replace(
            self,
            documents={
                n: [d for d in made if (n, d.account) not in stopped] for n, made in self.documents.items()
            },
            failures={
                n: [f for f in made if (n, f.account_id) not in stopped] for n, made in self.failures.items()
            },
        )


class PageFolding:
    """Folds pages. Between them it keeps the states of up to `cached_accounts` accounts for each
    evolution."""

    def __init__(
        self, projections: Iterable[Projection], log: EventLog, codec: Codec[Any], *, cached_accounts: int
    ) -> None:
        self._projections = {projection.name: projection for projection in projections}
        self._codec = codec
        self._log = log
        self._log_id = log.log_id
        self._states = {
            p.fold.evolution.name: AccountStates(p.fold.evolution, log, codec, limit=cached_accounts)
            for p in self._projections.values()
        }

    def fold(self, run: LaneRun, chunk: RunChunk, stopped: AbstractSet[tuple[str, str]]) -> FoldedPage:
        """Fold the events; an account that is `stopped` in a projection gets no documents there."""
        page = FoldedPage(
            run, chunk.end, len(chunk.events), {n: [] for n in run.names}, {n: [] for n in run.names}
        )
        making = [(name, self._projections[name].fold, made) for name, made in page.documents.items()]
        used = [self._states[name] for name in {fold.evolution.name for _, fold, _ in making}]
        accounts = iter(self._readings(chunk.events).items())
        while some := list(islice(accounts, RECALLED)):
            recall(used, self._log, self._codec, [readings[0][1] for _, readings in some])
            for account_id, readings in some:
                going_on = [of for of in making if (of[0], account_id) not in stopped] if stopped else making
                self._fold_account(page, account_id, readings, going_on)
        return page

    def _readings(self, events: Sequence[StoredEvent]) -> dict[str, list[Reading]]:
        """The readings of each account's events, in order; a forged event is read as a failure."""
        by_account: dict[str, list[Reading]] = {}
        for reading in checked(self._log_id, read_all(self._codec, events)):
            by_account.setdefault(reading[1].account_id, []).append(reading)
        return by_account

    def _fold_account(
        self, page: FoldedPage, account_id: str, readings: list[Reading], making: Sequence[_Making]
    ) -> None:
        after, whole, folded = page.run.place.position, at_once(readings), dict[str, Folded[Any]]()
        for name, fold, documents in making:
            evolution = fold.evolution.name
            at = folded.get(evolution)
            if at is None:
                at = folded[evolution] = self._states[evolution].advance(readings, whole)
            made, failure = documents_of(fold, account_id, at)
            if made:
                documents += [document for document in made if document.revision > after]
            if failure is not None:
                page.failures[name].append(failure)
