"""Who has no session sees no page; no form of elsewhere is taken; nothing inline runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

from prorata.pages.page import Page
from prorata.pages.table import pages
from prorata.portal.signed import SignedLink, signed
from tests.support.http_api import Api
from tests.support.pages import SIGN_IN_SECRET, Browser, Enter, opened

OURS = [page for page in pages() if page.who != "anyone"]


@pytest.mark.parametrize("page", OURS, ids=lambda page: f"{page.method} {page.path}")
def test_no_page_is_shown_without_a_session(api: Api, page: Page) -> None:
    path = page.path.replace("{", "").replace("}", "")
    for cookies in ({}, {"prorata_session": "made-up", "prorata_console": "made-up"}):
        answer = httpx.request(page.method, api.url + path, cookies=cookies)
        assert answer.status_code in (401, 303), answer.text
        assert answer.headers["content-type"].startswith("text/html")


def test_a_link_is_exchanged_for_a_session_once(api: Api, enter: Enter) -> None:
    opened(api, "once")
    with api.client() as client:
        url = client.post("/v1/portal-sessions", json={"account": "once"}).json()["url"]
    first, second = Browser(api.url), Browser(api.url)
    entered = first.client.get(url, follow_redirects=False)
    assert (entered.status_code, entered.headers["location"]) == (303, "/account")
    assert {"HttpOnly", "SameSite=Lax"} <= set(entered.headers["set-cookie"].split("; "))
    assert "Shop New Plans" in first.open("/account").text
    assert "This link was used" in second.open(url, 410).text
    assert "Your session is over" in second.open("/account", 401).text


def test_a_form_without_the_mark_of_its_session_does_nothing(api: Api, enter: Enter) -> None:
    opened(api, "marks")
    opened(api, "others")
    browser, other = enter("marks"), enter("others")
    stolen = other.open("/account/shop").forms[0].fields["csrf"]
    for fields in ({}, {"csrf": "x"}, {"csrf": stolen}):
        answer = browser.client.post("/account/sign-out", data=fields, headers={"Origin": api.url})
        assert answer.status_code == 403
        assert "nothing was done" in answer.text
    form = browser.open("/account/shop").forms[0]
    elsewhere = browser.client.post(form.action, data=form.fields, headers={"Origin": "https://evil.example"})
    assert elsewhere.status_code == 403
    browser.open("/account/shop")


def test_signing_out_ends_the_session(api: Api, enter: Enter) -> None:
    opened(api, "leaves")
    browser = enter("leaves")
    token = browser.client.cookies["prorata_session"]
    page = browser.open("/account/shop")
    browser.send(page.forms[0], 401)
    assert httpx.get(f"{api.url}/account/shop", cookies={"prorata_session": token}).status_code == 401


def test_nothing_inline_runs_and_nothing_is_asked_of_another_host(api: Api, enter: Enter) -> None:
    opened(api, "strict")
    browser = enter("strict")
    page = browser.open("/account/shop")
    assert browser.answer is not None
    rules = dict(rule.split(" ", 1) for rule in browser.answer.headers["content-security-policy"].split("; "))
    assert (rules["default-src"], rules["style-src"], rules["base-uri"]) == ("'none'", "'self'", "'none'")
    assert (rules["script-src"], rules["frame-ancestors"]) == ("'none'", "'none'")
    assert browser.answer.headers["cache-control"] == "no-store"
    for tag, attributes in page.tags:
        assert tag not in ("script", "style")
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
    assert all(address.startswith("/static/") for address in page.loaded)


def test_a_file_is_kept_for_ever_under_its_digest(api: Api, enter: Enter) -> None:
    opened(api, "kept")
    [style, *_] = enter("kept").open("/account/shop").loaded
    answer = httpx.get(api.url + style)
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]
    other = httpx.get(api.url + "/static/0000/prorata.css")
    assert (other.status_code, other.headers["cache-control"]) == (200, "no-cache")
    for nothing in ("/static/x/passwd", "/static/x/..%2fpage.py", "/static"):
        assert httpx.get(api.url + nothing, headers={"Accept": "text/html"}).status_code in (401, 404)


def test_a_link_of_the_companys_own_sign_in_opens_the_account_once(api: Api) -> None:
    opened(api, "signed")
    until = datetime.now(UTC) + timedelta(minutes=5)
    text = signed(SIGN_IN_SECRET, SignedLink("acme", "signed", until, "n-1", "fr"))
    browser = Browser(api.url)
    assert "Découvrir les forfaits" in browser.open(f"/account/enter?link={text}").text
    other = Browser(api.url)
    assert "This link was used" in other.open(f"/account/enter?link={text}", 410).text
    for account in ("nobody", "signed"):
        link = SignedLink("acme", account, until, "n-2", return_url="https://evil.example/")
        other.open(f"/account/enter?link={signed(SIGN_IN_SECRET, link)}", 410 if account == "nobody" else 422)
    forged = signed("another secret, of thirty-two characters", SignedLink("acme", "signed", until, "n-3"))
    other.open(f"/account/enter?link={forged}", 410)
    other.open("/account", 401)


def test_a_session_gets_another_token_and_the_old_one_ends(api: Api, enter: Enter) -> None:
    opened(api, "rotates")
    browser = enter("rotates")
    form = browser.open("/account/details").forms[0]
    old = browser.client.cookies["prorata_session"]
    with psycopg.connect(api.prorata.database_url, autocommit=True) as connection:
        connection.execute("update portal.sessions set issued_at = issued_at - interval '20 minutes'")
    browser.open("/account/shop")
    assert browser.client.cookies["prorata_session"] != old
    assert httpx.get(f"{api.url}/account/shop", cookies={"prorata_session": old}).status_code == 200
    with psycopg.connect(api.prorata.database_url, autocommit=True) as connection:
        connection.execute("update portal.sessions set over_at = over_at - interval '2 minutes'")
    assert httpx.get(f"{api.url}/account/shop", cookies={"prorata_session": old}).status_code == 401
    browser.open("/account/shop")
    browser.send(form, 401)  # a form of the old token is still of this session: it signs out
