"""Links and sessions of customers: a program makes a link, the customer's browser exchanges it for a session.

    link = portal.link("acme/a1", "fr", return_url, now)        # LINK_LASTS, for one use
    session = portal.exchange(link.token, now)                  # None: used, expired, or never made
    portal.session(session.token, now).account_id               # "acme/a1", and nothing else
    portal.rotated(session, now).token                          # another one, which takes its place

Staff who sign in at the console with an API key have sessions of the same kind (`sign_in`, `staff`). Of
tokens only digests are kept: whoever reads the tables cannot use them.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar
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

ROTATES: Final = timedelta(minutes=15)
"""A session gets another token so often; the old one counts a minute longer, for what is under way."""

_BOTH_COUNT: Final = timedelta(minutes=1)
_BYTES: Final = 32
_LONGEST: Final = 100
_MOST: Final = 2_000


_Found: TypeAlias = tuple[str, datetime, list[tuple[Any, ...]]]
S = TypeVar("S", bound="Session")


class Link(msgspec.Struct, frozen=True):
    """A new link: the only place where its token is written out."""

    token: str
    expires_at: datetime

    def __repr__(self) -> str:
        return "Link(token=…)"


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A session. `token`: of the browser's cookie; `secret`: what marks its forms, the same for all its
    tokens. Both are shown nowhere."""

    token: str
    secret: bytes
    language: Language
    ends_at: datetime
    issued_at: datetime

    def rotates(self, now: datetime) -> bool:
        """Whether it is time for another token."""
        return now - self.issued_at >= ROTATES


class PortalSession(Session, frozen=True, kw_only=True):
    """A customer's session, which sees that account alone."""

    account_id: str
    return_url: str | None

    def __repr__(self) -> str:
        return f"PortalSession({self.account_id!r})"


class StaffSession(Session, frozen=True, kw_only=True):
    """A session of who signed in with that API key, for as long as the key counts."""

    key_id: str

    def __repr__(self) -> str:
        return f"StaffSession({self.key_id!r})"


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
        return _customer(self._begun(_EXCHANGE, {"link": _digest(token)}, now))

    def exchange_signed(
        self,
        text: str,
        account_id: str,
        language: Language,
        return_url: str | None,
        expires_at: datetime,
        now: datetime,
    ) -> PortalSession | None:
        """The session that a link opens which a company's own sign-in has signed (`prorata.portal.signed`),
        once; None: it was used. It is remembered for longer than it can be used."""
        bound: dict[str, Any] = {
            "link": sha256(text.encode()).digest(),
            "account_id": account_id,
            "language": language,
            "return_url": return_url,
            "expires_at": expires_at,
        }
        return _customer(self._begun(_EXCHANGE_SIGNED, bound, now))

    def session(self, token: str, now: datetime) -> PortalSession | None:
        """The customer's session of that token, which goes on; None: there is none, or it is over."""
        return _customer(self._seen(token, now))

    def sign_in(self, key_id: str, language: Language, now: datetime) -> StaffSession:
        """A session of who has shown that API key."""
        session = _staff(self._begun(_SIGN_IN, {"key_id": key_id, "language": language}, now))
        assert session is not None
        return session

    def staff(self, token: str, now: datetime) -> StaffSession | None:
        """The staff's session of that token, which goes on; None: there is none, or it is over."""
        return _staff(self._seen(token, now))

    def rotated(self, session: S, now: datetime) -> S:
        """The same session with another token; the old one counts for a minute longer. The session itself,
        where another request was first."""
        token = secrets.token_urlsafe(_BYTES)
        bound = {"old": _digest(session.token), "token": _digest(token), "now": now}
        bound["over_at"] = now + _BOTH_COUNT
        found = self._rows(_ROTATE, bound)
        return msgspec.structs.replace(session, token=token, issued_at=now) if found else session

    def speak(self, session: Session, language: Language) -> None:
        """The session's pages are in that language from now on."""
        self._rows(_SPEAK, {"secret": session.secret, "language": language})

    def end(self, token: str) -> None:
        """The session is over, whichever of its tokens this is."""
        self._rows(_END, {"token": _digest(token)})

    def _begun(self, statement: str, bound: dict[str, object], now: datetime) -> _Found:
        token = secrets.token_urlsafe(_BYTES)
        more = {"token": _digest(token), "secret": secrets.token_bytes(_BYTES), "now": now}
        return token, now, self._rows(statement, bound | more)

    def _seen(self, token: str, now: datetime) -> _Found:
        bound = {"token": _digest(token), "now": now, "idle": IDLE, "lasts": SESSION_LASTS}
        return token, now, self._rows(_SEEN, bound)

    def _rows(self, statement: str, bound: dict[str, Any]) -> list[tuple[Any, ...]]:
        def work(connection: Connection) -> list[tuple[Any, ...]]:
            with connection.transaction():
                return connection.execute(statement, bound).fetchall()

        return self._connections.run(work)


