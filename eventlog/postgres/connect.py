"""The one way in which Prorata connects to PostgreSQL.

    with connect(database_url, "prorata relay", settings={"lock_timeout": "10s"}) as connection:
        ...

Every session has the same clock, formats, encoding and isolation, whatever the server, database, role or
environment have for defaults. Its settings are given as it starts, so they belong to no transaction and reach
no other session.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow

Connection: TypeAlias = psycopg.Connection[TupleRow]

_NETWORK: Final = {
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
"""A server that fell silent is given up after about ten seconds, not after the hours that TCP would wait. The
address may say otherwise."""

_SESSION: Final = {
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "search_path": "public",
    # A statement that lost a race must see the winner's row.
    "default_transaction_isolation": "read committed",
}

_NO_SETTINGS: Final[Mapping[str, str]] = MappingProxyType({})
_LONGEST_NAME: Final = 63  # bytes that PostgreSQL keeps of an application's name


def connect(
    database_url: str,
    name: str,
    *,
    autocommit: bool = True,
    patience: int = 5,
    settings: Mapping[str, str] = _NO_SETTINGS,
) -> Connection:
    """A connection whose process and purpose `pg_stat_activity` shows as `name`.

    `patience`: seconds until a server that does not answer is given up. `settings`: of the session, beside
    those that all have. Raises psycopg.OperationalError.
    """
    given = {key: str(value) for key, value in conninfo_to_dict(database_url).items()}
    wanted = [_option(*setting) for setting in (_SESSION | dict(settings)).items()]
    options = " ".join([given.pop("options", ""), *wanted])
    session = {
        "client_encoding": "UTF8",
        "application_name": name.encode()[:_LONGEST_NAME].decode(errors="ignore"),
        "options": options,
    }
    return psycopg.connect(
        make_conninfo(**_NETWORK | {"connect_timeout": str(patience)} | given | session),
        autocommit=autocommit,
    )


def _option(setting: str, value: str) -> str:
    """The setting as the server's command line takes it, where blanks separate."""
    escaped = value.replace("\\", "\\\\").replace(" ", "\\ ")
    return f"-c {setting}={escaped}"
