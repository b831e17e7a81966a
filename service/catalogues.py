"""The catalogue's versions, and which of them an account's prices are read from.

    library.load(body, effective_from=None, now=clock.now())   # version 3, in force from now on
    library.series_for(state)                                  # what the pure rules take

Accounts on the wall clock take the series of loaded versions, without the shipped example. An account on a
test clock has one catalogue for ever: its own, or what was newest when it was opened; it is stored by digest
and named in `AccountOpened`.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Final, Protocol

import msgspec

from domain.catalog import CatalogFile, Catalogues, CatalogVersion, parse_catalog
from domain.errors import InvalidCatalog, InvalidInput
from domain.state import Account
from eventlog.postgres.connections import Connection
from service.errors import CatalogueMissing
from service.schema import connect

EXAMPLE: Final = Path(__file__).parent / "example_catalog.json"
"""The shipped example, for accounts on a test clock only."""


class CatalogueVersion(msgspec.Struct, frozen=True):
    """A version as it was loaded; `body` is canonical, so equal catalogues have equal digests."""

    version: int
    effective_from: datetime
    sha256: str
    body: bytes

    @property
    def example(self) -> bool:
        """It is the shipped example, which no account on the wall clock is served from."""
        return self.sha256 == digest_of(example_body())


class CatalogueStore(Protocol):
    """Where catalogues are kept."""

    def newest(self) -> int:
        """The highest version, 0 if none: cheap enough to ask before every use."""
        ...

    def versions(self) -> list[CatalogueVersion]:
        """All of them, ascending."""
        ...

    def add(self, body: bytes, sha256: str, effective_from: datetime, now: datetime) -> int:
        """The next version's number."""
        ...

    def pin(self, sha256: str, body: bytes) -> None:
        """Keep an account's own catalogue under its digest."""
        ...

    def pinned(self, sha256: str) -> bytes | None:
        """The catalogue of that digest."""
        ...


def canonical(data: bytes) -> bytes:
    """The same catalogue however its file is spaced and ordered.

    Raises InvalidCatalog with the place of the first fault.
    """
    parse_catalog(data)
    return msgspec.json.encode(msgspec.json.decode(data, type=CatalogFile), order="sorted")


def digest_of(body: bytes) -> str:
    """The digest of a canonical body."""
    return hashlib.sha256(body).hexdigest()


@lru_cache(maxsize=1)
def example_body() -> bytes:
    """The shipped example, canonical."""
    return canonical(EXAMPLE.read_bytes())


class CatalogueLibrary:
    """Loads versions and finds the series of an account; threads share it."""

    def __init__(self, store: CatalogueStore) -> None:
        self._store = store
        self._lock = Lock()
        self._series: tuple[int, Catalogues] = (0, Catalogues(()))

    def load(self, data: bytes, effective_from: datetime | None, now: datetime) -> CatalogueVersion:
        """A new version, in force from the instant (None: now) until the next one's.

        Raises InvalidCatalog, and InvalidInput `effective_in_past`: no catalogue changes what was sold.
        """
        body = canonical(data)
        begins = now if effective_from is None else effective_from
        if begins < now:
            message = f"{begins.isoformat()} has passed: a catalogue is in force from now on at the earliest"
            raise InvalidInput("effective_in_past", "$.effective_from", message)
        sha256 = digest_of(body)
        return CatalogueVersion(self._store.add(body, sha256, begins, now), begins, sha256, body)

    def series_for(self, state: Account | None) -> Catalogues:
        """The versions that the account's prices are read from.

        Raises CatalogueMissing.
        """
        if state is None:
            return Catalogues(())
        return self._loaded() if state.catalog is None else self._pinned(state.catalog)

    def pin(self, given: Any | None, *, keep: bool = True) -> str:
        """Keep the catalogue for an account on a test clock, as it stands in a line of JSON, decoded (None:
        the newest loaded, else the shipped example). Its digest.

        Raises InvalidCatalog.
        """
        body = self._newest_body() if given is None else canonical(_encoded(given))
        sha256 = digest_of(body)
        if keep:
            self._store.pin(sha256, body)
        return sha256

    def _loaded(self) -> Catalogues:
        newest = self._store.newest()
        with self._lock:
            known, series = self._series
        if newest == known:
            return series
        versions = self._store.versions()
        series = Catalogues(tuple(_in_force(versions)))
        with self._lock:
            self._series = (versions[-1].version, series)
        return series

    @lru_cache(maxsize=1024)  # noqa: B019 - a library lives as long as its process
    def _pinned(self, sha256: str) -> Catalogues:
        body = self._store.pinned(sha256)
        if body is None:
            raise CatalogueMissing(sha256)
        return Catalogues.always(parse_catalog(body))

    def _newest_body(self) -> bytes:
        versions = self._store.versions() if self._store.newest() else []
        return versions[-1].body if versions else example_body()


