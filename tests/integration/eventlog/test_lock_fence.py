"""Positions are handed out before commit: the fence keeps readers from stepping over what commits late."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from random import Random

import psycopg
import pytest

from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import migrate
from scripts.servers.postgres import PostgresServer
from scripts.servers.run import Run
from tests.support.eventlog.sample_events import given_history
from tests.support.eventlog.sessions import Session, insert, until


@pytest.fixture
def impatient(service_url: str) -> Iterator[PostgresEventLog]:
    """A log whose settled reads do not wait."""
    log = PostgresEventLog(service_url, fence_patience=0)
    yield log
    log.close()


def _reader_waits(watcher: Session) -> bool:
    """Whether some session has looked at who writes, to the end of the statement, and is at it still."""
    return bool(
        watcher.execute(
            "select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            " and state = 'idle' and query like '%select locks.virtualtransaction from pg_locks%'"
        ).fetchall()
    )


def test_events_of_a_slow_transaction_that_began_before_a_faster_one_are_not_skipped(
    impatient: PostgresEventLog, session: Session
) -> None:
    before = given_history(impatient, "acme/a", 1)
    with session.transaction():
        slow = insert(session, "acme/slow")
        fast = given_history(impatient, "acme/fast", 1)
        assert fast[0].position > slow
        assert impatient.read_settled(before[0].position, 100) == []
    assert [event.position for event in impatient.read_settled(0, 100)] == [
        before[0].position,
        slow,
        fast[0].position,
    ]


def test_a_reader_waits_for_the_slow_transaction_and_then_sees_both_in_order(
    log: PostgresEventLog, session: Session, watcher: Session
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with session.transaction():
            slow = insert(session, "acme/slow")
            [fast] = given_history(log, "acme/fast", 1)
            reading = pool.submit(log.read_settled, 0, 100)
            until(lambda: _reader_waits(watcher))
            assert not reading.done()
        assert [event.position for event in reading.result(timeout=20)] == [slow, fast.position]


def test_the_position_of_a_transaction_that_was_rolled_back_is_burnt_and_passed(
    impatient: PostgresEventLog, session: Session
) -> None:
    with session.transaction(force_rollback=True):
        insert(session, "acme/slow")
        fast = given_history(impatient, "acme/fast", 1)
        assert impatient.read_settled(0, 100) == []
    assert impatient.read_settled(0, 100) == fast


def test_the_first_event_ever_is_not_skipped_while_it_commits(
    impatient: PostgresEventLog, session: Session
) -> None:
    with session.transaction():
        first = insert(session, "acme/slow")
        assert impatient.read_settled(0, 100) == []
    assert [event.position for event in impatient.read_settled(0, 100)] == [first]


def test_transactions_that_begin_while_a_reader_waits_do_not_hold_it(
    session: Session, watcher: Session, migrated_url: str
) -> None:
    with (
        closing(PostgresEventLog(migrated_url, fence_patience=60)) as log,
        ThreadPoolExecutor(1) as pool,
        psycopg.connect(migrated_url) as later,
    ):
        with session.transaction():
            slow = insert(session, "acme/slow")
            reading = pool.submit(log.read_settled, 0, 100)
            until(lambda: _reader_waits(watcher))
            insert(later, "acme/later")
        assert [event.position for event in reading.result(timeout=60)] == [slow]


def test_whoever_only_reads_or_writes_elsewhere_holds_nothing(
    impatient: PostgresEventLog, session: Session
) -> None:
    session.execute("create table elsewhere (id int)")
    stored = given_history(impatient, "acme/a", 1)
    with session.transaction():
        session.execute("insert into elsewhere values (1)")
        session.execute("select count(*) from events")
        assert impatient.read_settled(0, 100) == stored
        assert impatient.fence_holder() is None


def test_a_reader_that_gives_up_names_the_session_that_holds_the_fence(
    impatient: PostgresEventLog, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    given_history(impatient, "acme/a", 1)
    with session.transaction():
        insert(session, "acme/slow")
        with caplog.at_level(logging.WARNING, logger="eventlog"):
            assert impatient.read_settled(0, 100) == []
        holder = impatient.fence_holder()
        assert holder is not None
        assert holder.pid == session.info.backend_pid
        assert str(holder.pid) in caplog.text
    assert impatient.fence_holder() is None


def test_the_session_that_has_held_the_fence_longest_is_named_first(
    migrated_url: str, session: Session
) -> None:
    log = PostgresEventLog(migrated_url)
    with session.transaction(), psycopg.connect(migrated_url, application_name="second") as second:
        insert(session, "acme/first")
        insert(second, "acme/second")
        first = log.fence_holder()
        assert first is not None
        assert (first.pid, first.role) == (session.info.backend_pid, "prorata")
        assert first.state == "idle in transaction"
        [[began_at]] = session.execute("select transaction_timestamp()").fetchall()
        assert first.began_at == began_at
        assert first.held_for(began_at + timedelta(seconds=90)) == 90.0
    log.close()


def test_after_a_crash_that_took_burnt_positions_back_what_has_them_next_is_not_skipped(
    servers_run: Run,
) -> None:
    """The sequence's own write-ahead record of them was not on disk yet."""
    with PostgresServer(servers_run.directory / "postgres", {"wal_writer_delay": "10s"}) as server:
        migrate(server.url())
        log = PostgresEventLog(server.url(), fence_patience=0)
        before = given_history(log, "acme/a", 1)
        with closing(psycopg.connect(server.url())) as session:
            burnt = [insert(session, f"acme/burnt-{nth}") for nth in range(100)]
            assert log.read_settled(before[0].position, 100) == []
            server.restart(hard=True)
        after = given_history(log, "acme/a", 2)
        assert after[-1].position < burnt[-1], "the crash took nothing back"
        assert log.read_settled(before[0].position, 100) == after
        log.close()


