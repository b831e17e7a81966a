"""The pages of a customer's account."""

from __future__ import annotations

from typing import Final

from prorata.http.desk import Desk
from prorata.http.portal import enter
from prorata.pages.account import (
    billing,
    confirming,
    consent,
    estimate,
    invoices,
    profile,
    shop,
    transactional,
)
from prorata.pages.page import Away, Page, Seen, Visit
from prorata.pages.sessions import no_cookie, sign_out


async def root(_desk: Desk, _visit: Visit) -> Away:
    """The account begins with what it holds."""
    return Away("/account/billing")


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
    Page("GET", "/account/transactional", "account-transactional", "customer", transactional.show),
    Page("GET", "/account/billing", "account-billing", "customer", billing.show),
    Page("GET", "/account/confirm", "account-confirm", "customer", confirming.confirm),
    Page("POST", "/account/do", "account-do", "customer", confirming.do),
    Page("POST", "/account/pay", "account-pay", "customer", confirming.pay, "ticket"),
    Page("GET", "/account/consent", "account-consent", "customer", consent.show),
    Page("POST", "/account/consent", "account-look-again", "customer", consent.look_again),
    Page("GET", "/account/invoices", "account-invoices", "customer", invoices.show_list),
    Page("GET", "/account/invoices/{number}", "account-invoice", "customer", invoices.show_one),
    Page("GET", "/account/statement", "account-statement", "customer", invoices.show_statement),
    Page("GET", "/account/statement.csv", "account-statement-csv", "customer", invoices.download_statement),
    Page("GET", "/account/estimate", "account-estimate", "customer", estimate.show),
    Page("GET", "/account/details", "account-details", "customer", profile.show_details),
    Page("POST", "/account/details", "account-give-details", "customer", profile.give_details),
    Page("GET", "/account/payment-method", "account-method", "customer", profile.show_method),
    Page("POST", "/account/payment-method", "account-give-method", "customer", profile.give_method, "ticket"),
    Page("POST", "/account/language", "account-language", "customer", profile.speak),
)
