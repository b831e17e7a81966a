"""A server that Prorata cannot work on is refused with a sentence before anything is written to it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import TypeAlias
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from eventlog import Head, NotPrimary, UnsafeDurability
from eventlog.errors import NotUtf8, ReadOnly, SequenceBehind, ServerTooOld, SessionPooled
from eventlog.group_commit.asyncio import GroupedAppends
from eventlog.postgres.connect import connect
from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import EVENTLOG, migrate
from scripts.servers.postgres import PostgresServer
from service.catalogue_store import PostgresCatalogues
from service.schema import SERVICE
from tests.support.eventlog.sample_events import an_append, given_history, new_event
from tests.support.eventlog.sessions import Session, until
from tests.support.transaction_pooler import OnOptions, TransactionPooler

Opened: TypeAlias = Callable[[str], PostgresEventLog]


def test_a_server_older_than_what_the_code_uses_is_refused(database_url: str) -> None:
    with (
        TransactionPooler(database_url, reported={"server_version": "16.9"}) as old,
        pytest.raises(ServerTooOld, match=r"is PostgreSQL 16\.9, and this code needs 17 or later"),
    ):
        migrate(old.url)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("select to_regclass('public.events')").fetchone() == (None,)


@pytest.fixture(params=["SQL_ASCII", "LATIN1"])
def other_encoding(database_url: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database in an encoding that holds less than UTF-8."""
    name = f"encoded_{uuid4().hex[:12]}"
    made = sql.SQL("create database {} encoding {} locale 'C' template template0")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(made.format(sql.Identifier(name), sql.Literal(request.param)))
        yield make_conninfo(database_url, dbname=name)
        connection.execute(sql.SQL("drop database {}").format(sql.Identifier(name)))


def test_a_database_in_another_encoding_is_refused(other_encoding: str) -> None:
    with pytest.raises(NotUtf8, match="create the database with encoding 'UTF8'"):
        migrate(other_encoding)


def test_a_pooler_leaks_a_setting_from_one_client_to_the_next(database_url: str) -> None:
    """What the next tests refuse is really there."""
    with TransactionPooler(database_url) as pooler:
        with psycopg.connect(pooler.url, autocommit=True) as one:
            one.execute("set synchronous_commit = off")
        with psycopg.connect(pooler.url, autocommit=True) as other:
            assert other.execute("show synchronous_commit").fetchone() == ("off",)


@pytest.mark.parametrize("on_options", ["ignored", "refused"])
def test_a_pooler_of_transactions_is_refused(migrated_url: str, on_options: OnOptions) -> None:
    with (
        TransactionPooler(migrated_url, on_options=on_options) as pooler,
        pytest.raises(SessionPooled, match="address of the server itself"),
    ):
        PostgresEventLog(pooler.url)


def test_a_session_that_was_begun_for_another_is_refused(migrated_url: str) -> None:
    with TransactionPooler(migrated_url, on_options="passed on") as pooler:
        with connect(pooler.url, "first") as first:
            assert first.execute("show timezone").fetchone() == ("UTC",)
        with pytest.raises(SessionPooled, match="does not have the settings that it was begun with"):
            connect(pooler.url, "second")


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Opens logs that the test's end closes."""
    with ExitStack() as stack:
        yield lambda url: stack.enter_context(closing(PostgresEventLog(url)))


READ_ONLY = "?options=-c%20default_transaction_read_only%3Don"


def test_who_writes_is_refused_where_transactions_are_read_only(migrated_url: str) -> None:
    with pytest.raises(ReadOnly, match="set default_transaction_read_only to off"):
        connect(migrated_url + READ_ONLY, "writer")


def test_a_log_that_is_read_only_is_read_and_takes_no_append(migrated_url: str, opened: Opened) -> None:
    given_history(opened(migrated_url), "acme/a", 1)
    log = opened(migrated_url + READ_ONLY)
    assert log.head("acme/a").version == 1
    with pytest.raises(ReadOnly):
        log.append("acme/b", Head.NONE, [new_event()])
    assert log.head("acme/b").version == 0


def test_the_service_s_own_tables_are_not_written_in_a_read_only_database(migrated_url: str) -> None:
    migrate(migrated_url, [EVENTLOG, SERVICE])
    with closing(PostgresCatalogues(migrated_url + READ_ONLY)) as catalogues, pytest.raises(ReadOnly):
        catalogues.pin("0" * 64, b"{}")


def test_who_writes_is_refused_by_a_standby(own_postgres: PostgresServer) -> None:
    own_postgres.stop()
    (own_postgres.data / "standby.signal").touch()
    own_postgres.start()
    with pytest.raises(NotPrimary):
        connect(own_postgres.url(), "writer")
    with connect(own_postgres.url(), "reader", reads_only=True) as reader:
        assert reader.execute("select pg_is_in_recovery()").fetchone() == (True,)


