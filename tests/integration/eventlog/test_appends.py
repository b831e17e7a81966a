"""Appends that meet each other, a lost connection, or a row that the database refuses."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from eventlog import Append, EventRefused, Head, StoredEvent, VersionConflict
from eventlog.audit.verify import verify
from eventlog.postgres.log import PostgresEventLog
from tests.support.eventlog.cut_off import CutOff
from tests.support.eventlog.sample_events import an_append, given_history, new_event, new_events, versions
from tests.support.eventlog.sessions import Session, end_others, insert, until, waiting


@pytest.mark.parametrize("count", [1, 2])
def test_two_writers_over_the_same_accounts_do_not_deadlock(
    log: PostgresEventLog, session: Session, watcher: Session, count: int
) -> None:
    """Held in the middle, writers that went in opposite orders would each have what the other wants next."""
    names = ["acme/a", "acme/m", "acme/z"]
    forth, back = ([an_append(name, count=count) for name in order] for order in (names, names[::-1]))
    with ThreadPoolExecutor(2) as pool:
        with session.transaction(force_rollback=True):
            insert(session, "acme/m")
            running = [pool.submit(log.append_together, appends) for appends in (forth, back)]
            until(lambda: waiting(watcher) == 2)
        ends = [each.exception(timeout=20) for each in running]
    assert sorted(type(end).__name__ for end in ends) == ["NoneType", "VersionConflict"]
    assert [log.head(name).version for name in names] == [count] * 3


@pytest.mark.parametrize("count", [1, 3])
def test_an_append_waits_for_a_rival_and_wins_if_that_is_rolled_back(
    log: PostgresEventLog, session: Session, watcher: Session, count: int
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with session.transaction(force_rollback=True):
            insert(session, "acme/a")
            appending = pool.submit(log.append, "acme/a", Head.NONE, new_events(count))
            until(lambda: waiting(watcher) == 1)
        assert appending.result(timeout=20) == log.read_account("acme/a")
    assert log.head("acme/a").version == count


@pytest.mark.parametrize("count", [1, 3])
def test_an_append_waits_for_a_rival_and_loses_if_that_commits(
    log: PostgresEventLog, session: Session, watcher: Session, count: int
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with session.transaction():
            insert(session, "acme/a")
            appending = pool.submit(log.append, "acme/a", Head.NONE, new_events(count))
            until(lambda: waiting(watcher) == 1)
        with pytest.raises(VersionConflict):
            appending.result(timeout=20)
    assert versions(log.read_account("acme/a")) == [1]


@pytest.mark.parametrize("count", [1, 3])
def test_an_append_whose_answer_was_lost_is_stored_once_and_answered(
    log: PostgresEventLog, service_url: str, count: int
) -> None:
    with CutOff(service_url) as network:
        far = PostgresEventLog(network.url)
        history = given_history(far, "acme/a", 1)
        network.lose_the_answer_to(b"acme/")
        stored = far.append("acme/a", history[-1].head, new_events(count))
        assert network.lost == 1
        far.close()
    assert log.read_account("acme/a") == history + stored
    assert stored[-1].position == 1 + count, "the first attempt was not the one that was stored"


def test_appends_to_many_accounts_whose_answer_was_lost_each_learn_their_fate(
    log: PostgresEventLog, service_url: str
) -> None:
    taken = given_history(log, "acme/taken", 2)
    with CutOff(service_url) as network:
        far = PostgresEventLog(network.url)
        network.lose_the_answer_to(b"acme/")
        stored, conflict = far.append_many([an_append("acme/a", count=2), an_append("acme/taken")])
        assert network.lost == 1
        far.close()
    assert stored == log.read_account("acme/a")
    assert isinstance(conflict, VersionConflict)
    assert log.read_account("acme/taken") == taken


def test_appends_together_whose_answer_was_lost_are_stored_once_and_answered(
    log: PostgresEventLog, service_url: str
) -> None:
    with CutOff(service_url) as network:
        far = PostgresEventLog(network.url)
        network.lose_the_answer_to(b"COMMIT")
        stored = far.append_together([an_append("acme/b", count=2), an_append("acme/a")])
        assert network.lost == 1
        far.close()
    assert stored == [log.read_account("acme/b"), log.read_account("acme/a")]
    assert len(log.read_settled(0, 100)) == 3


@pytest.mark.parametrize("rival_commits", [True, False])
def test_an_append_whose_session_ends_while_it_waits_is_sent_again(
    log: PostgresEventLog, session: Session, watcher: Session, rival_commits: bool
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with session.transaction(force_rollback=not rival_commits):
            insert(session, "acme/a")
            appending = pool.submit(log.append, "acme/a", Head.NONE, [new_event()])
            until(lambda: waiting(watcher) == 1)
            watcher.execute(
                "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
                " where datname = current_database() and wait_event_type = 'Lock'"
            )
            until(lambda: waiting(watcher) == 1)
        if rival_commits:
            with pytest.raises(VersionConflict):
                appending.result(timeout=20)
        else:
            assert appending.result(timeout=20) == log.read_account("acme/a")


def test_calls_after_all_sessions_were_ended_work_as_before(log: PostgresEventLog, session: Session) -> None:
    history = given_history(log, "acme/a", 1)
    assert end_others(session) >= 1
    assert log.read_account("acme/a") == history
    end_others(session)
    assert given_history(log, "acme/a", 1)[0].version == 2


def test_a_row_that_the_database_refuses_fails_only_its_own_append(
    log: PostgresEventLog, session: Session
) -> None:
    session.execute("alter table events add constraint no_bad check (type <> 'bad')")
    appends = [an_append(f"acme/{nth}", count=2) for nth in range(5)]
    bad = Append("acme/bad", Head.NONE, (new_event(), new_event(event_type="bad")))
    *stored, refused = log.append_many([*appends, bad])
    assert [log.read_account(append.account_id) for append in appends] == stored
    assert isinstance(refused, EventRefused)
    assert "no_bad" in str(refused)
    assert log.read_account("acme/bad") == []
    with pytest.raises(EventRefused, match="no_bad"):
        log.append_together([an_append("acme/x"), bad])
    assert log.read_account("acme/x") == []


def _contend(database_url: str, seed: int) -> int:
    """In a process of its own: 40 wins of one to four events, on accounts that all writers want."""
    log = PostgresEventLog(database_url)
    stored = 0
    for nth in range(40):
        account_id, count = f"acme/hot-{nth % 3}", (nth + seed) % 4 + 1
        while True:
            try:
                stored += len(log.append(account_id, log.head(account_id), new_events(count)))
                break
            except VersionConflict:
                continue
    log.close()
    return stored


def test_processes_that_append_to_the_same_accounts_lose_nothing(
    log: PostgresEventLog, service_url: str
) -> None:
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("spawn")) as pool:
        stored = sum(pool.map(_contend, [service_url] * 3, range(3)))
    events = log.read_settled(0, 10_000)
    assert len(events) == stored
    assert verify(log) is None
    by_account: dict[str, list[StoredEvent]] = {}
    for event in events:
        by_account.setdefault(event.account_id, []).append(event)
    for account_id, in_order in by_account.items():
        assert in_order == log.read_account(account_id)
