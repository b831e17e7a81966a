"""What every page of the console has around it: who is signed in, the areas that their role may see, and of
an account its head and its tabs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import quote

import msgspec
from msgspec.structs import replace

from domain.calendar import Instant
from domain.later import account_later
from domain.state import Account
from prorata.cli.account.present import instant_of, names_of
from prorata.http.desk import Desk
from prorata.http.looking import state_of
from prorata.keys.key import ApiKey
from prorata.pages.console.roles import check, may
from prorata.pages.console.words import WORDS
from prorata.pages.page import Page, Seen, Shown, Visit
from prorata.wording import Wording, wording
from prorata.wording.console import AREAS, TABS, month_said

SIGN_IN: Final = "/console/sign-in"

Look: TypeAlias = Callable[[Desk, Visit], Awaitable[Seen]]


class Area(msgspec.Struct, frozen=True):
    """A part of the console. `label`: of `prorata.wording.console.AREAS`."""

    path: str
    label: str
    current: bool


class Frame(msgspec.Struct, frozen=True):
    """Who looks, and where they can go."""

    name: str
    role: str
    tenant: str
    areas: tuple[Area, ...]


class Tab(msgspec.Struct, frozen=True):
    """A page of an account."""

    path: str
    label: str
    current: bool


class Head(msgspec.Struct, frozen=True):
    """The account that a page is about. `say`: the words, with products as its catalogue calls them."""

    account: str
    state: Account
    at: Instant
    say: Wording
    tabs: tuple[Tab, ...]

    @property
    def path(self) -> str:
        """Where its pages are."""
        return f"/console/accounts/{quoted(self.account)}"


_AREAS: Final = (
    ("/console", "accounts", "console"),
    ("/console/status", "status", "operate"),
    ("/console/catalogues", "catalogues", "list-catalogues"),
    ("/console/webhooks", "webhooks", "list-webhook-endpoints"),
    ("/console/books", "books", "books"),
)
"""Path, label, and what a role has to be allowed."""

_TABS: Final = (
    ("", "moment", "get-state"),
    ("/story", "story", "list-history"),
    ("/what-if", "what_if", "get-forecast"),
    ("/compare", "compare", "get-diff"),
    ("/statement", "statement", "get-statement"),
    ("/correct", "correct", "correct"),
    ("/verify", "verify", "list-history"),
)


def page(
    method: Literal["GET", "POST"], path: str, name: str, what: str, look: Look, *, scripts: bool = False
) -> Page:
    """A page of the console for who may see that (`roles.check`)."""

    async def answer(desk: Desk, visit: Visit) -> Seen:
        key = visit.call.caller
        check(key, "console")
        check(key, what)
        seen = await look(desk, visit)
        if not isinstance(seen, Shown):
            return seen
        say: Wording = seen.values.get("wording") or wording(visit.language)
        values: dict[str, Any] = {
            **WORDS,
            "console": frame_of(key, visit.path),
            "month": partial(month_said, say),
        }
        return replace(seen, values=values | seen.values, scripts=scripts)

    return Page(method, path, name, "staff", answer, sign_in=SIGN_IN)


def frame_of(key: ApiKey, path: str) -> Frame:
    """What surrounds every page that this key sees."""
    shown = [area for area in _AREAS if may(key, area[2])]
    current = max((one for one, _, _ in shown if _is_below(path, one)), key=len, default="")
    areas = tuple([Area(where, AREAS[label], where == current) for where, label, _ in shown])
    return Frame(key.name, key.role, key.tenant, areas)


def _is_below(path: str, area: str) -> bool:
    return path == area or path.startswith(f"{area}/")


async def head_of(desk: Desk, visit: Visit, tab: str) -> Head:
    """The account that the path names, as it stands now. Raises ProblemFound `unknown_account`."""
    call = visit.call
    state = await state_of(desk, call)
    at = instant_of(state, None, await desk.now())
    names = names_of((await desk.series_for(state)).ever_sold(at))
    begin = f"/console/accounts/{quoted(call.account)}"
    tabs = [
        Tab(f"{begin}{path}", TABS[label], label == tab)
        for path, label, what in _TABS
        if may(call.caller, what)
    ]
    return Head(call.account, account_later(state, at)[0], at, Wording(visit.language, names), tuple(tabs))


def quoted(account: str) -> str:
    """The account's id as a part of a path."""
    return quote(account, safe="")
