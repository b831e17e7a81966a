"""Each role has what its processes need and no more, whoever migrates and whatever is rebuilt."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import psycopg
import pytest

from eventlog.postgres.connect import Connection, connect
from eventlog.postgres.log import PostgresEventLog
from eventlog.postgres.migrate import migrate
from projections.live.projector import Projector
from projections.rebuild.rebuilding import drop_old, rebuild
from projections.registry import projection_named
from prorata.migrations import migrations
from prorata.roles import CONSUMER, OWNER, PROJECTOR, READER, RIGHTS, ROLES, SERVICE, grant_rights, make_roles
from scripts.servers.postgres import PostgresServer, login_of
from scripts.servers.run import Run
from tests.support.projections.fold_driver import Billing
from tests.support.projections.read_models import live_a_little
from tests.support.roles import login, migrated

Refused = psycopg.errors.InsufficientPrivilege


@pytest.fixture
def url(database_url: str) -> str:
    """A database with all tables and rights."""
    return migrated(database_url, migrations())


@pytest.fixture
def superuser(url: str) -> Iterator[Connection]:
    with connect(url, "test") as connection:
        yield connection


def test_a_right_that_is_too_wide_is_taken_back_by_the_next_migrate(url: str, superuser: Connection) -> None:
    superuser.execute(f"grant all on events to {SERVICE}")
    superuser.execute(f"grant select on service.gateway_payments to {READER}")
    superuser.execute(f"revoke select on consumers.partitions from {CONSUMER}")
    assert grant_rights(url) > 0
    for role, statement in [
        (SERVICE, "delete from events"),
        (SERVICE, "insert into events (position) overriding system value values (1)"),
        (READER, "select from service.gateway_payments"),
    ]:
        with connect(login(url, role), "test") as session, pytest.raises(Refused):
            session.execute(statement)
    with connect(login(url, CONSUMER), "test") as session:
        session.execute("select consumer from consumers.partitions")
    assert grant_rights(url) == 0


def test_the_service_chooses_no_position(url: str) -> None:
    with connect(login(url, SERVICE), "test") as session, pytest.raises(Refused):
        session.execute("insert into events (position, account_id) overriding system value values (7, 'a')")


def test_an_owner_who_may_not_make_roles_migrates_and_grants(database_url: str, servers_name: str) -> None:
    owner = f"owner_{secrets.token_hex(4)}"
    with connect(database_url, "test") as superuser:
        superuser.execute(f"create role {owner} login")
        superuser.execute(f"alter database {servers_name} owner to {owner}")
    as_owner = database_url.replace("//prorata@", f"//{owner}@")
    try:
        assert "eventlog/0001_events" in migrate(as_owner, migrations())
        assert grant_rights(as_owner) > 0
        assert migrate(as_owner, migrations()) == []
        PostgresEventLog(login(database_url, SERVICE)).close()
    finally:
        with connect(database_url, "test") as superuser:
            superuser.execute(f"reassign owned by {owner} to {OWNER}")
            superuser.execute(f"drop role {owner}")


@pytest.fixture
def servers_name(database_url: str) -> str:
    """The database's name."""
    return database_url.rpartition("/")[2]


def test_everything_of_proratas_belongs_to_its_owner(superuser: Connection) -> None:
    strangers = superuser.execute(
        """
        select relname from pg_class join pg_namespace on pg_namespace.oid = relnamespace
        where relkind in ('r', 'v', 'S', 'c') and nspname not like 'pg\\_%%'
            and nspname <> 'information_schema' and relowner <> %(owner)s::regrole
        union all
        select nspname::text from pg_namespace
        where nspname not like 'pg\\_%%' and nspname not in ('public', 'information_schema')
            and nspowner <> %(owner)s::regrole
        union all
        select proname::text from pg_proc
        where pronamespace = 'public'::regnamespace and proowner <> %(owner)s::regrole
        """,
        {"owner": OWNER},
    ).fetchall()
    assert strangers == []


@pytest.mark.parametrize("role", list(RIGHTS))
def test_no_role_but_the_owner_makes_tables_or_empties_the_log(url: str, role: str) -> None:
    for statement in (
        "create table mine (n int)",
        "create schema mine",
        "truncate events",
        "delete from log",
    ):
        with connect(login(url, role), "test") as session, pytest.raises(Refused):
            session.execute(statement)


def test_rebuilt_tables_keep_their_owner_rights_comments_and_views(url: str, superuser: Connection) -> None:
    def described(table: str) -> list[tuple[object, ...]]:
        return superuser.execute(
            """
            select relowner::regrole::text, obj_description(pg_class.oid), array(
                select format('%%s %%s', grantee::regrole, privilege_type) from aclexplode(relacl) order by 1
            ), array(
                select format('%%s %%s', attname, attacl) from pg_attribute
                where attrelid = pg_class.oid and attacl is not null order by 1
            )
            from pg_class where oid = %(table)s::regclass
            """,
            {"table": table},
        ).fetchall()

    log = PostgresEventLog(login(url, SERVICE))
    live_a_little(Billing(log), "acme/a-1")
    with Projector(login(url, PROJECTOR), log) as projector:
        projector.run_once()
        for name, tables in {"calendar": ["calendar"], "invoices": ["invoices", "invoice_lines"]}.items():
            before = [described(f"projections.{table}") for table in tables]
            assert list(rebuild(login(url, OWNER), log, projection_named(name))) == []
            assert [described(f"projections.{table}") for table in tables] == before
            assert drop_old(login(url, OWNER), projection_named(name)), "no view holds on to the old tables"
        live_a_little(Billing(log), "acme/b-2")
        projector.run_once()
    log.close()
    with connect(login(url, READER), "test") as reader:
        seen = reader.execute("select distinct account_id from reporting.invoices order by 1").fetchall()
        assert seen == [("acme/a-1",), ("acme/b-2",)]
    assert grant_rights(url) == 0


def test_a_fresh_server_gets_its_roles_from_a_login_that_may_make_them(servers_run: Run) -> None:
    with PostgresServer(servers_run.directory / "postgres") as server:
        with connect(server.url(), "test") as superuser:
            for role in ROLES:
                superuser.execute(f"drop role {login_of(role)}, {role}")
            superuser.execute("create role dba login createrole")
            superuser.execute("create database billing owner dba")
        url = server.url("billing", "dba")
        migrate(url, migrations())
        assert make_roles(url) == list(ROLES)
        assert make_roles(url) == []
        assert grant_rights(url) > 0
        assert grant_rights(url) == 0
        assert migrate(url, migrations()) == []
