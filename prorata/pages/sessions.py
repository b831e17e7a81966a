"""The cookies of sessions, and how one begins and ends: of a customer by a link (`prorata.http.portal`), of
staff by an API key."""

from __future__ import annotations

from typing import Final

from prorata.http.call import Call
from prorata.http.desk import Desk
from prorata.http.portal import COOKIE
from prorata.pages.page import Visit, Who
from prorata.portal.sessions import SESSION_LASTS, StaffSession

COOKIES: Final[dict[Who, str]] = {"customer": COOKIE, "staff": "prorata_console"}
"""The name of the cookie that holds a session's token."""


def base_of(desk: Desk, call: Call) -> str:
    """The origin of this server as browsers reach it: of the setting, else as the caller did."""
    if desk.settings.public_url:
        return desk.settings.public_url.rstrip("/")
    return f"http://{call.headers.get('host', '127.0.0.1')}"


def cookie(desk: Desk, visit: Visit, who: Who, token: str) -> str:
    """A `Set-Cookie` header: no script reads it, no other site's form sends it, it goes over TLS where the
    pages do."""
    lasts = int(SESSION_LASTS.total_seconds())
    secure = "; Secure" if base_of(desk, visit.call).startswith("https:") else ""
    return f"{COOKIES[who]}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={lasts}{secure}"


def no_cookie(who: Who) -> str:
    """The `Set-Cookie` header that takes the cookie back."""
    return f"{COOKIES[who]}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"


async def sign_in_staff(desk: Desk, visit: Visit, key_id: str) -> str:
    """A session of who has shown that API key; the cookie that holds it."""
    now, language = await desk.now(), visit.language
    session: StaffSession = await desk.run(lambda: desk.portal.sign_in(key_id, language, now))
    return cookie(desk, visit, "staff", session.token)


async def sign_out(desk: Desk, visit: Visit) -> None:
    """The session is over, in every tab."""
    session = visit.session
    if session is not None:
        await desk.run(lambda: desk.portal.end(session.token))
