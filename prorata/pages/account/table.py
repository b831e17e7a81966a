"""The pages of a customer's account."""

from __future__ import annotations

from typing import Final

from prorata.http.desk import Desk
from prorata.http.portal import enter
from prorata.pages.account import shop
from prorata.pages.page import Away, Page, Seen, Visit
from prorata.pages.sessions import no_cookie, sign_out


async def root(_desk: Desk, _visit: Visit) -> Away:
    """The account begins with what it holds."""
    return Away("/account/shop")


async def enter_portal(desk: Desk, visit: Visit) -> Seen:
    """A link for one use becomes a session."""
    return await enter(desk, visit.call)


async def leave(desk: Desk, visit: Visit) -> Away:
    """The session is over; the browser goes back to where it came from."""
    await sign_out(desk, visit)
    return Away(visit.customer.return_url or "/account", no_cookie("customer"))


ACCOUNT: Final = (
    Page("GET", "/portal/{token}", "portal", "anyone", enter_portal),
    Page("GET", "/account", "account", "customer", root),
    Page("POST", "/account/sign-out", "account-sign-out", "customer", leave),
    Page("GET", "/account/shop", "account-shop", "customer", shop.show),
)
