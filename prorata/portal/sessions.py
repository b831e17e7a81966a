"""Links and sessions of customers: a program makes a link, the customer's browser exchanges it for a session.

    link = portal.link("acme/a1", "fr", return_url, now)        # LINK_LASTS, for one use
    session = portal.exchange(link.token, now)                  # None: used, expired, or never made
    portal.session(session.token, now).account_id               # "acme/a1", and nothing else

Of tokens only digests are kept: whoever reads the tables cannot use them.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from domain.errors import InvalidInput
from domain.texts import is_plain
from eventlog.migration_source import MigrationSource
from eventlog.postgres.connect import Connection
from prorata.wording import Language
from service.schema import connect

MIGRATIONS: Final = MigrationSource("portal", Path(__file__).parent / "migrations")

LINK_LASTS: Final = timedelta(minutes=15)
SESSION_LASTS: Final = timedelta(hours=12)
IDLE: Final = timedelta(hours=1)
"""A session ends so long after it was last used."""

_BYTES: Final = 32
_LONGEST: Final = 100
_MOST: Final = 2_000


class Link(msgspec.Struct, frozen=True):
    """A new link: the only place where its token is written out."""

    token: str
    expires_at: datetime

    def __repr__(self) -> str:
        return "Link(token=…)"


class PortalSession(msgspec.Struct, frozen=True):
    """A session, which sees that account alone. `token`: of the browser's cookie; shown nowhere."""

    token: str
    account_id: str
    language: Language
    return_url: str | None
    ends_at: datetime

    def __repr__(self) -> str:
        return f"PortalSession({self.account_id!r})"


class ReturnUrls:
    """Where pages may lead back to: nowhere but to origins that are named, so that no link of ours leads to
    a stranger."""

    def __init__(self, origins: str) -> None:
        self._origins = frozenset(
            origin for one in origins.split(",") if (origin := _origin(one.strip())) is not None
        )

    def check(self, url: str, place: str) -> str:
        """The URL itself. Raises InvalidInput `return_url_refused`."""
        plain = len(url) <= _MOST and url.isascii() and is_plain(url) and not set(" \\\"'<>") & set(url)
        if not plain or _origin(url) not in self._origins:
            message = "pages lead back to the origins that PRORATA_RETURN_URLS names, and to no other"
            raise InvalidInput("return_url_refused", place, message)
        return url


class PortalSessions:
    """The tables of links and sessions; threads share it."""

    def __init__(self, database_url: str, *, patience: float = 10.0) -> None:
        self._connections = connect(
            database_url, "prorata portal", limit=2, patience=patience, source=MIGRATIONS
        )

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def link(self, account_id: str, language: Language, return_url: str | None, now: datetime) -> Link:
        """A link to the account's pages. Links and sessions that are over are forgotten."""
        link = Link(secrets.token_urlsafe(_BYTES), now + LINK_LASTS)
        bound = {
            "token": _digest(link.token),
            "account_id": account_id,
            "language": language,
            "return_url": return_url,
            "expires_at": link.expires_at,
            "now": now,
            "idle": IDLE,
        }

        def work(connection: Connection) -> None:
            with connection.transaction():
                for statement in (_FORGET_LINKS, _FORGET_SESSIONS):
                    connection.execute(statement, bound)
                connection.execute(_LINK, bound)

        self._connections.run(work)
        return link

    def exchange(self, token: str, now: datetime) -> PortalSession | None:
        """The session that the link opens, once; None: it opens nothing."""
        session = secrets.token_urlsafe(_BYTES)
        bound = {"link": _digest(token), "token": _digest(session), "now": now}

        def work(connection: Connection) -> list[tuple[Any, ...]]:
            with connection.transaction():
                return connection.execute(_EXCHANGE, bound).fetchall()

        rows = self._connections.run(work)
        return _session(session, now, rows)

    def session(self, token: str, now: datetime) -> PortalSession | None:
        """The session of that token, which goes on; None: there is none, or it is over."""
        bound = {"token": _digest(token), "now": now, "idle": IDLE, "lasts": SESSION_LASTS}
        rows = self._connections.run(lambda connection: connection.execute(_SEEN, bound).fetchall())
        return _session(token, now, rows)

    def end(self, token: str) -> None:
        """The session is over."""
        bound = {"token": _digest(token)}
        self._connections.run(lambda connection: connection.execute(_END, bound))


def _session(token: str, now: datetime, rows: list[tuple[Any, ...]]) -> PortalSession | None:
    for account_id, language, return_url, begun_at in rows:
        return PortalSession(
            token, account_id, language, return_url, min(now + IDLE, begun_at + SESSION_LASTS)
        )
    return None


def _digest(token: str) -> bytes:
    return sha256(token[:_LONGEST].encode()).digest()


def _origin(url: str) -> tuple[str, str, int | None] | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("https", "http") or not parts.hostname or "@" in parts.netloc:
        return None
    return parts.scheme, parts.hostname, port


_LINK: Final = """
    insert into portal.links (token, account_id, language, return_url, expires_at)
    values (%(token)s, %(account_id)s, %(language)s, %(return_url)s, %(expires_at)s)
    on conflict do nothing
"""
_EXCHANGE: Final = """
    with used as (
        update portal.links set used_at = %(now)s
        where token = %(link)s and used_at is null and expires_at > %(now)s
        returning account_id, language, return_url
    )
    insert into portal.sessions (token, account_id, language, return_url, begun_at, seen_at)
    select %(token)s, account_id, language, return_url, %(now)s, %(now)s from used
    returning account_id, language, return_url, begun_at
"""
_SEEN: Final = """
    update portal.sessions set seen_at = %(now)s
    where token = %(token)s and seen_at > %(now)s - %(idle)s and begun_at > %(now)s - %(lasts)s
    returning account_id, language, return_url, begun_at
"""
_END: Final = "delete from portal.sessions where token = %(token)s"
_FORGET_LINKS: Final = "delete from portal.links where expires_at < %(now)s - interval '1 day'"
_FORGET_SESSIONS: Final = "delete from portal.sessions where seen_at < %(now)s - %(idle)s"
