"""Which remembered states may be used, and what stops an account."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from domain.commands import PurchaseAddon, PurchasePlan
from domain.events import AddonRemovalWithdrawn
from eventlog import StoredEvent
from eventlog.history import HistoryChunk
from eventlog.memory import MemoryEventLog
from projections.fold import ACCOUNT, AccountAt
from projections.live import page_folding
from projections.live.checkpoints import Checkpoint, LogPoint
from projections.live.page_folding import PageFolding
from projections.live.runs import LaneRun, RunChunk
from projections.registry import PROJECTIONS
from projections.states import AccountStates, Folded, Reading, from_start, read, recall, stream
from tests.support.projections.fold_driver import CODEC, Billing, instant, unreadable

A, B = "acme/a", "acme/b"


class CountingLog(MemoryEventLog):
    """Counts how often an account's stream was read, and how often those of several together."""

    streams = 0
    pages = 0

    def histories_up_to(self, versions: Mapping[str, int]) -> list[HistoryChunk]:
        self.pages += 1
        streams = self.streams
        try:
            return super().histories_up_to(versions)
        finally:
            self.streams = streams

    def read_account(
        self, account_id: str, after_version: int = 0, limit: int | None = None
    ) -> list[StoredEvent]:
        self.streams += 1
        return super().read_account(account_id, after_version, limit)


def states_of(log: MemoryEventLog, limit: int = 10) -> AccountStates[AccountAt | None]:
    return AccountStates(ACCOUNT, log, CODEC, limit=limit)


def readings(events: Sequence[StoredEvent]) -> list[Reading]:
    return [read(CODEC, stored) for stored in events]


def whole(log: MemoryEventLog, account_id: str) -> Folded[Any]:
    return from_start(ACCOUNT, stream(log, CODEC, account_id, until=log.last_position()))


def test_a_state_that_the_page_follows_is_not_read_again() -> None:
    billing = Billing(log := CountingLog())
    billing.open(A, "2026-03-20")
    states = states_of(log)
    states.advance(readings(log.read_account(A)))
    billing.give(A, PurchasePlan("standard"), "2026-03-20")
    page = readings(log.read_account(A, 1))
    log.streams = 0
    assert states.advance(page).version == 3
    assert log.streams == 0


def test_a_page_that_was_rolled_back_is_folded_again_from_the_log() -> None:
    billing = Billing(log := CountingLog())
    billing.open(A, "2026-03-20")
    billing.give(A, PurchasePlan("standard"), "2026-03-20")
    states = states_of(log)
    page = readings(log.read_account(A, 1))
    assert states.advance(page) == states.advance(page) == whole(log, A)


def test_a_state_of_another_history_is_not_used() -> None:
    billing = Billing(log := MemoryEventLog())
    billing.open(A, "2026-03-20")
    other = Billing(MemoryEventLog())
    other.open(A, "2026-03-20", currency="JPY")
    states = states_of(log)
    states.advance(readings(other.log.read_account(A)))
    billing.give(A, PurchasePlan("standard"), "2026-03-20")
    assert states.advance(readings(log.read_account(A, 1))) == whole(log, A)


def test_the_least_lately_used_state_is_forgotten() -> None:
    billing = Billing(log := CountingLog())
    states = states_of(log, limit=1)
    for account_id in (A, B):
        billing.open(account_id, "2026-03-20")
        states.advance(readings(log.read_account(account_id)))
    for account_id, streams in ((B, 0), (A, 1)):
        billing.give(account_id, PurchaseAddon("surveys"), "2026-03-20")
        page = readings(log.read_account(account_id, 1))
        log.streams = 0
        states.advance(page)
        assert log.streams == streams, account_id