def test_a_prepared_transaction_holds_the_fence_and_is_named(servers_run: Run) -> None:
    with PostgresServer(servers_run.directory / "postgres", {"max_prepared_transactions": "2"}) as server:
        migrate(server.url())
        log = PostgresEventLog(server.url(), fence_patience=0)
        with psycopg.connect(server.url(), autocommit=True) as session:
            session.execute("begin")
            slow = insert(session, "acme/slow")
            session.execute("prepare transaction 'held'")
            [fast] = given_history(log, "acme/fast", 1)
            assert log.read_settled(0, 100) == []
            holder = log.fence_holder()
            assert holder is not None
            assert holder.pid is None
            [[prepared_at]] = session.execute("select prepared from pg_prepared_xacts").fetchall()
            assert holder.began_at == prepared_at
            assert str(holder).startswith("a prepared transaction")
            session.execute("commit prepared 'held'")
        assert [event.position for event in log.read_settled(0, 100)] == [slow, fast.position]
        log.close()


def test_a_reader_misses_nothing_among_transactions_that_commit_in_any_order(
    log: PostgresEventLog, migrated_url: str
) -> None:
    def writer(seed: int) -> set[int]:
        random, committed = Random(seed), set[int]()
        with psycopg.connect(migrated_url) as session:
            for nth in range(60):
                positions = {
                    insert(session, f"acme/{seed}-{nth}-{part}") for part in range(random.randint(1, 4))
                }
                if random.random() < 0.3:
                    session.rollback()
                else:
                    session.commit()
                    committed |= positions
        return committed

    seen: list[int] = []
    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(writer, seed) for seed in range(4)]
        while True:
            finished = all(each.done() for each in writers)
            page = log.read_settled(seen[-1] if seen else 0, 50)
            seen += [event.position for event in page]
            if finished and not page:
                break
        committed = {position for each in writers for position in each.result()}
    assert seen == sorted(committed)
