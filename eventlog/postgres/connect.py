"""The one way in which Prorata connects to PostgreSQL.

    with connect(database_url, "prorata relay", settings={"lock_timeout": "10s"}) as connection:
        ...

A server that Prorata cannot work on is refused here, before anything is written. Every session has the same
time zone, formats, encoding and isolation, whatever the defaults of server, database, role or environment
are. Settings are start-up options, so they belong to no transaction and reach no other session.
"""

from __future__ import annotations

from collections.abc import Mapping
from secrets import token_hex
from types import MappingProxyType
from typing import Final, TypeAlias

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow

from eventlog.errors import NotPrimary, NotUtf8, ReadOnly, ServerTooOld, SessionPooled

Connection: TypeAlias = psycopg.Connection[TupleRow]

_NETWORK: Final = {
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
"""Give a silent server up after about ten seconds, not after hours as TCP would. The database URL can
override this."""

_SESSION: Final = {
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "search_path": "public",
    # READ COMMITTED: a statement that lost a race must see the winner's row.
    "default_transaction_isolation": "read committed",
}

NO_SETTINGS: Final[Mapping[str, str]] = MappingProxyType({})
_LONGEST_NAME: Final = 63  # bytes; PostgreSQL cuts longer application names

_LEAST_VERSION: Final = 17_00_00
"""PostgreSQL 17 brought transaction_timeout, without which a projector that hangs holds back all others."""

_MARKED_BY: Final = "prorata.session"
_MARK: Final = f"select current_setting('{_MARKED_BY}', true)"
"""Reads the mark that a session is started with; behind a pooler it is another client's, or missing."""

_UNSUPPORTED: Final = "unsupported startup parameter"


def connect(
    database_url: str,
    name: str,
    *,
    autocommit: bool = True,
    reads_only: bool = False,
    patience: int = 5,
    settings: Mapping[str, str] = NO_SETTINGS,
) -> Connection:
    """Connect; `pg_stat_activity` shows the connection as `name`.

    `reads_only`: accept a server that cannot be written to. `patience`: seconds to wait for the server.
    `settings`: session settings besides those that all connections have. Raises psycopg.OperationalError, or
    a WrongDatabase: ServerTooOld, NotUtf8, SessionPooled, NotPrimary, ReadOnly.
    """
    given = {key: str(value) for key, value in conninfo_to_dict(database_url).items()}
    mark = token_hex(8)
    wanted = [_option(*setting) for setting in (_SESSION | dict(settings) | {_MARKED_BY: mark}).items()]
    options = " ".join([given.pop("options", ""), *wanted])
    session = {
        "client_encoding": "UTF8",
        "application_name": name.encode()[:_LONGEST_NAME].decode(errors="ignore"),
        "options": options,
    }
    conninfo = make_conninfo(**_NETWORK | {"connect_timeout": str(patience)} | given | session)
    try:
        connection = psycopg.connect(conninfo, autocommit=autocommit)
    except psycopg.OperationalError as error:
        if _UNSUPPORTED in str(error):
            raise SessionPooled("a pooler refused the settings that it begins with") from error
        raise
    try:
        _check(connection, mark, reads_only=reads_only)
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: Connection, mark: str, *, reads_only: bool) -> None:
    """Refuse a server on which part of the product would fail later."""
    info = connection.info
    if info.server_version < _LEAST_VERSION:
        found = info.parameter_status("server_version") or str(info.server_version)
        raise ServerTooOld(found, str(_LEAST_VERSION // 10_000))
    # In a separate transaction: a transaction pooler may run it on another session than the one before.
    [[begun_with]] = connection.execute(_MARK).fetchall()
    if begun_with != mark:
        raise SessionPooled("it does not have the settings that it was begun with")
    if not connection.autocommit:
        connection.rollback()
    encoding = info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise NotUtf8(str(encoding))
    if reads_only:
        return
    if info.parameter_status("in_hot_standby") == "on":
        raise NotPrimary
    if info.parameter_status("default_transaction_read_only") == "on":
        raise ReadOnly


def with_password(database_url: str, password: str) -> str:
    """The address with the password of its user."""
    return make_conninfo(database_url, password=password)


def acting_as(database_url: str, role: str) -> str:
    """The address of sessions with this role's rights alone, for a login that is a member of it."""
    given = {key: str(value) for key, value in conninfo_to_dict(database_url).items()}
    options = f"{given.pop('options', '')} {_option('role', role)}".strip()
    return make_conninfo(**given, options=options)


def _option(setting: str, value: str) -> str:
    """The setting as a start-up option, with blanks and backslashes escaped."""
    escaped = value.replace("\\", "\\\\").replace(" ", "\\ ")
    return f"-c {setting}={escaped}"