def test_what_a_page_of_a_cold_cache_needs_is_read_together() -> None:
    billing = Billing(log := CountingLog())
    accounts = [f"acme/{nth}" for nth in range(20)]
    for account_id in accounts:
        billing.open(account_id, "2026-03-20")
        billing.give(account_id, PurchasePlan("standard"), "2026-03-20")
    page = {account_id: log.read_account(account_id, 2) for account_id in accounts}
    cold, warm = states_of(log, limit=20), states_of(log, limit=20)
    for kept in (cold, warm):
        log.streams, log.pages = 0, 0
        if kept is cold:
            recall([kept], log, CODEC, [events[0] for events in page.values()])
            recall([kept], log, CODEC, [events[0] for events in page.values()])
        for events in page.values():
            kept.advance(readings(events))
        assert (log.streams, log.pages) == ((0, 1) if kept is cold else (20, 0))
    for account_id in accounts:
        billing.give(account_id, PurchaseAddon("surveys"), "2026-03-20")
        more = readings(log.read_account(account_id, 3))
        assert cold.advance(more) == warm.advance(more) == whole(log, account_id)


def test_a_page_with_more_accounts_than_are_remembered_is_folded_without_reading_one_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(page_folding, "RECALLED", 5)
    billing = Billing(log := CountingLog())
    accounts = [f"acme/{nth}" for nth in range(20)]
    for account_id in accounts:
        billing.open(account_id, "2026-03-20")
    place = log.read_settled(0, 100)[-1]
    for account_id in accounts:
        billing.give(account_id, PurchasePlan("standard"), "2026-03-20")
    point, events = LogPoint(place.position, place.hash), log.read_settled(place.position, 100)
    checkpoint = Checkpoint("entitlements", 0, 1, 3, *point, 1)
    run = LaneRun((checkpoint,), range(1), point, None)
    folding = PageFolding(PROJECTIONS, log, CODEC, cached_accounts=5)
    log.streams, log.pages = 0, 0
    page = folding.fold(run, RunChunk(events, LogPoint(events[-1].position, events[-1].hash)), set())
    assert (log.streams, log.pages) == (0, 4)
    assert {document.account for document in page.documents["entitlements"]} == set(accounts)


def test_an_account_that_cannot_be_recalled_is_stopped_as_if_it_were_read_alone() -> None:
    billing = Billing(log := MemoryEventLog())
    for account_id in (A, B):
        billing.open(account_id, "2026-03-20")
    billing.append(A, unreadable())
    for account_id in (A, B):
        billing.give(account_id, PurchasePlan("standard"), "2026-03-20")
    firsts = {A: log.read_account(A, 2), B: log.read_account(B, 1)}
    states = states_of(log)
    recall([states], log, CODEC, [events[0] for events in firsts.values()])
    stopped, going_on = (states.advance(readings(events)) for events in firsts.values())
    assert stopped.failure is not None
    assert (stopped.version, stopped.failure.version) == (1, 2)
    assert going_on == whole(log, B)


def test_an_unreadable_event_leaves_the_state_before_it() -> None:
    billing = Billing(log := MemoryEventLog())
    billing.open(A, "2026-03-20")
    [poison] = billing.append(A, unreadable())
    folded = states_of(log).advance(readings(log.read_account(A)))
    assert folded.version == 1
    assert folded.failure is not None
    assert (folded.failure.version, folded.failure.position) == (2, poison.position)
    assert "cannot read event 'account_opened'" in folded.failure.error


def test_an_event_that_does_not_fit_the_state_stops_the_account_there() -> None:
    billing = Billing(log := MemoryEventLog())
    billing.open(A, "2026-03-20")
    billing.record(A, AddonRemovalWithdrawn(at=instant("2026-03-21"), product="surveys"))
    folded = states_of(log).advance(readings(log.read_account(A)))
    assert folded.version == 1
    assert folded.failure is not None
    assert (folded.failure.version, folded.failure.error) == (2, "KeyError: 'surveys'")


def test_a_failure_is_not_remembered_as_a_state() -> None:
    billing = Billing(log := MemoryEventLog())
    billing.open(A, "2026-03-20")
    states = states_of(log)
    billing.append(A, unreadable())
    states.advance(readings(log.read_account(A)))
    billing.append(A, unreadable())
    again = states.advance(readings(log.read_account(A, 2)))
    assert again.failure is not None
    assert (again.version, again.failure.version) == (1, 2)