def test_formats_and_encodings_set_elsewhere_change_nothing(migrated_url: str, session: Session) -> None:
    name = sql.Identifier(session.info.dbname)
    for setting, value in {
        "datestyle": "German, DMY",
        "intervalstyle": "sql_standard",
        "timezone": "Asia/Tokyo",
        "client_encoding": "LATIN1",
        "search_path": "nowhere",
        "default_transaction_isolation": "serializable",
    }.items():
        statement = sql.SQL("alter database {} set {} = {}")
        session.execute(statement.format(name, sql.Identifier(setting), sql.Literal(value)))
    with connect(migrated_url, "formats") as connection:
        shown = "select timestamptz '2026-03-29 01:30Z'::text, interval '1 day 2 hours'::text, 'é€', '{}'"
        settings = ", ".join(
            f"current_setting('{name}')" for name in ("search_path", "default_transaction_isolation")
        )
        [row] = connection.execute(f"{shown}, {settings}").fetchall()
    assert row == ("2026-03-29 01:30:00+00", "1 day 02:00:00", "é€", "{}", "public", "read committed")


NOTE_DURABILITY = """
    create table noted (durability text);
    create function note() returns trigger language plpgsql as $$
    begin
        insert into noted values (current_setting('synchronous_commit'));
        return null;
    end
    $$;
    create trigger note after insert on public.events for each statement execute function note();
"""


def test_durability_turned_off_for_the_server_later_does_not_reach_what_is_connected(
    own_postgres: PostgresServer, opened: Opened
) -> None:
    url = own_postgres.create_database("log")
    migrate(url)
    log = opened(url)
    with psycopg.connect(url, autocommit=True) as operator:
        operator.execute("alter system set synchronous_commit = off")
        operator.execute("select pg_reload_conf()")
        until(lambda: operator.execute("show synchronous_commit").fetchone() == ("off",))
        operator.execute(NOTE_DURABILITY)
        given_history(log, "acme/a", 1)
        assert operator.execute("select durability from noted").fetchall() == [("on",)]
    with pytest.raises(UnsafeDurability):
        PostgresEventLog(url)


def set_back(session: Session, to: int) -> None:
    """As a restore does that forgets the sequence."""
    session.execute("select setval('public.events_position', %s)", [to])


def test_nothing_is_appended_where_the_sequence_is_behind_the_log(
    migrated_url: str, session: Session, opened: Opened
) -> None:
    given_history(opened(migrated_url), "acme/a", 5)
    set_back(session, 2)
    log = opened(migrated_url)
    assert log.head("acme/a").version == 5
    with pytest.raises(SequenceBehind, match=r"stands at 2 and the log has an event at 5.*setval"):
        log.append("acme/b", Head.NONE, [new_event()])
    assert session.execute("select last_value from public.events_position").fetchone() == (2,)


def test_appends_go_on_once_the_sequence_was_mended_as_the_message_says(
    migrated_url: str, session: Session, opened: Opened
) -> None:
    given_history(opened(migrated_url), "acme/a", 5)
    set_back(session, 2)
    log = opened(migrated_url)
    with pytest.raises(SequenceBehind) as refused:
        log.append("acme/b", Head.NONE, [new_event()])
    session.execute(str(refused.value).split("`")[1].encode())
    [stored] = log.append("acme/b", Head.NONE, [new_event()])
    assert stored.position == 6


@pytest.fixture
def gapped(migrated_url: str, session: Session, opened: Opened) -> PostgresEventLog:
    """A log whose positions leave some out, as rolled back appends do, and which has seen the last one."""
    set_back(session, 10)
    log = opened(migrated_url)
    given_history(log, "acme/a", 1)
    return log


def test_a_sequence_set_back_while_the_log_is_open_stops_the_appends(
    gapped: PostgresEventLog, session: Session
) -> None:
    set_back(session, 3)
    for account in ("acme/b", "acme/c"):
        with pytest.raises(SequenceBehind):
            gapped.append(account, Head.NONE, [new_event()])
    assert session.execute("select last_value from public.events_position").fetchone() == (4,)


def test_appends_of_an_event_loop_are_stopped_alike(
    gapped: PostgresEventLog, migrated_url: str, session: Session
) -> None:
    async def append() -> None:
        async with GroupedAppends(migrated_url) as appends:
            await appends.append("acme/b", Head.NONE, [new_event()])
            set_back(session, 3)
            for account in ("acme/c", "acme/d"):
                with pytest.raises(SequenceBehind):
                    await appends.append(account, Head.NONE, [new_event()])

    asyncio.run(append())
    assert session.execute("select last_value from public.events_position").fetchone() == (4,)


def test_appends_together_are_not_stored_at_positions_that_were_passed(
    gapped: PostgresEventLog, session: Session
) -> None:
    set_back(session, 3)
    with pytest.raises(SequenceBehind):
        gapped.append_together([an_append("acme/b"), an_append("acme/c")])
    assert session.execute("select max(position), count(*) from public.events").fetchone() == (11, 1)
