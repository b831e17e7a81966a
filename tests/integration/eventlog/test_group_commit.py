"""Appends that share a statement: each is all or nothing, and learns its own fate whatever befalls others.

Both doors are asked, by threads that each make one append. A rival's open transaction holds a statement up,
so that those that come meanwhile wait for the next one.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial

import psycopg
import pytest

from eventlog import Append, EventRefused, Head, StoredEvent, VersionConflict
from eventlog.audit.verify import verify
from eventlog.group_commit.threads import GroupedEventLog
from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import migrate
from scripts.servers.postgres import PostgresServer
from tests.support.eventlog.asyncio_appends import AsyncioDoor
from tests.support.eventlog.cut_off import CutOff
from tests.support.eventlog.sample_events import an_append, given_history, new_event, new_events, versions
from tests.support.eventlog.sessions import Session, deadlocks, end_others, insert, until, waiting

Door = GroupedEventLog | AsyncioDoor
Open = Callable[[str, int], AbstractContextManager[Door]]
HELD = "acme/held"


@contextmanager
def _threads(url: str, statements: int) -> Iterator[Door]:
    log = PostgresEventLog(url)
    yield GroupedEventLog(log, statements=statements)
    log.close()


@contextmanager
def _asyncio(url: str, statements: int) -> Iterator[Door]:
    door = AsyncioDoor(url, connections=statements)
    yield door
    door.close()


BOTH_DOORS = pytest.mark.parametrize("opened", [_threads, _asyncio], ids=["threads", "asyncio"])
pytestmark = BOTH_DOORS


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads enough for every append of a test to wait in one."""
    with ThreadPoolExecutor(40) as pool:
        yield pool


@pytest.fixture
def door(opened: Open, service_url: str, pool: ThreadPoolExecutor) -> Iterator[Door]:
    """One that has a statement at a time."""
    with opened(service_url, 1) as door:
        yield door


Submitted = Future[list[StoredEvent]]


def _submit(pool: ThreadPoolExecutor, door: Door, *appends: Append) -> list[Submitted]:
    return [pool.submit(door.append, given.account_id, given.head, given.events) for given in appends]


def _submitted_in_order(pool: ThreadPoolExecutor, door: Door, names: list[str]) -> list[Submitted]:
    """An append to each, while one is held up."""
    submitted: list[Submitted] = []

    def all_are_in() -> bool:
        return door.waiting == 1 + len(submitted)

    for name in names:
        submitted += _submit(pool, door, an_append(name))
        until(all_are_in)
    return submitted


def _while_held(
    pool: ThreadPoolExecutor, door: Door, session: Session, watcher: Session, appends: list[Append]
) -> list[Submitted]:
    """Submit them while a statement is held up, so that they wait together; then it loses to its rival."""
    with session.transaction():
        insert(session, HELD)
        [held] = _submit(pool, door, an_append(HELD))
        until(lambda: waiting(watcher) == 1)
        submitted = _submit(pool, door, *appends)
        until(lambda: door.waiting == 1 + len(appends))
    assert isinstance(held.exception(timeout=20), VersionConflict)
    return submitted


def _outcome(submitted: Submitted) -> list[StoredEvent] | BaseException:
    return submitted.exception(timeout=20) or submitted.result()


def _wait(watcher: Session, count: int) -> bool:
    return waiting(watcher) == count


def _commits(session: Session, prefix: str) -> int:
    """How many transactions stored the events of these accounts."""
    [[count]] = session.execute(
        "select count(distinct xmin::text) from events where starts_with(account_id, %s)", [prefix]
    ).fetchall()
    assert isinstance(count, int)
    return count


def test_appends_that_wait_while_a_statement_runs_share_the_next_one(
    door: Door, pool: ThreadPoolExecutor, session: Session, watcher: Session, log: PostgresEventLog
) -> None:
    appends = [an_append(f"acme/many-{nth}", count=nth % 3 + 1) for nth in range(30)]
    submitted = _while_held(pool, door, session, watcher, appends)
    for append, each in zip(appends, submitted, strict=True):
        assert each.result(timeout=20) == log.read_account(append.account_id)
    assert _commits(session, "acme/many-") == 1


