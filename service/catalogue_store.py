"""Where the catalogue's versions, tax tables and discount codes are kept: in memory, or in PostgreSQL.

A version is never changed or deleted, since prices of the past were read from it; a withdrawal is a mark
beside it. Loads and withdrawals take turns, so each sees what the one before has done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final, Protocol, TypeAlias

import msgspec
from msgspec.structs import replace

from domain.errors import InvalidInput
from eventlog.postgres.connect import Connection
from service.catalogue_versions import CatalogueVersion, the_same
from service.schema import connect
from service.terms import TERMS_KINDS, TermsKind, TermsVersion, next_version

Stamp: TypeAlias = tuple[int, int, int]
"""How many versions there are, how many of them are withdrawn, and how many tax tables and lists of codes."""

SOON: Final = timedelta(minutes=1)
"""What comes into force so soon is not withdrawn: a process whose clock is ahead may sell from it."""


Admission: TypeAlias = Callable[[Sequence[CatalogueVersion], CatalogueVersion], None]
"""Raises where a version may not stand beside the others."""


def admit_any(versions: Sequence[CatalogueVersion], version: CatalogueVersion) -> None:
    """Every version may."""


class CatalogueStore(Protocol):
    """Where catalogues are kept."""

    def stamp(self) -> Stamp:
        """Another one after each load and withdrawal: cheap enough to ask before every use."""
        ...

    def versions(self) -> list[CatalogueVersion]:
        """All of them, withdrawn ones too, ascending."""
        ...

    def add(
        self,
        body: bytes,
        sha256: str,
        effective_from: datetime,
        now: datetime,
        admit: Admission = admit_any,
    ) -> tuple[CatalogueVersion, bool]:
        """The next version and True; or the one that makes it pointless (`the_same`), and False. Raises what
        `admit` raises of the next version, seeing all others, none of which is added meanwhile."""
        ...

    def withdraw(self, version: int, now: datetime) -> tuple[CatalogueVersion, bool]:
        """Mark a scheduled version as withdrawn; the version, and whether it was not withdrawn before.

        Raises InvalidInput `unknown_version`, `catalogue_in_force`.
        """
        ...

    def pin(self, sha256: str, body: bytes) -> None:
        """Keep an account's own catalogue under its digest."""
        ...

    def pinned(self, sha256: str) -> bytes | None:
        """The catalogue of that digest."""
        ...

    def terms(self, kind: TermsKind) -> list[TermsVersion]:
        """All of the kind that were ever loaded, ascending."""
        ...

    def add_terms(self, kind: TermsKind, body: bytes, now: datetime) -> tuple[TermsVersion, bool]:
        """The next version and True; or the latest, if it is the same, and False."""
        ...


def version_named(versions: Sequence[CatalogueVersion], number: int) -> CatalogueVersion:
    """The version of that number. Raises InvalidInput `unknown_version`."""
    for version in versions:
        if version.version == number:
            return version
    message = f"there is no catalogue version {number}: see `prorata catalog list`"
    raise InvalidInput("unknown_version", "VERSION", message)


def _to_withdraw(versions: Sequence[CatalogueVersion], number: int, now: datetime) -> CatalogueVersion:
    """The version, which may be withdrawn or is so already."""
    version = version_named(versions, number)
    if version.withdrawn_at is None and version.effective_from <= now + SOON:
        begins = version.effective_from.isoformat(timespec="seconds")
        message = (
            f"version {number} is in force from {begins}, so accounts may have bought from it: "
            "load the catalogue that is to follow it instead"
        )
        raise InvalidInput("catalogue_in_force", "VERSION", message)
    return version


class MemoryCatalogues:
    """A store of one process."""

    def __init__(self) -> None:
        self._versions: list[CatalogueVersion] = []
        self._pinned: dict[str, bytes] = {}
        self._terms: dict[TermsKind, list[TermsVersion]] = {kind: [] for kind in TERMS_KINDS}
        self._in_turn = Lock()

    def stamp(self) -> Stamp:
        versions = self.versions()
        return (
            len(versions),
            sum(v.withdrawn_at is not None for v in versions),
            sum(map(len, self._terms.values())),
        )

    def versions(self) -> list[CatalogueVersion]:
        return list(self._versions)

    def add(
        self,
        body: bytes,
        sha256: str,
        effective_from: datetime,
        now: datetime,
        admit: Admission = admit_any,
    ) -> tuple[CatalogueVersion, bool]:
        with self._in_turn:
            if (kept := the_same(self._versions, sha256, effective_from)) is not None:
                return kept, False
            version = CatalogueVersion(len(self._versions) + 1, effective_from, now, sha256, body)
            admit(self._versions, version)
            self._versions.append(version)
            return version, True

    def withdraw(self, version: int, now: datetime) -> tuple[CatalogueVersion, bool]:
        with self._in_turn:
            found = _to_withdraw(self._versions, version, now)
            if found.withdrawn_at is not None:
                return found, False
            withdrawn = replace(found, withdrawn_at=now)
            self._versions[self._versions.index(found)] = withdrawn
            return withdrawn, True

    def pin(self, sha256: str, body: bytes) -> None:
        self._pinned[sha256] = body

    def pinned(self, sha256: str) -> bytes | None:
        return self._pinned.get(sha256)

    def terms(self, kind: TermsKind) -> list[TermsVersion]:
        return list(self._terms[kind])

    def add_terms(self, kind: TermsKind, body: bytes, now: datetime) -> tuple[TermsVersion, bool]:
        with self._in_turn:
            version, new = next_version(self._terms[kind], body, now)
            if new:
                self._terms[kind].append(version)
            return version, new


