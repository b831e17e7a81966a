"""Every page that links lead to: sound, without a fault, with nothing of anybody else, in both languages."""

from __future__ import annotations

import copy
import csv
import io
from typing import Any

import httpx
import msgspec
import pytest

from prorata.pages.table import pages
from tests.support.domain.catalogs import CATALOG_FILE
from tests.support.http_api import OPENED, Api
from tests.support.pages import Enter, Read, assert_sound, crawl, form_with, opened, with_plan

HOSTILE = "<script>alert('x')</script>\"'><img src=x onerror=alert(1)>{{7*7}}&amp;"


def full(api: Api, account: str) -> None:
    """An account that has something of everything."""
    with_plan(api, account)
    steps: list[tuple[str, dict[str, Any]]] = [
        ("purchase-addon", {"product": "custom_domain", "at": "2026-04-05"}),
        ("purchase-addon", {"product": "surveys", "at": "2026-04-05"}),
        ("start-transactional", {"blocks": 21, "at": "2026-04-06"}),
        ("remove-addon", {"product": "surveys", "at": "2026-04-07"}),
        ("payment-method", {"works": False, "at": "2026-04-08"}),
        ("set-payment-method", {"works": False, "at": "2026-05-02"}),
    ]
    with api.client() as client:
        for name, body in steps:
            done = client.post(f"/v1/accounts/{account}/{name}", json=body)
            assert done.status_code == 200, done.text


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_link_leads_to_a_sound_page_of_this_account_alone(
    api: Api, enter: Enter, language: str
) -> None:
    full(api, f"all-{language}")
    with api.client(f"rivals-{language}") as client:
        client.post("/v1/accounts", json={"account": "rivalsecret", **OPENED}).raise_for_status()
    opened(api, f"neighbour-{language}")
    found = crawl(enter(f"all-{language}", language), "/account")
    for path, answer in found.items():
        assert answer.status_code == 200, (path, answer.status_code)
        assert "rivalsecret" not in answer.text
        assert "neighbour" not in answer.text
        if answer.headers["content-type"].startswith("text/html"):
            assert_sound(answer.text, path)
            assert f'<html lang="{language}"' in answer.text
    seen = {path.partition("?")[0] for path in found}
    looked_at = {page.path for page in pages() if page.method == "GET" and page.who == "customer"}
    numbered = {"/account/invoices/1" if path == "/account/invoices/{number}" else path for path in looked_at}
    assert numbered - {"/account/consent"} <= seen


def test_an_account_without_anything_has_every_page_too(api: Api, enter: Enter) -> None:
    opened(api, "empty")
    found = crawl(enter("empty"), "/account")
    for path, answer in found.items():
        assert answer.status_code == 200, path
        if answer.headers["content-type"].startswith("text/html"):
            assert_sound(answer.text, path)
    assert "You hold no plan and no credits." in found["/account/billing"].text
    assert "There is no invoice yet." in found["/account/invoices"].text


def hostile_catalogue() -> dict[str, Any]:
    catalogue: dict[str, Any] = copy.deepcopy(msgspec.json.decode(CATALOG_FILE.read_bytes()))
    for kind in ("families", "plans", "add_ons", "credits"):
        for number, one in enumerate(catalogue[kind]):
            one["name"] = f"{number} {HOSTILE}"[:100]
    return catalogue


