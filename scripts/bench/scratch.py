"""Temporary databases and topics for a benchmark, on the configured servers."""

from __future__ import annotations

import secrets
import statistics
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from domain.errors import InvalidInput
from publishing.clients import Broker, to


@contextmanager
def database(database_url: str, *, migrated: bool = True) -> Iterator[str]:
    """The URL of a new database on that server, with Prorata's tables.

    Raises InvalidInput `cannot_create_database` if the role may not create one.
    """
    from eventlog.postgres.migrate import migrate
    from prorata.migrations import migrations

    with _made(database_url, sql.SQL("create database {}")) as url:
        if migrated:
            migrate(url, migrations())
        yield url


@contextmanager
def copy(database_url: str, **settings: str) -> Iterator[str]:
    """The URL of a copy of the database, with these settings; nobody may be connected to the original."""
    made_of = sql.Identifier(str(conninfo_to_dict(database_url)["dbname"]))
    command = sql.SQL("create database {{}} template {}").format(made_of).as_string()
    with _made(make_conninfo(database_url, dbname="postgres"), sql.SQL(command)) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            name = sql.Identifier(connection.info.dbname)
            for setting, value in settings.items():
                change = sql.SQL("alter database {} set {} = {}")
                connection.execute(change.format(name, sql.Identifier(setting), sql.Literal(value)))
        yield url


@contextmanager
def _made(database_url: str, command: sql.SQL) -> Iterator[str]:
    name = f"prorata_bench_{secrets.token_hex(4)}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        try:
            connection.execute(command.format(sql.Identifier(name)))
        except psycopg.errors.InsufficientPrivilege as error:
            message = "a benchmark needs a database of its own: give the role CREATEDB"
            raise InvalidInput("cannot_create_database", "PRORATA_DATABASE_URL", message) from error
        try:
            yield make_conninfo(database_url, dbname=name)
        finally:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def commit_ms(database_url: str, commits: int = 50) -> float:
    """The median time in ms that one caller's commit of a small row takes, as a measure of the disk."""
    took = []
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create table if not exists public.commits (n integer)")
        for nth in range(commits):
            began = time.perf_counter()
            connection.execute("insert into public.commits values (%s)", [nth])
            took.append(time.perf_counter() - began)
        connection.execute("drop table public.commits")
    return round(statistics.median(took) * 1000, 2)


@contextmanager
def topic_prefix(bootstrap: Broker) -> Iterator[str]:
    """A new topic prefix; topics with it are deleted at the end of the block."""
    from kafka import KafkaAdminClient

    prefix = f"bench-{secrets.token_hex(4)}."
    try:
        yield prefix
    finally:
        with closing(KafkaAdminClient(**to(bootstrap))) as admin:
            made = [name for name in admin.list_topics() if name.startswith(prefix)]
            if made:
                admin.delete_topics(made)
