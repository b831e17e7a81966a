"""The product page's two ways, by HTTP alone: to buy an add-on, and to remove it."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest

from service.catalogue_versions import demo_body
from tests.support.http_api import Api
from tests.support.pages import Enter, Read, code_given, form_with, opened, pay, recording, with_plan

SAID = {
    "en": (
        "Shop New Plans",
        "Purchase Custom domain",
        "€10.00 × 15/31 days = €4.84",
        "Mission accomplished!",
    ),
    "fr": (
        "Découvrir les forfaits",
        "Acheter Custom domain",
        "10,00 € × 15/31 jours = 4,84 €",
        "Mission accomplie",
    ),
}


@pytest.mark.parametrize("language", ["en", "fr"])
def test_an_add_on_is_bought_and_removed(api: Api, enter: Enter, language: str) -> None:
    with_plan(api, f"ways-{language}")
    browser = enter(f"ways-{language}", language)
    shop, purchase, arithmetic, accomplished = SAID[language]
    page = browser.open("/account/shop")
    assert shop in page.text
    assert arithmetic in page.text
    page = browser.open("/account/shop?buy=custom_domain")
    assert purchase in page.text
    assert arithmetic in page.text
    done = pay(browser, page)
    assert accomplished in done.text
    assert "done=" in str(browser.answer.url)  # type: ignore[union-attr]
    [removal] = [form for form in done.forms if form.action == "/account/do"]
    removed = browser.send(removal)
    assert {"en": "Custom domain is removed; it can be used until 20 Apr 2026.", "fr": "20 avr. 2026"}[
        language
    ] in removed.text
    kept = browser.open("/account/shop?buy=custom_domain")
    assert {"en": "Keep Custom domain", "fr": "Conserver Custom domain"}[language] in kept.text


def invoices_of(api: Api, account: str) -> list[str]:
    with api.client() as client:
        items = client.get(f"/v1/accounts/{account}/invoices", params={"wait": 5}).json()["items"]
    return [invoice["total"] for invoice in items]


def test_what_is_sent_twice_is_bought_once_and_told_both_times(api: Api, enter: Enter) -> None:
    with_plan(api, "twice")
    browser = enter("twice")
    page = browser.open("/account/shop?buy=custom_domain")
    [frame] = [src for src in page.frames if "/code?" in src]
    form = code_given(frame, "123").forms[0]
    first, second = browser.send(form, billing="yes"), browser.send(form, billing="yes")
    assert "Mission accomplished!" in first.text
    assert "Mission accomplished!" in second.text
    assert invoices_of(api, "twice") == ["20.00", "4.84"]


def test_what_was_bought_in_another_tab_is_not_bought_again(api: Api, enter: Enter) -> None:
    with_plan(api, "tabs")
    browser = enter("tabs")
    one, other = (browser.open("/account/shop?buy=custom_domain") for _ in range(2))
    assert "Mission accomplished!" in pay(browser, one).text
    again = pay(browser, other, status=409)
    assert "The account has changed since you were shown this" in again.text
    assert "Custom domain is active already" in again.text
    assert invoices_of(api, "tabs") == ["20.00", "4.84"]


def test_a_quote_that_has_changed_is_asked_anew(api: Api, enter: Enter) -> None:
    with_plan(api, "quote")
    browser = enter("quote")
    page = browser.open("/account/shop?buy=custom_domain")
    with api.client() as client:
        repriced = {"product": "custom_domain", "price": "12.00", "at": "2026-04-10"}
        client.post("/v1/accounts/quote/reprice", json=repriced).raise_for_status()
    again = pay(browser, page, status=409)
    assert "nothing was done" in again.text
    assert "€12.00 × 10/31 days = €3.87" in again.text
    assert "Mission accomplished!" in pay(browser, again).text
    assert invoices_of(api, "quote") == ["20.00", "3.87"]


def test_a_declined_card_changes_nothing_and_another_one_buys(api: Api, enter: Enter) -> None:
    with_plan(api, "declined")
    browser = enter("declined")
    declined = pay(browser, browser.open("/account/shop?buy=custom_domain"), "000")
    assert "was declined; nothing was changed" in declined.text
    assert "Mission accomplished!" in pay(browser, declined).text
    assert invoices_of(api, "declined") == ["20.00", "4.84"]


def test_a_payment_that_waits_for_consent_says_so_until_it_is_answered(api: Api, enter: Enter) -> None:
    with_plan(api, "consent")
    browser = enter("consent")
    waits = pay(browser, browser.open("/account/shop?buy=custom_domain"), "001")
    assert "Your bank asks whether you consent to the payment of €4.84" in waits.text
    assert "still waits for your consent" in browser.send(form_with(waits, "I have answered")).text
    answered_to_bank(browser.open("/account/consent"), "yes")
    told = browser.send(form_with(browser.open("/account/consent"), "I have answered"))
    assert "The payment has been answered" in told.text
    assert invoices_of(api, "consent") == ["20.00", "4.84"]


def answered_to_bank(page: Read, answer: str) -> None:
    """What the customer answers on the bank's page, which the payment element plays."""
    [bank] = [link for link in page.links if "/bank?" in link]
    asks = Read(httpx.get(bank).text).forms[0]
    done = httpx.post(bank, data=asks.fields | {"answer": answer})
    assert "Your bank has your answer." in Read(done.text).text


