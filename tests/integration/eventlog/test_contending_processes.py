"""Processes whose grouped appends want the same accounts, beside slow transactions, and a reader of all."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from uuid import UUID

from eventlog import StoredEvent, verify_account
from eventlog.postgres.log import PostgresEventLog
from tests.support.eventlog.contending import ACCOUNTS, by_hand, by_tasks, by_threads
from tests.support.eventlog.sessions import Session, deadlocks


def test_every_win_is_whole_no_loss_leaves_anything_nobody_deadlocks_and_a_reader_sees_all_in_order(
    log: PostgresEventLog, service_url: str, session: Session
) -> None:
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as pool:
        grouped = [pool.submit(door, service_url, seed) for seed, door in enumerate((by_tasks, by_threads))]
        grouped += [pool.submit(by_tasks, service_url, 2)]
        slow = pool.submit(by_hand, service_url, 3)
        seen = _followed(log, lambda: slow.done() and all(each.done() for each in grouped))
        ledgers = [each.result() for each in grouped]
        committed_by_hand = slow.result()

    histories = {account_id: log.read_account(account_id) for account_id in ACCOUNTS}
    won = [ids for ledger in ledgers for ids in ledger.won]
    for history in histories.values():
        assert verify_account(log.log_id, history) is None
    _check_made_of(won, histories)
    lost = {event_id for ledger in ledgers for ids in ledger.lost for event_id in ids}
    assert lost
    assert not lost & {event.event_id for event in seen}

    positions = [event.position for history in histories.values() for event in history]
    assert [event.position for event in seen] == sorted(positions + committed_by_hand)
    for account_id, history in histories.items():
        assert [event for event in seen if event.account_id == account_id] == history
    assert deadlocks(session) == 0


def _followed(log: PostgresEventLog, is_finished: Callable[[], bool]) -> list[StoredEvent]:
    """What a reader sees page by page, from the first event to the last."""
    seen: list[StoredEvent] = []
    while True:
        finished = is_finished()
        page = log.read_settled(seen[-1].position if seen else 0, 50)
        seen += page
        if finished and not page:
            return seen


def _check_made_of(won: list[list[UUID]], histories: dict[str, list[StoredEvent]]) -> None:
    """The histories are the appends that won, each in one piece, and nothing else."""
    by_first = {ids[0]: ids for ids in won}
    for history in histories.values():
        ids = [event.event_id for event in history]
        while ids:
            append = by_first.pop(ids[0])
            assert ids[: len(append)] == append
            del ids[: len(append)]
    assert not by_first
