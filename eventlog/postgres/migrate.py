"""Apply numbered SQL files, each once; `prorata migrate` does it, and no process does when it starts.

    migrate(database_url, [EVENTLOG, MigrationSource("projections", folder)])  # ["eventlog/0001_events", …]

A source's files are `0001_what_it_does.sql`, `0002_….sql`; each runs in a transaction of its own, in schema
public. The owner of the table of migrations also owns what they make, if the login is a member of that role.
The files grant nothing: `prorata/roles.py` holds every right.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from eventlog.errors import MigrationChanged, MigrationMisnamed
from eventlog.migration_source import MigrationSource
from eventlog.postgres.connect import connect

_NAME = re.compile(r"[0-9]{4}_[a-z0-9_]+")

_LOCK_KEY = 0x70726F72617461  # "prorata" in ASCII; each database has advisory locks of its own

_GRANTS = re.compile(rb"^do \$\$\nbegin\n[^$]*create role [^$]*\$\$;\n|^grant [^;]*;\n", re.MULTILINE)
"""Statements of older files that are skipped: not every owner of a database may make roles."""

_CREATE_TABLE = """
    create table if not exists public.migrations (
        source text not null,
        name text not null,
        sha256 text not null,
        applied_at timestamptz not null default now(),
        primary key (source, name)
    )
"""
_EXISTS = "select to_regclass('public.migrations') is not null"

# A superuser is a member of every role.
_OWNER = """
    select pg_get_userbyid(relowner) from pg_class
    where oid = to_regclass('public.migrations') and relowner <> current_user::regrole
        and pg_has_role(current_user, relowner, 'SET')
"""
_APPLIED = "select name, sha256 from public.migrations where source = %(source)s order by name"
_RECORD = "insert into public.migrations (source, name, sha256) values (%(source)s, %(name)s, %(sha256)s)"


EVENTLOG = MigrationSource("eventlog", Path(__file__).parent / "migrations")


def migrate(database_url: str, sources: Sequence[MigrationSource] = (EVENTLOG,)) -> list[str]:
    """Apply the missing migrations, source after source, and return their names. Safe to run concurrently.

    Raises MigrationChanged or MigrationMisnamed before the source at fault has changed anything.
    """
    applied = []
    with connect(database_url, "prorata migrate") as connection:
        connection.execute("select pg_advisory_lock(%s)", [_LOCK_KEY])
        as_owner(connection)
        if not _is_begun(connection):
            connection.execute(_CREATE_TABLE)
        for source in sources:
            for migration in _missing(connection, source):
                _apply(connection, migration)
                applied.append(str(migration))
    return applied


def missing(connection: psycopg.Connection[Any], source: MigrationSource) -> tuple[str, ...]:
    """The source's migrations that this database lacks, in order; processes check this when they connect."""
    found = _missing(connection, source) if _is_begun(connection) else _files(source)
    return tuple(map(str, found))


def as_owner(connection: psycopg.Connection[Any]) -> None:
    """Let the session act as the role that owns Prorata's tables, if the login is a member of it."""
    for (owner,) in connection.execute(_OWNER).fetchall():
        connection.execute(sql.SQL("set role {}").format(sql.Identifier(owner)))


def _is_begun(connection: psycopg.Connection[Any]) -> bool:
    [[exists]] = connection.execute(_EXISTS).fetchall()
    return bool(exists)


@dataclass(frozen=True)
class _Migration:
    source: str
    name: str
    sql: bytes

    @property
    def sha256(self) -> str:
        return sha256(self.sql).hexdigest()

    @property
    def statements(self) -> bytes:
        """The statements to execute: the file without its grants."""
        return _GRANTS.sub(b"", self.sql)

    def __str__(self) -> str:
        return f"{self.source}/{self.name}"


def _missing(connection: psycopg.Connection[Any], source: MigrationSource) -> list[_Migration]:
    applied = dict(connection.execute(_APPLIED, {"source": source.name}).fetchall())
    found = []
    for migration in _files(source):
        if migration.name not in applied:
            found.append(migration)
        elif applied[migration.name] != migration.sha256:
            raise MigrationChanged(str(migration))
    late = [migration for migration in found if migration.name < max(applied, default="")]
    if late:
        raise MigrationMisnamed(str(late[0]), "comes before one that was applied already")
    return found


def _files(source: MigrationSource) -> list[_Migration]:
    migrations: list[_Migration] = []
    for file in sorted(source.folder.glob("*.sql")):
        migration = _Migration(source.name, file.stem, file.read_bytes())
        if not _NAME.fullmatch(file.stem):
            raise MigrationMisnamed(str(migration), "is not named like 0001_what_it_does.sql")
        if migrations and migrations[-1].name[:4] == migration.name[:4]:
            raise MigrationMisnamed(str(migration), f"has the number of {migrations[-1].name}")
        migrations.append(migration)
    return migrations


def _apply(connection: psycopg.Connection[Any], migration: _Migration) -> None:
    with connection.transaction():
        connection.execute("set local search_path = public")
        connection.execute(migration.statements)
        connection.execute(
            _RECORD, {"source": migration.source, "name": migration.name, "sha256": migration.sha256}
        )
