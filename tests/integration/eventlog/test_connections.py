"""The log works on a database that keeps its promises; of another it says at connect why not."""

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from eventlog import (
    Head,
    LogReplaced,
    LogUnavailable,
    NotMigrated,
    NotPrimary,
    UnsafeDurability,
    VersionConflict,
)
from eventlog.audit.verify import verify
from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import EVENTLOG, migrate, missing
from scripts.servers.postgres import PostgresServer
from tests.support.eventlog.sample_events import given_history, new_event
from tests.support.eventlog.sessions import Session, end_others, insert, until, waiting


@pytest.mark.parametrize("where", ["session", "database"])
def test_a_database_that_confirms_before_the_disk_does_is_refused(
    migrated_url: str, session: Session, where: str
) -> None:
    url = migrated_url
    if where == "session":
        url += "?options=-c%20synchronous_commit%3Doff"
    else:
        name = sql.Identifier(session.info.dbname)
        session.execute(sql.SQL("alter database {} set synchronous_commit = off").format(name))
    with pytest.raises(UnsafeDurability, match="synchronous_commit is off"):
        PostgresEventLog(url)


def test_a_database_without_the_log_s_tables_is_refused(database_url: str) -> None:
    with pytest.raises(NotMigrated, match=r"eventlog/0001_events, .*; run `prorata migrate`"):
        PostgresEventLog(database_url)


def test_a_database_that_lacks_a_later_migration_is_refused(migrated_url: str, session: Session) -> None:
    session.execute("delete from migrations")
    with pytest.raises(NotMigrated) as refusal:
        PostgresEventLog(migrated_url)
    assert refusal.value.missing == missing(session, EVENTLOG)


def test_a_standby_is_refused(own_postgres: PostgresServer) -> None:
    own_postgres.stop()
    (own_postgres.data / "standby.signal").touch()
    own_postgres.start()
    with pytest.raises(NotPrimary):
        PostgresEventLog(own_postgres.url())


def test_a_server_that_is_not_there_is_said_to_be_unavailable_at_once() -> None:
    with pytest.raises(LogUnavailable, match="try the same again"):
        PostgresEventLog("postgresql://prorata@127.0.0.1:1/prorata", patience=60)


def test_what_others_set_for_their_sessions_changes_nothing(
    migrated_url: str, session: Session, watcher: Session
) -> None:
    options = "-c search_path=pg_catalog -c timezone=Asia/Tokyo -c default_transaction_isolation=serializable"
    log = PostgresEventLog(make_conninfo(migrated_url, options=options))
    stored = given_history(log, "acme/a", 1)
    assert log.read_account("acme/a") == stored
    assert str(log.read_account("acme/a")[0].recorded_at.tzinfo) == "UTC"
    with ThreadPoolExecutor(1) as pool:
        with session.transaction():
            insert(session, "acme/b")
            appending = pool.submit(log.append, "acme/b", Head.NONE, [new_event()])
            until(lambda: waiting(watcher) == 1)
        with pytest.raises(VersionConflict):
            appending.result(timeout=20)
    log.close()


def test_after_a_restart_a_dead_connection_is_met_once_and_not_each_of_them(
    service_url: str, session: Session, watcher: Session
) -> None:
    log = PostgresEventLog(service_url, connections=8, patience=0.2)
    with ThreadPoolExecutor(8) as pool:
        with session.transaction(force_rollback=True):
            insert(session, "acme/a")
            appending = [pool.submit(log.append, "acme/a", Head.NONE, [new_event()]) for _ in range(8)]
            until(lambda: waiting(watcher) == 8)
        assert sum(each.exception(timeout=20) is None for each in appending) == 1
    assert end_others(session) >= 8
    assert log.head("acme/a").version == 1
    log.close()


def test_a_log_that_was_closed_is_unavailable(service_url: str) -> None:
    log = PostgresEventLog(service_url, patience=60)
    log.close()
    with pytest.raises(LogUnavailable, match="it was closed"):
        log.head("acme/a")


def test_a_log_goes_on_after_its_server_crashed_and_came_back(own_postgres: PostgresServer) -> None:
    migrate(own_postgres.url())
    log = PostgresEventLog(own_postgres.url())
    before = given_history(log, "acme/a", 3)
    own_postgres.restart(hard=True)
    after = given_history(log, "acme/a", 3)
    assert log.read_account("acme/a") == before + after
    assert log.read_settled(before[-1].position, 100) == after
    assert verify(log) is None
    log.close()


def test_an_append_sent_while_the_server_is_away_is_stored_when_it_is_back(
    own_postgres: PostgresServer,
) -> None:
    migrate(own_postgres.url())
    log = PostgresEventLog(own_postgres.url(), patience=60)
    own_postgres.stop()
    with ThreadPoolExecutor(1) as pool:
        appending = pool.submit(log.append, "acme/a", Head.NONE, [new_event()])
        own_postgres.start()
        assert appending.result(timeout=60) == log.read_account("acme/a")
    log.close()


def test_a_server_that_stays_away_is_said_to_be_unavailable_when_patience_ends(
    own_postgres: PostgresServer,
) -> None:
    migrate(own_postgres.url())
    log = PostgresEventLog(own_postgres.url(), patience=0.3)
    own_postgres.stop()
    began = time.monotonic()
    with pytest.raises(LogUnavailable):
        log.append("acme/a", Head.NONE, [new_event()])
    with pytest.raises(LogUnavailable):
        log.read_settled(0, 100)
    assert time.monotonic() - began < 10
    log.close()


def test_more_threads_than_connections_wait_for_one_another_up_to_their_patience(
    service_url: str, session: Session, watcher: Session
) -> None:
    log = PostgresEventLog(service_url, connections=1, patience=0.2)
    with ThreadPoolExecutor(2) as pool:
        with session.transaction(force_rollback=True):
            insert(session, "acme/a")
            appending = pool.submit(log.append, "acme/a", Head.NONE, [new_event()])
            until(lambda: waiting(watcher) == 1)
            with pytest.raises(LogUnavailable, match="all its connections are in use"):
                log.head("acme/b")
        stored = appending.result(timeout=20)
        assert list(pool.map(log.head, ["acme/a"] * 20)) == [stored[-1].head] * 20
    log.close()


def test_another_log_at_the_same_address_is_noticed(own_postgres: PostgresServer) -> None:
    for name in ("ours", "theirs"):
        migrate(own_postgres.create_database(name))
    log = PostgresEventLog(own_postgres.url("ours"))
    with psycopg.connect(own_postgres.url(), autocommit=True) as session:
        session.execute(
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = 'ours'"
        )
        session.execute("alter database ours rename to gone")
        session.execute("alter database theirs rename to ours")
    with pytest.raises(LogReplaced, match=f"not {log.log_id}"):
        log.append("acme/a", Head.NONE, [new_event()])
    log.close()
