"""What a page is: a row of the tables of which the server and the tests are made.

Page("GET", "/account/shop", "shop", "customer", shop)

async def shop(desk: Desk, visit: Visit) -> Shown:
    return Shown("account/shop.html", {"shop": …})
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeAlias

import msgspec

from prorata.http.call import Answered, Call
from prorata.http.desk import Desk
from prorata.pages.marks import csrf_token
from prorata.portal.sessions import PortalSession, StaffSession
from prorata.wording import Language

Who = Literal["anyone", "customer", "staff"]
"""Who may see a page: everybody, who has a session of an account, who signed in with an API key."""

Proof = Literal["form", "ticket", "origin"]
"""How a form is known to be ours: it holds the session's mark (`csrf`); it holds a ticket that only this
session was given, since the payment element's own page sends it; it comes from a page of this origin (before
there is a session)."""


class Visit(msgspec.Struct):
    """One request for a page. `call`: as the API's routes see it, with a key of the customer's own account or
    the staff's; `form`: the fields that were sent; `session`: None where nobody is signed in."""

    call: Call
    method: str
    path: str
    address: str
    form: dict[str, str] = {}
    session: PortalSession | StaffSession | None = None
    new_token: str | None = None

    @property
    def language(self) -> Language:
        """Of the page."""
        return self.call.language

    @property
    def customer(self) -> PortalSession:
        """The customer's session. No other visit comes to their pages."""
        assert isinstance(self.session, PortalSession)
        return self.session

    @property
    def staff(self) -> StaffSession:
        """The staff's session. No other visit comes to their pages."""
        assert isinstance(self.session, StaffSession)
        return self.session

    @property
    def csrf(self) -> str:
        """What a form of this page has to hold in its field `csrf`; another text each time."""
        return "" if self.session is None else csrf_token(self.session.secret)


class Shown(msgspec.Struct, frozen=True):
    """A template, and what it is filled with. `scripts`: whether the page may run the scripts that are served
    here; `frames`: the origin of which it may show a frame."""

    template: str
    values: dict[str, Any] = {}
    status: int = 200
    headers: dict[str, str] = {}
    scripts: bool = False
    frames: str | None = None


class Away(msgspec.Struct, frozen=True):
    """The browser is sent to another page, which it asks for with GET. `cookie`: a `Set-Cookie` header."""

    to: str
    cookie: str | None = None


Seen: TypeAlias = Shown | Away | Answered
Answer: TypeAlias = Callable[[Desk, Visit], Awaitable[Seen]]


class Page(msgspec.Struct, frozen=True):
    """A page. `sign_in`: where who has no session is sent; None: they are told that it is over."""

    method: Literal["GET", "POST"]
    path: str
    name: str
    who: Who
    answer: Answer
    proof: Proof = "form"
    sign_in: str | None = None

    @property
    def litestar_path(self) -> str:
        """The path as Litestar writes it."""
        return self.path.replace("}", ":str}")
