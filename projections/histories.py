"""Fold whole histories, account after account: pure, the same for whoever reads them from wherever.

    for made in fold_accounts(projection.fold, codec, chunks):
        made.account_id, made.documents     # None: folded event by event it tells which event fails

A rebuild folds what it streams; a projector recalls so the accounts that it does not remember.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from operator import attrgetter
from typing import Any, Generic, TypeVar

import msgspec

from domain.events import Event
from eventlog.codec import Codec
from eventlog.history import HistoryChunk
from projections.fold import Evolution, Fold

D = TypeVar("D")


class FoldedAccount(msgspec.Struct, Generic[D], frozen=True, gc=False):
    """An account's documents after its whole history; None if anything in it could not be read or folded."""

    account_id: str
    documents: tuple[D, ...] | None


def fold_accounts(
    fold: Fold[Any, D], codec: Codec[Event], chunks: Iterable[HistoryChunk]
) -> Iterator[FoldedAccount[D]]:
    """Fold the chunks, of which those of one account follow each other from its first event on.

    Memory holds one chunk and one account's state. What the reader of the chunks raises is raised; whatever
    an account's own events cause stops that account alone.
    """
    evolutions = [fold.evolution]
    for account_id, own in groupby(chunks, key=attrgetter("account_id")):
        states: list[Any] | None = [fold.evolution.start()]
        for chunk in own:
            states = None if states is None else advanced(evolutions, codec, states, chunk)
        documents = None
        if states is not None:
            with suppress(Exception):
                documents = fold.documents(states[0])
        yield FoldedAccount(account_id, documents)


def advanced(
    evolutions: Sequence[Evolution[Any]], codec: Codec[Event], states: Sequence[Any], chunk: HistoryChunk
) -> list[Any] | None:
    """The account's state under each evolution after the chunk too; None if anything in it cannot be read or
    folded, or a version is missing."""
    if not chunk.follow_each_other:
        return None
    try:
        events = codec.decode_all(chunk.kinds, chunk.states)
        pairs = zip(evolutions, states, strict=True)
        return [evolution.apply_all(state, events, chunk) for evolution, state in pairs]
    except Exception:  # noqa: BLE001 - folding event by event finds the cause
        return None
