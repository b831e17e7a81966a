"""A database and topics of a benchmark's own, on the configured servers, and gone afterwards."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from domain.errors import InvalidInput


@contextmanager
def database(database_url: str, *, migrated: bool = True) -> Iterator[str]:
    """The address of a new database on that server, with Prorata's tables.

    Raises InvalidInput `cannot_create_database` where the role may not.
    """
    from eventlog.migrate import migrate
    from prorata.wiring import migrations

    name = f"prorata_bench_{secrets.token_hex(4)}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        try:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        except psycopg.errors.InsufficientPrivilege as error:
            message = "a benchmark needs a database of its own: give the role CREATEDB"
            raise InvalidInput("cannot_create_database", "PRORATA_DATABASE_URL", message) from error
        try:
            url = make_conninfo(database_url, dbname=name)
            if migrated:
                migrate(url, migrations())
            yield url
        finally:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@contextmanager
def topic_prefix(bootstrap: str) -> Iterator[str]:
    """A prefix that no other topic has; the topics that were made under it are deleted."""
    from kafka import KafkaAdminClient

    prefix = f"bench-{secrets.token_hex(4)}."
    try:
        yield prefix
    finally:
        with closing(KafkaAdminClient(bootstrap_servers=bootstrap)) as admin:
            made = [name for name in admin.list_topics() if name.startswith(prefix)]
            if made:
                admin.delete_topics(made)