def _customer(found: _Found) -> PortalSession | None:
    token, now, rows = found
    for account_id, _, language, return_url, begun_at, issued_at, secret in rows:
        if account_id is not None:
            ends_at = min(now + IDLE, begun_at + SESSION_LASTS)
            return PortalSession(
                token=token,
                secret=bytes(secret),
                account_id=account_id,
                language=language,
                return_url=return_url,
                ends_at=ends_at,
                issued_at=issued_at,
            )
    return None


def _staff(found: _Found) -> StaffSession | None:
    token, now, rows = found
    for _, key_id, language, _, begun_at, issued_at, secret in rows:
        if key_id is not None:
            ends_at = min(now + IDLE, begun_at + SESSION_LASTS)
            return StaffSession(
                token=token,
                secret=bytes(secret),
                key_id=key_id,
                language=language,
                ends_at=ends_at,
                issued_at=issued_at,
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
_SHOWN: Final = "account_id, key_id, language, return_url, begun_at, issued_at, secret"
_EXCHANGE: Final = f"""
    with used as (
        update portal.links set used_at = %(now)s
        where token = %(link)s and used_at is null and expires_at > %(now)s
        returning account_id, language, return_url
    ) insert into portal.sessions (token, account_id, language, return_url, begun_at, seen_at, issued_at,
    secret) select %(token)s, account_id, language, return_url, %(now)s, %(now)s, %(now)s, %(secret)s from
    used returning {_SHOWN}
"""  # noqa: S608 - a constant of ours
_EXCHANGE_SIGNED: Final = f"""
    with used as (
        insert into portal.links (token, account_id, language, return_url, expires_at, used_at)
        values (%(link)s, %(account_id)s, %(language)s, %(return_url)s, %(expires_at)s, %(now)s)
        on conflict do nothing
        returning account_id, language, return_url
    )
    insert into portal.sessions
        (token, account_id, language, return_url, begun_at, seen_at, issued_at, secret)
    select %(token)s, account_id, language, return_url, %(now)s, %(now)s, %(now)s, %(secret)s from used
    returning {_SHOWN}
"""  # noqa: S608
_SIGN_IN: Final = f"""
    insert into portal.sessions (token, key_id, language, begun_at, seen_at, issued_at, secret)
    values (%(token)s, %(key_id)s, %(language)s, %(now)s, %(now)s, %(now)s, %(secret)s)
    returning {_SHOWN}
"""  # noqa: S608
_SEEN: Final = f"""
    update portal.sessions set seen_at = %(now)s
    where token = %(token)s and seen_at > %(now)s - %(idle)s and begun_at > %(now)s - %(lasts)s
        and (over_at is null or over_at > %(now)s)
    returning {_SHOWN}
"""  # noqa: S608
_ROTATE: Final = """
    with old as (
        update portal.sessions set over_at = %(over_at)s
        where token = %(old)s and over_at is null
        returning account_id, key_id, language, return_url, begun_at, secret
    )
    insert into portal.sessions
        (token, account_id, key_id, language, return_url, begun_at, secret, seen_at, issued_at)
    select %(token)s, account_id, key_id, language, return_url, begun_at, secret, %(now)s, %(now)s from old
    returning token
"""
_SPEAK: Final = """
    update portal.sessions set language = %(language)s where secret = %(secret)s returning token
"""
_END: Final = """
    delete from portal.sessions where secret = (select secret from portal.sessions where token = %(token)s)
    returning token
"""
_FORGET_LINKS: Final = "delete from portal.links where expires_at < %(now)s - interval '1 day'"
_FORGET_SESSIONS: Final = "delete from portal.sessions where seen_at < %(now)s - %(idle)s"