def test_a_ticket_of_another_session_buys_nothing(api: Api, enter: Enter) -> None:
    with_plan(api, "mine")
    with_plan(api, "theirs")
    mine, theirs = enter("mine"), enter("theirs")
    page = theirs.open("/account/shop?buy=custom_domain")
    mine.open("/account/shop")
    refused = pay(mine, page, status=403)
    assert "nothing was done" in refused.text
    ticket = parse_qs(urlsplit(page.frames[0]).query)["ticket"][0]
    for forged in (ticket[:-3] + "AAA", "", "x", "\u00e9"):
        answer = theirs.client.post(
            "/account/pay", data={"ticket": forged, "token": "tok_x", "billing": "yes"}
        )
        assert answer.status_code == 403
    assert invoices_of(api, "mine") == invoices_of(api, "theirs") == ["20.00"]


def test_digits_never_come_to_the_application(api: Api, enter: Enter) -> None:
    with_plan(api, "digits")
    browser = enter("digits")
    page = browser.open("/account/shop?buy=custom_domain")
    for name in ("token", "cvv", "code"):
        refused = browser.client.post("/account/pay", data={"ticket": "x", name: "123"})
        assert refused.status_code in (400, 403, 422), (name, refused.status_code)
    assert "Mission accomplished!" in pay(browser, page, "7391").text


def test_no_byte_that_comes_to_the_application_holds_the_digits(api: Api, enter: Enter) -> None:
    with_plan(api, "recorded")
    with recording(api.url) as (address, received):
        browser = enter("recorded", at=address)
        page = browser.open("/account/shop?buy=custom_domain")
        [frame] = [src for src in page.frames if "/code?" in src]
        form = code_given(frame, "7391").forms[0]
        form.action = form.action.replace(api.url, address)
        assert "Mission accomplished!" in browser.send(form, billing="yes").text
        sent = bytes(received)
    assert b"POST /account/pay" in sent
    assert b"token=tok_" in sent
    assert b"7391" not in sent


def test_an_account_on_the_wall_clock_buys_and_refuses_at_its_bank(api: Api, enter: Enter) -> None:
    load_the_demo_catalogue(api)
    opened(api, "wall", clock="wall", at=None)
    browser = enter("wall")
    pay(browser, browser.open("/account/shop?buy=custom_domain"), "001")
    answered_to_bank(browser.open("/account/consent"), "no")
    browser.send(form_with(browser.open("/account/consent"), "I have answered"))
    assert invoices_of(api, "wall") == []
    assert "Mission accomplished!" in pay(browser, browser.open("/account/shop?buy=custom_domain")).text
    assert len(invoices_of(api, "wall")) == 1


def load_the_demo_catalogue(api: Api) -> None:
    with api.client(role="operator") as client:
        loaded = client.post("/v1/catalogues", json={"catalogue": msgspec.json.decode(demo_body())})
        assert loaded.status_code in (200, 201), loaded.text