_STAMP: Final = """
    select (select count(*) from service.catalogues), (select count(*) from service.withdrawn_catalogues),
        (select count(*) from service.terms)
"""
_VERSIONS: Final = """
    select version, effective_from, loaded_at, sha256, body, withdrawn_at
    from service.catalogues left join service.withdrawn_catalogues using (version) order by version
"""
_IN_TURN: Final = "select pg_advisory_xact_lock(hashtextextended('service.catalogues', 0))"
_ADD: Final = """
    insert into service.catalogues (version, effective_from, loaded_at, sha256, body)
    values (%(version)s, %(effective_from)s, %(loaded_at)s, %(sha256)s, %(body)s)
"""
_WITHDRAW: Final = """
    insert into service.withdrawn_catalogues (version, withdrawn_at) values (%(version)s, %(now)s)
"""
_PIN: Final = """
    insert into service.pinned_catalogues (sha256, body) values (%(sha256)s, %(body)s)
    on conflict (sha256) do nothing
"""
_TERMS: Final = """
    select version, loaded_at, sha256, body from service.terms where kind = %(kind)s order by version
"""
_ADD_TERMS: Final = """
    insert into service.terms (kind, version, loaded_at, sha256, body)
    values (%(kind)s, %(version)s, %(loaded_at)s, %(sha256)s, %(body)s)
"""
_PINNED: Final = "select body from service.pinned_catalogues where sha256 = %(sha256)s"


class PostgresCatalogues:
    """A store in tables. Versions become visible in the order of their numbers: loads take turns."""

    def __init__(self, database_url: str, *, connections: int = 2, patience: float = 10.0) -> None:
        self._connections = connect(database_url, "prorata catalogues", limit=connections, patience=patience)

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def stamp(self) -> Stamp:
        [[versions, withdrawn, terms]] = self._rows(_STAMP)
        return int(versions), int(withdrawn), int(terms)

    def versions(self) -> list[CatalogueVersion]:
        return [CatalogueVersion(*row) for row in self._rows(_VERSIONS)]

    def add(
        self,
        body: bytes,
        sha256: str,
        effective_from: datetime,
        now: datetime,
        admit: Admission = admit_any,
    ) -> tuple[CatalogueVersion, bool]:
        """As `CatalogueStore.add`. After a lost connection it is tried again and finds what it has done."""

        def work(connection: Connection) -> tuple[CatalogueVersion, bool]:
            with connection.transaction():
                versions = _in_turn(connection)
                if (kept := the_same(versions, sha256, effective_from)) is not None:
                    return kept, False
                version = CatalogueVersion(len(versions) + 1, effective_from, now, sha256, body)
                admit(versions, version)
                connection.execute(_ADD, _columns(version))
                return version, True

        return self._connections.run(work)

    def withdraw(self, version: int, now: datetime) -> tuple[CatalogueVersion, bool]:
        def work(connection: Connection) -> tuple[CatalogueVersion, bool]:
            with connection.transaction():
                found = _to_withdraw(_in_turn(connection), version, now)
                if found.withdrawn_at is not None:
                    return found, False
                connection.execute(_WITHDRAW, {"version": version, "now": now})
                return replace(found, withdrawn_at=now), True

        return self._connections.run(work)

    def pin(self, sha256: str, body: bytes) -> None:
        values = {"sha256": sha256, "body": body}
        self._connections.run(lambda connection: connection.execute(_PIN, values))

    def pinned(self, sha256: str) -> bytes | None:
        rows = self._rows(_PINNED, sha256=sha256)
        return bytes(rows[0][0]) if rows else None

    def terms(self, kind: TermsKind) -> list[TermsVersion]:
        return [TermsVersion(*row) for row in self._rows(_TERMS, kind=kind)]

    def add_terms(self, kind: TermsKind, body: bytes, now: datetime) -> tuple[TermsVersion, bool]:
        def work(connection: Connection) -> tuple[TermsVersion, bool]:
            with connection.transaction():
                connection.execute(_IN_TURN)
                rows = connection.execute(_TERMS, {"kind": kind}, binary=True).fetchall()
                version, new = next_version([TermsVersion(*row) for row in rows], body, now)
                if new:
                    connection.execute(_ADD_TERMS, {"kind": kind, **msgspec.structs.asdict(version)})
                return version, new

        return self._connections.run(work)

    def _rows(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        return self._connections.run(
            lambda connection: connection.execute(statement, values, prepare=True, binary=True).fetchall()
        )


def _in_turn(connection: Connection) -> list[CatalogueVersion]:
    """All versions, once this transaction is the only one that changes them."""
    connection.execute(_IN_TURN)
    return [CatalogueVersion(*row) for row in connection.execute(_VERSIONS, binary=True).fetchall()]


def _columns(version: CatalogueVersion) -> dict[str, object]:
    return {name: getattr(version, name) for name in version.__struct_fields__ if name != "withdrawn_at"}
