"""Portal sessions: a program makes a link, the customer's browser exchanges it for a session."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from domain.calendar import Instant
from domain.texts import check_plain
from prorata.http.bodies import body_of
from prorata.http.call import Answered, Call
from prorata.http.desk import Desk
from prorata.http.looking import unknown_account
from prorata.http.problems import refuse
from prorata.http.route import Route
from prorata.keys.key import Role
from prorata.portal.sessions import SESSION_LASTS, ReturnUrls
from prorata.wording import Language
from service.commands import account_id_of

PAGES: Final = "/account"
"""Where the customer's own pages are."""

COOKIE: Final = "prorata_session"

_MAKERS: Final[frozenset[Role]] = frozenset(["owner", "admin", "support", "operator"])


class PortalBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whose pages, in which language, and where they lead back to: a URL of an origin that
    PRORATA_RETURN_URLS names."""

    account: Annotated[str, Meta(min_length=1, examples=["a1"])]
    language: Language = "en"
    return_url: str | None = None


class PortalAnswer(msgspec.Struct, frozen=True):
    """A link for one use until `expires_at`: send the customer's browser there."""

    account: str
    url: str
    language: Language
    return_url: str | None
    expires_at: Instant


async def make(desk: Desk, call: Call) -> Answered:
    """Make a link."""
    body = body_of(call, PortalBody)
    account_id = account_id_of(call.tenant, check_plain(body.account, "$.account"), "$.account")
    if await desk.service.last_seen(account_id) is None:
        raise unknown_account()
    if body.return_url is not None:
        ReturnUrls(desk.settings.return_urls).check(body.return_url, "$.return_url")
    now = await desk.now()
    link = await desk.run(partial(desk.portal.link, account_id, body.language, body.return_url, now))
    url = f"{_base(desk, call)}/portal/{link.token}"
    told = PortalAnswer(body.account, url, body.language, body.return_url, link.expires_at)
    return Answered(told, 201, {"Cache-Control": "no-store"})


async def enter(desk: Desk, call: Call) -> Answered:
    """Exchange the link for a session, once, and go to the pages."""
    session = await desk.run(partial(desk.portal.exchange, call.path["token"], await desk.now()))
    if session is None:
        message = "this link was used, or its time is over: go back, and ask for another one"
        raise refuse("link_over", message, headers=_PRIVATE)
    secure = "; Secure" if _base(desk, call).startswith("https:") else ""
    lasts = int(SESSION_LASTS.total_seconds())
    cookie = f"{COOKIE}={session.token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={lasts}{secure}"
    headers = {"Location": PAGES, "Set-Cookie": cookie, **_PRIVATE}
    return Answered(b"", 303, headers, "text/plain")


_PRIVATE: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def _base(desk: Desk, call: Call) -> str:
    """The address of this server as others reach it: of the setting, else as the caller did."""
    if desk.settings.public_url:
        return desk.settings.public_url.rstrip("/")
    return f"http://{call.headers.get('host', '127.0.0.1')}"


ROUTES = (
    Route(
        "POST",
        "/v1/portal-sessions",
        "create-portal-session",
        "A link to the customer's own pages, for one use within 15 minutes.",
        _MAKERS,
        make,
        PortalAnswer,
        PortalBody,
        status=201,
        tag="portal",
    ),
    Route(
        "GET",
        "/portal/{token}",
        "enter-portal",
        "Exchange a link for a session, once: the customer's browser is sent to their pages.",
        None,
        enter,
        None,
        status=303,
        tag="portal",
        media_type="text/plain",
    ),
)
