"""The account's own settings: who pays (R92), the payment method (R56), the language."""

from __future__ import annotations

import secrets
from typing import Any, Final, get_args
from urllib.parse import urlencode

from msgspec.structs import replace

from domain.errors import InvalidInput
from prorata.http.desk import Desk
from prorata.http.problems import ProblemFound, refuse
from prorata.pages.account.asking import Asked, asked_in, given, ticket
from prorata.pages.account.confirming import sealed_done
from prorata.pages.account.details import current
from prorata.pages.account.opened import DONE, Done, Opened, opened
from prorata.pages.page import Away, Seen, Shown, Visit
from prorata.wording import Language, answer_said, wording
from service.persons.details import BillingDetails, details_in

DETAILS: Final = "/account/details"
METHOD: Final = "/account/payment-method"
_KINDS: Final = ("consumer", "business")
_ADDRESS_LINES: Final = 2


async def show_details(desk: Desk, visit: Visit) -> Shown:
    """Who pays, as the next document names them."""
    account = await opened(desk, visit)
    return await _details(desk, account)


async def _details(
    desk: Desk, account: Opened, sent: dict[str, str] | None = None, wrong: str | None = None
) -> Shown:
    found = await current(desk, account)
    values: dict[str, Any] = {
        "fields": sent if sent is not None else _fields(None if found is None else found.details),
        "kept": desk.settings.persons_key is not None,
        "kinds": _KINDS,
        "wrong": wrong,
        "id": secrets.token_urlsafe(12),
    }
    return account.shown("details.html", DETAILS, values, status=200 if wrong is None else 422)


def _fields(details: BillingDetails | None) -> dict[str, str]:
    """The details as the form has them."""
    names = (
        "name",
        "company",
        "postal_code",
        "city",
        "country",
        "email",
        "phone",
        "vat_id",
        "kind",
        "region",
    )
    fields = dict.fromkeys((*names, "address1", "address2", "id"), "") | {"kind": _KINDS[0]}
    if details is None:
        return fields
    fields |= {name: getattr(details, name) or "" for name in names}
    return fields | {f"address{n}": line for n, line in enumerate(details.address[:_ADDRESS_LINES], 1)}


async def give_details(desk: Desk, visit: Visit) -> Seen:
    """Replace them."""
    account, form = await opened(desk, visit), visit.form
    sent = _fields(None) | {name: text.strip() for name, text in form.items() if name != "csrf"}
    document: dict[str, Any] = {name: sent[name] for name in _fields(None) if sent[name] and name != "id"}
    address = [document.pop(name) for name in ("address1", "address2") if name in document]
    kept = await current(desk, account)
    more = {} if kept is None else {"person": kept.details.person, "language": kept.details.language}
    document |= {name: value for name, value in more.items() if value is not None}
    try:
        details = details_in({**document, "country": document.get("country", "").upper(), "address": address})
    except InvalidInput as error:
        return await _details(desk, account, sent, _wrong(error, account))
    state = account.looked.state
    at = state.last_at if state.clock == "test" else None
    done = await desk.details.give(
        visit.customer.account_id, details, role="owner", command_id=form.get("id") or None, at=at
    )
    told = Done(answer_said(done.answer, account.say, state.currency), bad=done.answer.outcome == "rejected")
    return Away(f"{DETAILS}?{DONE}={sealed_done(account, told)}")


def _wrong(error: InvalidInput, account: Opened) -> str:
    """Which field it is about."""
    field = error.place.removeprefix("$").strip(".").partition("[")[0]
    if not field and "`name`" in error.message:
        field = "name"
    labels = {
        "name": account.say.say("Name"),
        "company": account.say.say("Company"),
        "address": account.say.say("Street and number"),
        "postal_code": account.say.say("Postal code"),
        "city": account.say.say("Town"),
        "country": account.say.say("Country (two letters, such as FR)"),
        "email": account.say.say("E-mail address"),
        "phone": account.say.say("Telephone"),
        "vat_id": account.say.say("VAT id (capitals and digits)"),
    }
    return account.say.say(
        "Please look at this field again: {field}.", field=labels.get(field, labels["name"])
    )


async def show_method(desk: Desk, visit: Visit) -> Shown:
    """Where another payment method is given: the payment element's own page takes the card."""
    return await _method(desk, await opened(desk, visit))


async def _method(desk: Desk, account: Opened, done: Done | None = None) -> Shown:
    element, frame = desk.settings.card_element, None
    if element is not None:
        asked = Asked.new("set_payment_method", {}, None, account.looked.state.version)
        query = {"ticket": ticket(account, asked), "language": account.visit.language}
        frame = f"{element.rstrip('/')}/card?{urlencode(query)}"
    return account.shown("payment_method.html", DETAILS, {"frame": frame}, frames=element, done=done)


async def give_method(desk: Desk, visit: Visit) -> Seen:
    """The payment provider's token of another method (R56)."""
    account, asked = await opened(desk, visit), asked_in(visit)
    token = visit.form.get("token", "")
    if asked.do != "set_payment_method" or not token:
        raise refuse("missing_field", "the payment provider's token is missing", place="token")
    try:
        answer = await given(desk, account, replace(asked, version=None), token=token)
    except ProblemFound as error:
        return await _method(desk, account, Done(error.problem.message, bad=True))
    told = Done(str(answer.message), bad=answer.outcome == "rejected")
    return Away(f"/account/billing?{DONE}={sealed_done(account, told)}")


async def speak(desk: Desk, visit: Visit) -> Away:
    """The pages are in that language from now on."""
    chosen = visit.form.get("language", "")
    for language in get_args(Language):
        if chosen == language:
            await desk.run(lambda: desk.portal.speak(visit.customer, language))  # noqa: B023 - it is awaited here
            wording(language)
    return Away("/account/billing")
