"""Where versions of billing details are kept: sealed, in PostgreSQL (R92)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, Final

import msgspec

from eventlog.postgres.connect import Connection
from service.persons import PERSONS
from service.persons.vault import Sealed
from service.schema import connect


class KeptDetails(msgspec.Struct, frozen=True):
    """A version as it is kept. `sealed` None: it was destroyed at `destroyed_at`. `locked_until`: erased, and
    kept until that day for the documents that name it."""

    account_id: str
    version: int
    command_id: str | None
    given_at: datetime
    sealed: Sealed | None
    locked_until: date | None
    destroyed_at: datetime | None


class NewDetails(msgspec.Struct, frozen=True):
    """A version that is to be kept. `seal` is asked with its number, once that is known."""

    account_id: str
    person: str | None
    command_id: str | None
    given_at: datetime
    email_digest: bytes | None
    seal: Callable[[int], Sealed]


class PostgresDetails:
    """Versions of each account, numbered from 1 without gaps. After a lost connection a call is made again;
    one with the id of a command finds what it has done."""

    def __init__(self, database_url: str, *, connections: int = 2, patience: float = 10.0) -> None:
        self._connections = connect(
            database_url, "prorata details", limit=connections, patience=patience, source=PERSONS
        )

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def add(self, new: NewDetails) -> tuple[KeptDetails, bool]:
        """Keep the next version of the account, and True; or the one that this command has kept before, and
        False."""

        def work(connection: Connection) -> tuple[KeptDetails, bool]:
            with connection.transaction():
                connection.execute(_IN_TURN, {"account_id": new.account_id})
                versions = _read(connection, _OF_ACCOUNT, account_id=new.account_id)
                if new.command_id is not None:
                    for kept in versions:
                        if kept.command_id == new.command_id:
                            return kept, False
                number = len(versions) + 1
                sealed = new.seal(number)
                values = {
                    "account_id": new.account_id,
                    "version": number,
                    "person": new.person,
                    "command_id": new.command_id,
                    "given_at": new.given_at,
                    "key": sealed.key,
                    "sealed": sealed.body,
                    "email_digest": new.email_digest,
                }
                connection.execute(_ADD, values)
                return KeptDetails(
                    new.account_id, number, new.command_id, new.given_at, sealed, None, None
                ), True

        return self._connections.run(work)

    def version(self, account_id: str, version: int) -> KeptDetails | None:
        """That one; None: there was never one."""
        found = self._rows(_ONE, account_id=account_id, version=version)
        return found[0] if found else None

    def versions(self, account_id: str) -> list[KeptDetails]:
        """All of the account, ascending, destroyed ones too."""
        return self._rows(_OF_ACCOUNT, account_id=account_id)

    def accounts_of_person(self, person: str) -> list[str]:
        """The accounts that any version names this person in, ascending."""
        return self._accounts(_OF_PERSON, person=person)

    def accounts_with_email(self, digests: Sequence[bytes]) -> list[str]:
        """The accounts of which any version has an address of one of these digests, ascending."""
        return self._accounts(_WITH_EMAIL, digests=list(digests))

    def destroy(self, account_id: str, versions: Sequence[int], now: datetime) -> list[int]:
        """Destroy these versions' keys and contents; return those that were there until now."""
        values = {"account_id": account_id, "versions": list(versions), "now": now}
        return sorted(version for (version,) in self._raw(_DESTROY, **values))

    def lock(self, account_id: str, until: dict[int, date]) -> None:
        """Keep each of these versions until that day (exclusive) for finance alone; a person is found by them
        no more."""
        values = [{"account_id": account_id, "version": v, "until": day} for v, day in until.items()]

        def work(connection: Connection) -> None:
            with connection.transaction(), connection.cursor() as cursor:
                cursor.executemany(_LOCK, values)

        self._connections.run(work)

    def locked_past(self, today: date) -> list[KeptDetails]:
        """Those whose last day of being kept is over."""
        return self._rows(_PAST, today=today)

    def rewrap(self, wrap: Callable[[KeptDetails], tuple[Sealed, bytes | None]], *, page: int = 500) -> int:
        """Give every version's key the wrapping that `wrap` makes, and its address the digest; return how
        many there are. Done anew, it changes nothing."""
        account_id, version, count = "", 0, 0
        while kept := self._rows(_PAGE, account_id=account_id, version=version, page=page):
            for one in kept:
                sealed, digest = wrap(one)
                values = {"account_id": one.account_id, "version": one.version, "key": sealed.key}
                self._raw(_REWRAP, **values, email_digest=digest)
            account_id, version = kept[-1].account_id, kept[-1].version
            count += len(kept)
        return count

    def _accounts(self, statement: str, **values: object) -> list[str]:
        return [account for (account,) in self._raw(statement, **values)]

    def _rows(self, which: str, **values: object) -> list[KeptDetails]:
        return self._connections.run(lambda connection: _read(connection, which, **values))

    def _raw(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        def work(connection: Connection) -> list[tuple[Any, ...]]:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

        return self._connections.run(work)


_SELECT: Final = """
    select account_id, version, command_id, given_at, key, sealed, locked_until, destroyed_at
    from persons.details
"""
_IN_TURN: Final = "select pg_advisory_xact_lock(hashtextextended('persons/' || %(account_id)s, 0))"
_OF_ACCOUNT: Final = """
    where account_id = %(account_id)s order by version
"""
_ONE: Final = """
    where account_id = %(account_id)s and version = %(version)s
"""
_ADD: Final = """
    insert into persons.details
        (account_id, version, person, command_id, given_at, key, sealed, email_digest)
    values (%(account_id)s, %(version)s, %(person)s, %(command_id)s, %(given_at)s, %(key)s, %(sealed)s,
        %(email_digest)s)
"""
_OF_PERSON: Final = "select distinct account_id from persons.details where person = %(person)s order by 1"
_WITH_EMAIL: Final = """
    select distinct account_id from persons.details where email_digest = any(%(digests)s) order by 1
"""
_DESTROY: Final = """
    update persons.details
    set key = null, sealed = null, person = null, email_digest = null, locked_until = null,
        destroyed_at = %(now)s
    where account_id = %(account_id)s and version = any(%(versions)s) and key is not null
    returning version
"""
_LOCK: Final = """
    update persons.details set locked_until = %(until)s, person = null, email_digest = null
    where account_id = %(account_id)s and version = %(version)s and key is not null
"""
_PAST: Final = """
    where locked_until <= %(today)s order by account_id, version
"""
_PAGE: Final = """
    where (account_id, version) > (%(account_id)s, %(version)s) and key is not null
    order by account_id, version limit %(page)s
"""
_REWRAP: Final = """
    update persons.details
    set key = %(key)s, email_digest = case when locked_until is null then %(email_digest)s::bytea end
    where account_id = %(account_id)s and version = %(version)s and key is not null
"""


def _read(connection: Connection, which: str, **values: object) -> list[KeptDetails]:
    return [_kept(*row) for row in connection.execute(_SELECT + which, values).fetchall()]


def _kept(
    account_id: str,
    version: int,
    command_id: str | None,
    given_at: datetime,
    key: bytes | None,
    body: bytes | None,
    locked_until: date | None,
    destroyed_at: datetime | None,
) -> KeptDetails:
    sealed = None if key is None or body is None else Sealed(key, body)
    return KeptDetails(account_id, version, command_id, given_at, sealed, locked_until, destroyed_at)