def test_hostile_texts_are_shown_and_do_nothing(api: Api, enter: Enter) -> None:
    opened(api, "hostile<b>", catalog=hostile_catalogue())
    person = {"name": HOSTILE, "company": HOSTILE, "city": HOSTILE, "country": "FR"}
    with api.client() as client:
        at = "/v1/accounts/hostile<b>"
        client.put(f"{at}/billing-details", json=person).raise_for_status()
        for name, body in [
            ("purchase-plan", {"product": "standard", "at": "2026-03-20"}),
            ("purchase-addon", {"product": "custom_domain", "at": "2026-04-05"}),
        ]:
            client.post(f"{at}/{name}", json=body).raise_for_status()
    browser = enter("hostile<b>")
    found = crawl(browser, "/account")
    for query in ("buy=%3Cscript%3E", "buy=custom_domain&tier=%3Cscript%3E"):
        answer = browser.client.get(f"/account/shop?{query}")
        found[query] = answer
        assert answer.status_code == 404
    for path, answer in found.items():
        if answer.headers["content-type"].startswith("text/html"):
            tags = [tag for tag, _ in Read(answer.text).tags]
            assert "script" not in tags, path
            assert "b" not in tags, path
            assert "onerror=alert" not in {name for _, a in Read(answer.text).tags for name in a}
            assert "49" not in Read(answer.text).text.split(), path
            assert_sound(answer.text, path)
    assert "&lt;script&gt;alert" in found["/account/shop"].text
    assert "&lt;script&gt;alert" in found["/account/details"].text


def test_an_invoice_explains_each_of_its_lines(api: Api, enter: Enter) -> None:
    full(api, "explained")
    page = enter("explained").open("/account/invoices/2")
    assert "€10.00 × 15/31 days = €4.84" in page.text
    assert "R12: an add-on's first charge" in page.text
    assert "Custom domain was bought" in page.text
    for nothing in ("99", "0", "x", "C1"):
        answer = enter("explained").client.get(f"/account/invoices/{nothing}")
        assert (answer.status_code, "There is no such invoice." in answer.text) == (404, True)


def test_a_statement_is_a_page_and_a_table(api: Api, enter: Enter) -> None:
    full(api, "stated")
    browser = enter("stated")
    page = browser.open("/account/statement?from=2026-04-01&until=2026-04-30")
    assert "Owed as it begins" in page.text
    assert "Invoice 2" in page.text
    table = browser.client.get("/account/statement.csv?from=2026-04-01&until=2026-04-30")
    assert (
        table.headers["content-disposition"] == 'attachment; filename="statement-2026-04-01-2026-04-30.csv"'
    )
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert (rows[0]["kind"], rows[-1]["kind"]) == ("opening", "closing")
    assert ["invoice", "2", "4.84"] in [[row["kind"], row["invoice"], row["amount"]] for row in rows]
    for query in ("from=x", "from=2026-05-01&until=2026-04-01"):
        assert browser.client.get(f"/account/statement?{query}").status_code == 422


def test_billing_details_are_given_and_shown_where_one_pays(api: Api, enter: Enter) -> None:
    with_plan(api, "details")
    browser = enter("details")
    form = form_with(browser.open("/account/details"), "Save")
    wrong = browser.send(form, 422, name="Ada Moreau", country="France")
    assert "Please look at this field again: Country" in wrong.text
    again = form_with(wrong, "Save")
    assert again.fields["name"] == "Ada Moreau"
    browser.send(again, country="fr", city="Paris", address1="12 rue de Rivoli")
    page = browser.open("/account/shop?buy=custom_domain")
    assert "Billing information: Ada Moreau, 12 rue de Rivoli, Paris, FR" in page.text


def test_the_language_is_chosen_for_the_whole_session(api: Api, enter: Enter) -> None:
    opened(api, "speaks")
    browser = enter("speaks")
    page = browser.send(form_with(browser.open("/account/details"), "Français"), language="fr")
    assert "Découvrir les forfaits" in page.text
    assert (
        "Aucun"
        not in browser.send(form_with(browser.open("/account/details"), "English"), language="en").text
    )


def test_another_card_is_saved_and_pays_what_is_open(api: Api, enter: Enter) -> None:
    full(api, "card")
    browser = enter("card")
    assert "Open balance" in browser.open("/account/billing").text
    [frame] = [src for src in browser.open("/account/payment-method").frames if "/card?" in src]
    asks = Read(httpx.get(frame).text).forms[0]
    answered = httpx.post(frame, data=asks.fields | {"number": "4242 4242 4242 4242", "code": "123"})
    saved = browser.send(Read(answered.text).forms[0])
    assert "Open balance" not in saved.text