def test_two_appends_to_one_account_go_in_successive_statements(
    door: Door, pool: ThreadPoolExecutor, session: Session, watcher: Session, log: PostgresEventLog
) -> None:
    """Here the same append twice: the second finds the first stored."""
    first = an_append("acme/twice", count=2)
    submitted = _while_held(pool, door, session, watcher, [first, first, an_append("acme/other")])
    one, again, _ = [each.result(timeout=20) for each in submitted]
    assert one == again == log.read_account("acme/twice")


def test_of_appends_in_one_statement_each_wins_or_loses_for_itself(
    door: Door, pool: ThreadPoolExecutor, session: Session, watcher: Session, log: PostgresEventLog
) -> None:
    taken = given_history(log, "acme/taken", 2)
    repeated = an_append("acme/repeated", count=3)
    earlier = log.append(repeated.account_id, repeated.head, repeated.events)
    appends = [
        an_append("acme/new", count=2),
        an_append("acme/taken", count=2),
        repeated,
        an_append("acme/gap", Head(3, b"\x01" * 32, None)),
    ]
    outcomes = [_outcome(each) for each in _while_held(pool, door, session, watcher, appends)]
    assert outcomes[0] == log.read_account("acme/new")
    assert isinstance(outcomes[1], VersionConflict)
    assert (outcomes[1].expected, outcomes[1].actual) == (0, 2)
    assert outcomes[2] == earlier == log.read_account("acme/repeated")
    assert isinstance(outcomes[3], VersionConflict)
    assert log.read_account("acme/taken") == taken
    assert log.read_account("acme/gap") == []


def test_a_row_that_the_database_refuses_fails_only_its_caller(
    door: Door, pool: ThreadPoolExecutor, session: Session, watcher: Session, log: PostgresEventLog
) -> None:
    session.execute("alter table events add constraint no_bad check (type <> 'bad')")
    bad = Append("acme/bad", Head.NONE, (new_event(), new_event(event_type="bad")))
    good = [an_append(f"acme/good-{nth}", count=2) for nth in range(5)]
    *stored, refused = _while_held(pool, door, session, watcher, [*good, bad])
    for append, each in zip(good, stored, strict=True):
        assert each.result(timeout=20) == log.read_account(append.account_id)
    with pytest.raises(EventRefused, match="no_bad"):
        refused.result(timeout=20)
    assert log.read_account("acme/bad") == []
    assert given_history(door, "acme/later", 1) == log.read_account("acme/later")


@pytest.mark.parametrize("rival_commits", [True, False])
def test_after_a_connection_killed_in_mid_statement_each_learns_its_own_fate(
    door: Door,
    pool: ThreadPoolExecutor,
    session: Session,
    watcher: Session,
    log: PostgresEventLog,
    rival_commits: bool,
) -> None:
    names = [HELD, "acme/rivalled", "acme/a", "acme/z"]
    with ExitStack() as stack:
        stack.enter_context(session.transaction(force_rollback=not rival_commits))
        insert(session, HELD)
        insert(session, "acme/rivalled")
        submitted = _submit(pool, door, an_append(HELD))
        until(lambda: waiting(watcher) == 1)
        submitted += _submit(pool, door, *(an_append(name, count=2) for name in names[1:]))
        until(lambda: door.waiting == 4)
        for _ in range(2):  # the second has been sent again by whom the first was taken from
            watcher.execute(
                "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
                " where datname = current_database() and wait_event_type = 'Lock'"
            )
            until(lambda: waiting(watcher) == 1)
    outcomes = dict(zip(names, map(_outcome, submitted), strict=True))
    for name in names if not rival_commits else ["acme/a", "acme/z"]:
        assert outcomes[name] == log.read_account(name)
    if rival_commits:
        assert {type(outcomes[name]) for name in names[:2]} == {VersionConflict}
        assert versions(log.read_account("acme/rivalled")) == [1]


