"""Parked accounts: those with an event that could not be read, folded or written. All others go on.

A parked account keeps the rows of its last good event. Once the cause is removed, mostly by newer code,
`Projector.release` folds the account anew and lets it go on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, Final

import msgspec
import psycopg
from psycopg.rows import args_row

from domain.calendar import Instant
from eventlog import EventUnreadable, StoredEvent
from eventlog.forgery import REMEDY
from projections.tables import Connection, Projection

logger = logging.getLogger(__name__)


REFUSED: Final = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.CardinalityViolation)
"""What PostgreSQL raises for rows that it refuses: a value, a constraint, two rows with the same key."""


class EventFailure(msgspec.Struct, frozen=True):
    """The event that stopped an account because it could not be read, folded or written, and the reason."""

    account_id: str
    version: int
    position: int
    error: str


class Parked(msgspec.Struct, frozen=True):
    """An account that is parked in a projection since `parked_at`."""

    projection: str
    account_id: str
    version: int
    position: int
    error: str
    parked_at: Instant


_COLUMNS: Final = ", ".join(Parked.__struct_fields__)

_ALL: Final = f"""
    select {_COLUMNS} from projections.parked order by parked_at, projection, account_id
"""  # noqa: S608

_OF_ACCOUNT: Final = f"""
    select {_COLUMNS} from projections.parked
    where account_id = %(account_id)s order by parked_at, projection
"""  # noqa: S608

_ANY: Final = """
    select exists (select from projections.parked where projection = any(%(names)s))
"""

_OF_ACCOUNTS: Final = """
    select projection, account_id from projections.parked
    where projection = any(%(names)s) and account_id = any(%(accounts)s)
"""

_PARK: Final = """
    insert into projections.parked (projection, account_id, version, position, error)
    values (%(projection)s, %(account_id)s, %(version)s, %(position)s, %(error)s)
    on conflict (projection, account_id) do update
    set version = excluded.version, position = excluded.position, error = excluded.error
"""

_UNPARK: Final = """
    delete from projections.parked where projection = %(projection)s and account_id = %(account_id)s
"""


def parked(connection: Connection, account_id: str | None = None) -> list[Parked]:
    """The parked accounts, or only this one, longest parked first; one entry for each projection."""
    statement = _ALL if account_id is None else _OF_ACCOUNT
    with connection.cursor(row_factory=args_row(Parked)) as cursor:
        return cursor.execute(statement, {"account_id": account_id}).fetchall()


def any_parked(connection: Connection, names: Iterable[str]) -> bool:
    """Whether any account is parked in these projections."""
    [[any_there]] = connection.execute(_ANY, {"names": list(names)}).fetchall()
    return bool(any_there)


def parked_among(
    connection: Connection, names: Sequence[str], accounts: Iterable[str]
) -> set[tuple[str, str]]:
    """The (projection, account id) pairs among these that are parked."""
    found = connection.execute(_OF_ACCOUNTS, {"names": list(names), "accounts": list(accounts)}).fetchall()
    return {(projection, account_id) for projection, account_id in found}


def park(connection: Connection, projection: str, failure: EventFailure) -> None:
    """Park the account. The caller has locked the projection's checkpoint."""
    logger.error(
        "%s: account %r is parked at version %d, position %d: %s",
        projection,
        failure.account_id,
        failure.version,
        failure.position,
        failure.error,
    )
    connection.execute(_PARK, {"projection": projection, **msgspec.structs.asdict(failure)})


def unpark(connection: Connection, projection: str, account_id: str) -> None:
    """Let the account go on. The caller has locked the projection's checkpoint and brought the rows up to
    it."""
    connection.execute(_UNPARK, {"projection": projection, "account_id": account_id})


def write(connection: Connection, projection: Projection, documents: Sequence[Any]) -> list[EventFailure]:
    """Write the documents, within the caller's transaction. If PostgreSQL refuses an account's, write those
    of all others and return the failures."""
    return put_accepted(connection, partial(projection.upsert, connection), documents)


def put_accepted(
    connection: Connection, put: Callable[[Sequence[Any]], None], documents: Sequence[Any]
) -> list[EventFailure]:
    """Give `put` the documents, within the caller's transaction. If PostgreSQL refuses them they are given in
    halves, so that of many accounts the one that is refused is found in few statements; return the failures.
    """
    try:
        with connection.transaction():
            put(documents)
    except REFUSED as error:
        accounts = list(dict.fromkeys([document.account for document in documents]))
        if len(accounts) == 1:
            last = max(documents, key=attrgetter("revision"))
            return [failure_of(last.account, last.version, last.revision, error)]
        first = set(accounts[: len(accounts) // 2])
        halves = ([d for d in documents if (d.account in first) is within] for within in (True, False))
        return [failure for half in halves for failure in put_accepted(connection, put, half)]
    return []


def failure_at(stored: StoredEvent, error: Exception) -> EventFailure:
    """The failure of an account at this event."""
    return failure_of(stored.account_id, stored.version, stored.position, error)


def forged_at(stored: StoredEvent, reason: str) -> EventFailure:
    """The failure of an account at an event that Prorata did not append."""
    return EventFailure(
        stored.account_id, stored.version, stored.position, f"event_forged: {reason}; {REMEDY}, then release"
    )


def failure_of(account_id: str, version: int, position: int, error: Exception) -> EventFailure:
    """The failure of an account at the event of this version and position.

    The error's text is cut at 2,000 characters and rid of NUL, which PostgreSQL cannot store.
    """
    reason = str(error) if isinstance(error, EventUnreadable) else f"{type(error).__name__}: {error}"
    return EventFailure(account_id, version, position, reason.replace("\x00", "\\0")[:2000])
