"""The pages before one of an account: signing in and out, looking for an account, the list of them."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from prorata.http.accounts import STATUSES, every
from prorata.http.desk import Desk
from prorata.http.keyring import Keyring
from prorata.http.problems import Problem, ProblemFound
from prorata.pages.console.finding import Found, Search, find
from prorata.pages.console.frame import SIGN_IN, page, quoted
from prorata.pages.console.roles import may
from prorata.pages.page import Away, Page, Seen, Shown, Visit
from prorata.pages.sessions import no_cookie, sign_in_staff, sign_out

HOME: Final = "/console"


def sign_in_pages(keyring: Keyring) -> tuple[Page, ...]:
    """Where an API key is shown once, and a session begins that does not hold it."""

    async def enter(desk: Desk, visit: Visit) -> Seen:
        """A session for the key's holder, who goes on where they wanted to."""
        given, onward = visit.form.get("key", "").strip(), back_to(visit.form.get("next", ""))
        try:
            key = await keyring.admit(f"Bearer {given}", visit.address)
            if not may(key, "console"):
                raise _refused()
        except ProblemFound as error:
            values = {"problem": error.problem, "onward": onward}
            return Shown("console/sign_in.html", values, error.problem.status)
        return Away(onward, await sign_in_staff(desk, visit, key.id))

    return (
        Page("GET", SIGN_IN, "console-sign-in", "anyone", _form),
        Page("POST", SIGN_IN, "console-enter", "anyone", enter, proof="origin"),
    )


def back_to(url: str) -> str:
    """A page of the console that one was sent away from; anything else is the first page."""
    parts = urlsplit(url) if url.isascii() and len(url) < 2_000 else urlsplit("")
    own = not parts.scheme and not parts.netloc and (parts.path == HOME or parts.path.startswith(f"{HOME}/"))
    if not own or "\\" in url or ".." in parts.path or parts.path == SIGN_IN:
        return HOME
    query = urlencode(parse_qsl(parts.query, keep_blank_values=True))
    return f"{parts.path}?{query}" if query else parts.path


async def _form(_desk: Desk, visit: Visit) -> Seen:
    return Shown(
        "console/sign_in.html", {"problem": None, "onward": back_to(visit.call.query.get("next", ""))}
    )


def _refused() -> ProblemFound:
    return ProblemFound(Problem.of("forbidden", "keys of this role see no billing"))


async def leave(desk: Desk, visit: Visit) -> Seen:
    """The session is over."""
    await sign_out(desk, visit)
    return Away(SIGN_IN, no_cookie("staff"))


async def home(desk: Desk, visit: Visit) -> Seen:
    """The tenant's accounts, by status, and where one is looked for."""
    query = visit.call.query
    status = query.get("status", "")
    visit.call.query = {
        name: query[name] for name in ("status", "after") if query.get(name)
    }  # of what is empty the API's list says that it is wrong
    answered = await every(desk, visit.call)
    return Shown(
        "console/home.html",
        {
            "accounts": answered.body["items"],
            "next": answered.body["next"],
            "status": status,
            "statuses": STATUSES,
            "quoted": quoted,
        },
    )


async def search(desk: Desk, visit: Visit) -> Seen:
    """What was found; straight to it where it is one thing."""
    found: Search = await find(desk, visit.call, visit.call.query.get("q", ""))
    if found.only is not None:
        return Away(place_of(found.only))
    return Shown("console/found.html", {"search": found, "place_of": place_of})


def place_of(found: Found) -> str:
    """The page of what was found."""
    path = f"{HOME}/accounts/{quoted(found.account)}"
    if found.number is not None:
        return f"{path}/documents/{found.number}"
    return path if found.version is None else f"{path}/events/{found.version}"


PAGES: Final = (
    page("GET", HOME, "console", "list-accounts", home),
    page("GET", f"{HOME}/find", "console-find", "list-accounts", search),
    page("POST", f"{HOME}/sign-out", "console-sign-out", "console", leave),
)
