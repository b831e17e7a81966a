"""The pages of a customer's account."""

from __future__ import annotations

from typing import Final

from prorata.http.desk import Desk
from prorata.http.portal import enter
from prorata.http.problems import refuse
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
from prorata.pages.sessions import cookie, no_cookie, sign_out
from prorata.portal.sessions import ReturnUrls
from prorata.portal.signed import read
from service.commands import account_id_of


async def root(_desk: Desk, _visit: Visit) -> Away:
    """The account begins with what it holds."""
    return Away("/account/billing")


async def enter_portal(desk: Desk, visit: Visit) -> Seen:
    """A link for one use becomes a session."""
    return await enter(desk, visit.call)


async def enter_signed(desk: Desk, visit: Visit) -> Away:
    """A link that the company's own sign-in has signed becomes a session, once."""
    secret, text, now = desk.settings.sign_in_secret, visit.call.query.get("link", ""), await desk.now()
    link = None if secret is None else read(secret, text, now)
    if link is None:
        raise refuse("link_over", "this link is not signed, or its time is over")
    account_id = account_id_of(link.tenant, link.account)
    if await desk.service.last_seen(account_id) is None:
        raise refuse("link_over", "there is no such account")
    back = link.return_url
    if back is not None:
        ReturnUrls(desk.settings.return_urls).check(back, "return_url")
    opened = (text, account_id, link.language, back, link.expires_at, now)
    session = await desk.run(lambda: desk.portal.exchange_signed(*opened))
    if session is None:
        raise refuse("link_over", "this link was used")
    return Away("/account", cookie(desk, visit, "customer", session.token))


async def leave(desk: Desk, visit: Visit) -> Away:
    """The session is over; the browser goes back to where it came from."""
    await sign_out(desk, visit)
    return Away(visit.customer.return_url or "/account", no_cookie("customer"))


ACCOUNT: Final = (
    Page("GET", "/portal/{token}", "portal", "anyone", enter_portal),
    Page("GET", "/account/enter", "account-enter", "anyone", enter_signed),
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
