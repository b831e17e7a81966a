"""Whole histories are folded alike whoever reads them, and what fails stops what it concerns."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from domain.commands import PurchaseAddon, PurchasePlan
from eventlog.codec import kinds_of
from eventlog.history import HistoryChunk, chunk_of
from eventlog.memory import MemoryEventLog
from projections.histories import fold_accounts
from projections.registry import FOLDS
from projections.states import from_start, stream
from tests.support.projections.fold_driver import CODEC, Billing, unreadable

A, B, C = "acme/a", "acme/b", "acme/c"


@pytest.fixture
def billing() -> Billing:
    billing = Billing(MemoryEventLog())
    for account_id in (A, B, C):
        billing.open(account_id, "2026-03-20")
        billing.give(account_id, PurchasePlan("standard"), "2026-03-20")
        billing.give(account_id, PurchaseAddon("surveys"), "2026-03-21")
    return billing


def chunks(billing: Billing, size: int) -> Iterator[HistoryChunk]:
    """The histories of all accounts, in chunks of so many events."""
    for account_id in billing.log.accounts():
        events = billing.log.read_account(account_id)
        for begin in range(0, len(events), size):
            part = events[begin : begin + size]
            yield chunk_of(part, kinds_of(part))


@pytest.mark.parametrize("name", FOLDS)
@pytest.mark.parametrize("size", [1, 2, 100])
def test_in_chunks_of_any_size_the_documents_are_those_of_event_after_event(
    billing: Billing, name: str, size: int
) -> None:
    fold, until = FOLDS[name], billing.log.last_position()
    made = {one.account_id: one.documents for one in fold_accounts(fold, CODEC, chunks(billing, size))}
    assert list(made) == [A, B, C]
    for account_id, documents in made.items():
        alone = from_start(fold.evolution, stream(billing.log, CODEC, account_id, until=until))
        assert documents == fold.documents(alone.state)


def test_an_event_that_cannot_be_read_stops_its_account_alone(billing: Billing) -> None:
    billing.append(B, unreadable())
    for fold in FOLDS.values():
        made = {one.account_id: one.documents for one in fold_accounts(fold, CODEC, chunks(billing, 2))}
        assert [account_id for account_id, documents in made.items() if documents is None] == [B]


def test_a_missing_version_stops_its_account_alone(billing: Billing) -> None:
    with_gap = [
        replace(chunk, version=chunk.version - 1) if chunk.account_id == A else chunk
        for chunk in chunks(billing, 100)
    ]
    for fold in FOLDS.values():
        made = {one.account_id: one.documents for one in fold_accounts(fold, CODEC, with_gap)}
        assert [account_id for account_id, documents in made.items() if documents is None] == [A]


def test_what_the_reader_raises_in_the_middle_of_an_account_is_not_taken_for_the_accounts_fault(
    billing: Billing,
) -> None:
    def lost() -> Iterator[HistoryChunk]:
        yield next(chunks(billing, 1))
        raise ConnectionError("the server went away")

    for fold in FOLDS.values():
        with pytest.raises(ConnectionError):
            list(fold_accounts(fold, CODEC, lost()))
