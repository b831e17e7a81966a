"""A payment that waits for the customer's own consent at their bank (R96): go there, come back, or give it
up."""

from __future__ import annotations

from urllib.parse import urlencode

from prorata.http.desk import Desk
from prorata.pages.account.confirming import sealed_done
from prorata.pages.account.opened import DONE, Done, Opened, opened
from prorata.pages.page import Away, Shown, Visit
from service.gateways.played import reference_of


async def show(desk: Desk, visit: Visit) -> Shown:
    """What waits, and until when. Whoever comes back from the bank learns how it has ended."""
    account = await opened(desk, visit)
    payment = account.looked.state.payment
    waits_until = None if payment is None else payment.waits_until
    values = {
        "waits": None if waits_until is None else account.say.moment(waits_until, account.zone),
        "amount": None if payment is None else account.say.amount(payment.amount, account.currency),
        "bank": await _bank(desk, account),
    }
    return account.shown("consent.html", "/account/billing", values)


async def _bank(desk: Desk, account: Opened) -> str | None:
    """Where the customer consents: of the test gateway the card element's page."""
    element, state = desk.settings.card_element, account.looked.state
    key = await desk.service.payment_key(account.visit.customer.account_id, state)
    if element is None or key is None or state.payment is None:
        return None
    amount = account.say.amount(state.payment.amount, account.currency)
    asked = {"reference": reference_of(key), "amount": amount, "language": account.visit.language}
    return f"{element.rstrip('/')}/bank?{urlencode(asked)}"


async def look_again(desk: Desk, visit: Visit) -> Away:
    """Ask the payment provider how it has ended."""
    account = await opened(desk, visit)
    state = account.looked.state
    at = state.last_at if state.clock == "test" else None
    ended = await desk.service.payment_answered(visit.customer.account_id, at)
    if not ended and (await opened(desk, visit)).looked.state.payment is not None:
        told = Done(account.say.say("The payment still waits for your consent."), waits=True)
        return Away(f"/account/consent?{DONE}={sealed_done(account, told)}")
    told = Done(account.say.say("The payment has been answered. This is how your account stands."))
    return Away(f"/account/billing?{DONE}={sealed_done(account, told)}")