def _in_force(versions: list[CatalogueVersion]) -> list[CatalogVersion]:
    """By the instant from which they are in force; of one instant the later version counts."""
    served = sorted((v for v in versions if not v.example), key=lambda v: (v.effective_from, v.version))
    return [CatalogVersion(v.effective_from, parse_catalog(v.body)) for v in served]


def _encoded(given: Any) -> bytes:
    try:
        return msgspec.json.encode(given)
    except (UnicodeEncodeError, RecursionError):
        raise InvalidCatalog("invalid_catalog", "$", "it is no JSON text") from None


class MemoryCatalogues:
    """A store of one process."""

    def __init__(self) -> None:
        self._versions: list[CatalogueVersion] = []
        self._pinned: dict[str, bytes] = {}

    def newest(self) -> int:
        return len(self._versions)

    def versions(self) -> list[CatalogueVersion]:
        return list(self._versions)

    def add(self, body: bytes, sha256: str, effective_from: datetime, now: datetime) -> int:  # noqa: ARG002
        version = len(self._versions) + 1
        self._versions.append(CatalogueVersion(version, effective_from, sha256, body))
        return version

    def pin(self, sha256: str, body: bytes) -> None:
        self._pinned[sha256] = body

    def pinned(self, sha256: str) -> bytes | None:
        return self._pinned.get(sha256)


_NEWEST: Final = "select coalesce(max(version), 0) from service.catalogues"
_VERSIONS: Final = "select version, effective_from, sha256, body from service.catalogues order by version"
_IN_TURN: Final = "select pg_advisory_xact_lock(hashtextextended('service.catalogues', 0))"
_ADD: Final = """
    insert into service.catalogues (version, effective_from, loaded_at, sha256, body)
    select coalesce(max(version), 0) + 1, %(effective_from)s, %(now)s, %(sha256)s, %(body)s
    from service.catalogues returning version
"""
_PIN: Final = """
    insert into service.pinned_catalogues (sha256, body) values (%(sha256)s, %(body)s)
    on conflict (sha256) do nothing
"""
_PINNED: Final = "select body from service.pinned_catalogues where sha256 = %(sha256)s"


class PostgresCatalogues:
    """A store in tables. Versions become visible in the order of their numbers: loads take turns."""

    def __init__(self, database_url: str, *, connections: int = 2, patience: float = 10.0) -> None:
        self._connections = connect(database_url, limit=connections, patience=patience)

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def newest(self) -> int:
        [[version]] = self._rows(_NEWEST)
        return int(version)

    def versions(self) -> list[CatalogueVersion]:
        return [CatalogueVersion(*row) for row in self._rows(_VERSIONS)]

    def add(self, body: bytes, sha256: str, effective_from: datetime, now: datetime) -> int:
        """As `CatalogueStore.add`; after a lost connection there may be two versions that are the same."""
        values = {"body": body, "sha256": sha256, "effective_from": effective_from, "now": now}

        def work(connection: Connection) -> int:
            with connection.transaction():
                connection.execute(_IN_TURN)
                [[version]] = connection.execute(_ADD, values).fetchall()
            return int(version)

        return self._connections.run(work)

    def pin(self, sha256: str, body: bytes) -> None:
        values = {"sha256": sha256, "body": body}
        self._connections.run(lambda connection: connection.execute(_PIN, values))

    def pinned(self, sha256: str) -> bytes | None:
        rows = self._rows(_PINNED, sha256=sha256)
        return bytes(rows[0][0]) if rows else None

    def _rows(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        return self._connections.run(
            lambda connection: connection.execute(statement, values, prepare=True, binary=True).fetchall()
        )
