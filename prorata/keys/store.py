"""The tables of API keys.

with closing(KeyStore(settings.database_url, settings.api_secret)) as keys:
    made = keys.create(NewKey("acme", "shop", "owner"))
    made.key                                   # shown this once
    keys.find(made.key).tenant                 # "acme"
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec
from psycopg.rows import kwargs_row

from domain.errors import InvalidInput
from eventlog.migration_source import MigrationSource
from eventlog.postgres.connect import Connection
from prorata.keys.key import ApiKey, NewKey, checked, hash_of, new_id, new_key
from service.schema import connect

MIGRATIONS: Final = MigrationSource("api", Path(__file__).parent / "migrations")

_COLUMNS: Final = (
    "id, tenant, name, role, hint, networks, created_at, expires_at, revoked_at, rolled_from, last_used_at"
)
_HASH_KEY: Final = "select secret from api.hash_secret"
_MAKE_HASH_KEY: Final = "insert into api.hash_secret (secret) values (%(secret)s) on conflict do nothing"
_CREATE: Final = f"""
    insert into api.keys (id, tenant, name, role, hash, hint, networks, expires_at, rolled_from)
    values (%(id)s, %(tenant)s, %(name)s, %(role)s, %(hash)s, %(hint)s, %(networks)s, %(expires_at)s,
        %(rolled_from)s)
    on conflict (id) do nothing
    returning {_COLUMNS}
"""  # noqa: S608 - a constant of ours
_FIND: Final = f"select {_COLUMNS} from api.keys where hash = %(hash)s"  # noqa: S608
_BY_ID: Final = f"select {_COLUMNS} from api.keys where id = %(id)s"  # noqa: S608
_LIST: Final = f"""
    select {_COLUMNS} from api.keys
    where %(tenant)s::text is null or tenant = %(tenant)s order by tenant, created_at, id
"""  # noqa: S608
_ONE: Final = f"select {_COLUMNS} from api.keys where id = %(id)s for update"  # noqa: S608
_REVOKE: Final = f"""
    update api.keys set revoked_at = least(revoked_at, %(at)s) where id = %(id)s returning {_COLUMNS}
"""  # noqa: S608
_USED: Final = "update api.keys set last_used_at = greatest(last_used_at, %(at)s) where id = %(id)s"


class MadeKey(msgspec.Struct, frozen=True):
    """A new key: the only place where it is written out."""

    key: str
    kept: ApiKey

    def __repr__(self) -> str:
        return f"MadeKey({self.kept.id!r})"


class KeyStore:
    """The keys of a database; threads share it. `secret`: of the setting; None: the database keeps one.

    Raises NotMigrated, and LogUnavailable where the server does not answer.
    """

    def __init__(self, database_url: str, secret: str | None, *, patience: float = 10.0) -> None:
        self._connections = connect(
            database_url, "prorata keys", limit=2, patience=patience, source=MIGRATIONS
        )
        self._secret = None if secret is None else sha256(secret.encode()).digest()

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def create(self, wanted: NewKey, *, rolled_from: str | None = None) -> MadeKey:
        """Make a key. Raises InvalidInput for what cannot be one's role, name or network."""
        key, secret = new_key(), self._hash_secret()
        row = {
            **msgspec.structs.asdict(checked(wanted)),
            "networks": list(wanted.networks),
            "id": new_id(),
            "hash": hash_of(secret, key),
            "hint": key[-4:],
            "rolled_from": rolled_from,
        }
        found = self._connections.run(lambda connection: _rows(connection, _CREATE, row))
        if not found:  # it was stored before the connection was lost
            [found] = [[one] for one in [self.find(key)] if one is not None]
        return MadeKey(key, found[0])

    def find(self, key: str) -> ApiKey | None:
        """What is kept of the key, whether or not it still counts; None: there is none such."""
        bound = {"hash": hash_of(self._hash_secret(), key)}
        found = self._connections.run(lambda connection: _rows(connection, _FIND, bound))
        return found[0] if found else None

    def by_id(self, id_: str) -> ApiKey | None:
        """What is kept of the key of that id, whether or not it still counts."""
        found = self._connections.run(lambda connection: _rows(connection, _BY_ID, {"id": id_}))
        return found[0] if found else None

    def list(self, tenant: str | None = None) -> list[ApiKey]:
        """The keys of the tenant, or of all."""
        return self._connections.run(lambda connection: _rows(connection, _LIST, {"tenant": tenant}))

    def roll(self, id_: str, overlap: timedelta, now: datetime) -> MadeKey:
        """A new key like that one, which counts for as long as the overlap beside it. Raises InvalidInput
        `unknown_key`, `key_revoked`."""
        before = self._one(id_)
        if before.revoked_at is not None and before.revoked_at <= now:
            raise InvalidInput("key_revoked", "ID", f"the key {id_} counts no more: create another one")
        wanted = NewKey(before.tenant, before.name, before.role, before.networks, before.expires_at)
        made = self.create(wanted, rolled_from=before.id)
        self.revoke(id_, now + overlap)
        return made

    def revoke(self, id_: str, at: datetime) -> ApiKey:
        """From that instant on the key counts no more. Raises InvalidInput `unknown_key`."""
        self._one(id_)
        [kept] = self._connections.run(lambda connection: _rows(connection, _REVOKE, {"id": id_, "at": at}))
        return kept

    def note_used(self, used: Mapping[str, datetime]) -> None:
        """When keys, by id, were last used."""
        rows = [{"id": id_, "at": at} for id_, at in sorted(used.items())]

        def note(connection: Connection) -> None:
            with connection.cursor() as cursor:
                cursor.executemany(_USED, rows)

        self._connections.run(note)

    def _one(self, id_: str) -> ApiKey:
        found = self._connections.run(lambda connection: _rows(connection, _ONE, {"id": id_}))
        if not found:
            raise InvalidInput("unknown_key", "ID", f"there is no key {id_[:60]!r}")
        return found[0]

    def _hash_secret(self) -> bytes:
        if self._secret is None:
            self._secret = self._connections.run(_kept_secret)
        return self._secret


def _kept_secret(connection: Connection) -> bytes:
    while not (found := connection.execute(_HASH_KEY).fetchall()):
        connection.execute(_MAKE_HASH_KEY, {"secret": secrets.token_bytes(32)})
    return bytes(found[0][0])


def _rows(connection: Connection, statement: str, bound: Mapping[str, Any]) -> list[ApiKey]:
    with connection.cursor(row_factory=kwargs_row(_read)) as cursor:
        return cursor.execute(statement, bound).fetchall()


def _read(**columns: Any) -> ApiKey:
    instants = {name: at.astimezone(UTC) for name, at in columns.items() if isinstance(at, datetime)}
    return ApiKey(**{**columns, "networks": tuple(columns["networks"]), **instants})