def test_appends_whose_answer_was_lost_are_stored_once_and_each_is_answered(
    opened: Open,
    service_url: str,
    pool: ThreadPoolExecutor,
    session: Session,
    watcher: Session,
    log: PostgresEventLog,
) -> None:
    taken = given_history(log, "acme/lost-taken", 1)
    with CutOff(service_url) as network, opened(network.url, 1) as door:
        given_history(door, "acme/before", 1)
        appends = [an_append("acme/lost-a", count=2), an_append("acme/lost-taken"), an_append("acme/lost-z")]
        with session.transaction():
            insert(session, HELD)
            [held] = _submit(pool, door, an_append(HELD))
            until(lambda: waiting(watcher) == 1)
            submitted = _submit(pool, door, *appends)
            until(lambda: door.waiting == 4)
            network.lose_the_answer_to(b"acme/lost-")
        outcomes = [_outcome(each) for each in submitted]
        assert network.lost == 1
        assert isinstance(_outcome(held), VersionConflict)
    assert outcomes[0] == log.read_account("acme/lost-a")
    assert isinstance(outcomes[1], VersionConflict)
    assert outcomes[2] == log.read_account("acme/lost-z")
    assert log.read_account("acme/lost-taken") == taken
    assert _commits(session, "acme/lost-a") == _commits(session, "acme/lost-z") == 1


def test_one_statement_that_a_rival_holds_up_does_not_hold_up_the_others(
    opened: Open, service_url: str, pool: ThreadPoolExecutor, session: Session, watcher: Session
) -> None:
    with opened(service_url, 2) as door:
        with session.transaction():
            insert(session, HELD)
            [held] = _submit(pool, door, an_append(HELD))
            until(lambda: waiting(watcher) == 1)
            [free] = _submit(pool, door, an_append("acme/free"))
            assert versions(free.result(timeout=20)) == [1]
        assert isinstance(_outcome(held), VersionConflict)


def test_groups_of_two_doors_over_the_same_accounts_do_not_deadlock(
    opened: Open,
    migrated_url: str,
    pool: ThreadPoolExecutor,
    session: Session,
    watcher: Session,
) -> None:
    """Held in the middle, statements in opposite orders would each have what the other wants next."""
    names = ["acme/a", "acme/m", "acme/z"]
    with opened(migrated_url, 1) as forth, opened(migrated_url, 1) as back:
        with psycopg.connect(migrated_url) as middle:
            insert(middle, "acme/m")
            appending: list[Submitted] = []
            with session.transaction():
                for nth, (door, order) in enumerate([(forth, names), (back, names[::-1])], 1):
                    insert(session, f"{HELD}-{nth}")
                    appending += _submit(pool, door, an_append(f"{HELD}-{nth}"))
                    until(partial(_wait, watcher, nth))
                    appending += _submitted_in_order(pool, door, order)
            until(lambda: forth.waiting == back.waiting == 3)
            until(lambda: waiting(watcher) == 2)
            middle.rollback()
        ends = [type(_outcome(each)).__name__ for each in appending]
    assert sorted(ends) == ["VersionConflict"] * 5 + ["list"] * 3
    assert deadlocks(session) == 0


def test_appends_after_all_sessions_were_ended_are_stored_as_before(
    door: Door, session: Session, log: PostgresEventLog
) -> None:
    before = given_history(door, "acme/a", 1)
    assert end_others(session) >= 1
    after = given_history(door, "acme/a", 2)
    end_others(session)
    assert log.read_account("acme/a") == before + after == door.read_account("acme/a")


def test_every_append_is_answered_truly_while_the_server_is_killed_and_comes_back(
    opened: Open, own_postgres: PostgresServer, pool: ThreadPoolExecutor
) -> None:
    migrate(own_postgres.url())
    with opened(own_postgres.url(), 2) as door:

        def grow(account_id: str) -> list[StoredEvent]:
            """A history, append by append: with one lost or stored twice, the next would be a conflict."""
            history = given_history(door, account_id, 1)
            while len(history) < 30:
                history += door.append(account_id, history[-1].head, new_events(2))
            return history

        names = [f"acme/{nth}" for nth in range(16)]
        growing = [pool.submit(grow, name) for name in names]
        until(lambda: door.last_position() > 50)
        own_postgres.restart(hard=True)
        for name, each in zip(names, growing, strict=True):
            assert each.result(timeout=60) == door.read_account(name)
        assert verify(door) is None
