"""Operators see how the system stands, and finance what is owed and recurs: of their own tenant alone."""

from __future__ import annotations

import csv
import io

import httpx
import psycopg
import pytest

from tests.support.console import SignIn, told
from tests.support.domain.catalogs import CATALOG_FILE
from tests.support.http_api import Api
from tests.support.pages import form_with


@pytest.fixture(scope="module")
def money(api: Api) -> str:
    """A tenant with one account whose invoice is open, folded into the read models."""
    told(api, "pays", "initech")
    with api.client("initech") as owner:
        for name, fields in (
            ("payment-method", {"works": False, "at": "2026-07-14"}),
            ("advance-clock", {"at": "2026-07-21"}),
        ):
            answer = owner.post(f"/v1/accounts/pays/{name}", json=fields)
            assert answer.status_code == 200, answer.text
    done = api.prorata("project", "--once")
    assert done.exit_code == 0, done.err
    return "pays"


def rows(browser_answer: httpx.Response) -> list[dict[str, str]]:
    assert browser_answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(browser_answer.text)))


# ---- finance -------------------------------------------------------------


def test_receivables_are_the_open_invoices_of_the_tenant(money: str, staff: SignIn, api: Api) -> None:
    with api.client("initech", "finance") as client:
        said = client.get(f"/v1/accounts/{money}/invoices").json()["items"]
    expected = [(str(one["number"]), one["due"]) for one in said if one["status"] == "open"]
    browser = staff("finance", "initech")
    found = rows(browser.client.get("/console/books/receivables?clock=test&as=csv"))
    assert [(one["invoice"], one["due"]) for one in found] == expected
    assert found[0]["account"] == money
    page = browser.open("/console/books/receivables?clock=test")
    assert f"/console/accounts/{money}/documents/{expected[0][0]}" in page.links
    assert "No invoice is open." in browser.open("/console/books/receivables").text


def test_what_recurs_is_the_monthly_price_of_what_is_billed(money: str, staff: SignIn) -> None:
    browser = staff("finance", "initech")
    found = rows(browser.client.get("/console/books/recurring?clock=test&as=csv"))
    april = {one["product"]: one["amount"] for one in found if one["month"] == "2026-04-01"}
    june = {one["product"]: one["amount"] for one in found if one["month"] == "2026-06-01"}
    assert april == {"custom_domain": "10.00", "dedicated_ip": "29.95", "standard": "20.00"}
    assert june == {"dedicated_ip": "29.95", "standard": "20.00"}
    page = browser.open("/console/books/recurring?clock=test&month=2026-04")
    assert "Whose sum moved in Apr 2026" in page.text
    assert f"/console/accounts/{money}/story?kind=money" in page.links
    assert browser.client.get("/console/books/recurring?month=soon").status_code == 422


def test_finance_of_another_tenant_sees_none_of_it(money: str, staff: SignIn) -> None:
    browser = staff("finance", "globex")
    for path in ("", "/receivables", "/revenue", "/recurring?month=2026-04&x"):
        page = browser.client.get(f"/console/books{path.replace('&x', '&clock=test')}")
        assert page.status_code == 200
        assert f"/accounts/{money}" not in page.text


def test_books_that_nobody_keeps_yet_say_so(staff: SignIn) -> None:
    browser = staff("finance")
    for path in ("/console/books", "/console/books/revenue"):
        assert "Nothing is booked" in browser.open(path).text
    assert browser.client.get("/console/books?clock=sundial").status_code == 422


# ---- operators -----------------------------------------------------------


def test_the_status_says_what_lags_and_what_somebody_has_to_look_at(money: str, staff: SignIn) -> None:
    page = staff("operator").open("/console/status")
    assert "project does not run" in page.text
    assert "invoices read model" in page.text
    assert "Nothing halted." in page.text
    assert any(tag == "svg" for tag, _ in page.tags)


def test_a_parked_account_is_shown_to_its_own_tenant_and_can_be_released(
    api: Api, money: str, staff: SignIn
) -> None:
    url = api.prorata.database_url
    with psycopg.connect(url, autocommit=True) as connection:
        for account in ("initech/pays", "globex/hidden"):
            connection.execute(
                "insert into projections.parked (projection, account_id, version, position, error)"
                " values ('invoices', %s, 2, 2, 'it was altered') on conflict do nothing",
                [account],
            )
    browser = staff("operator", "initech")
    page = browser.open("/console/status")
    assert "initech/pays" in page.text
    assert "globex" not in page.text
    assert "1 of another tenant" in page.text
    form = form_with(page, "Release initech/pays")
    answer = browser.send(form)
    assert "initech/pays" not in answer.text or "It stays parked" in answer.text
    told_ = browser.send(form, account="globex/hidden")
    assert "It stays parked: it is not parked" in told_.text
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("delete from projections.parked")


def test_webhooks_are_paused_resumed_and_replayed_by_operators(api: Api, staff: SignIn) -> None:
    with api.client("hooli", "operator") as client:
        made = client.post("/v1/webhook-endpoints", json={"url": "https://hooks.example/in"})
        assert made.status_code == 201, made.text
        name = made.json()["id"]
        browser = staff("operator", "hooli")
        assert "https://hooks.example/in" in browser.open("/console/webhooks").text
        page = browser.open(f"/console/webhooks/{name}")
        page = browser.send(form_with(page, "Pause"))
        assert "paused by operator" in page.text
        page = browser.send(form_with(page, "Go on at once"))
        assert "delivers" in page.text
        page = browser.send(form_with(page, "Replay"), after="0")
        assert client.get(f"/v1/webhook-endpoints/{name}").json()["paused_at"] is None
    stranger = staff("operator", "acme")
    assert stranger.client.get(f"/console/webhooks/{name}").status_code == 404
    assert "hooks.example" not in stranger.open("/console/webhooks").text


def test_the_versions_of_the_catalogue_are_shown_and_compared(api: Api, staff: SignIn) -> None:
    browser = staff("operator")
    shipped = CATALOG_FILE.read_bytes()
    for file in shipped, shipped.replace(b'"10.00"', b'"11.00"'):
        with api.client("acme", "operator") as client:
            body = b'{"catalogue": ' + file + b"}"
            loaded = client.post("/v1/catalogues", content=body, headers={"Content-Type": "application/json"})
            assert loaded.status_code in (200, 201), loaded.text
    page = browser.open("/console/catalogues")
    assert "/console/catalogues/diff?from=1&to=2" in page.links
    assert "custom_domain" in browser.open("/console/catalogues/1").text
    changed = browser.open("/console/catalogues/diff?from=1&to=2")
    assert "11.00" in changed.text
    assert browser.client.get("/console/catalogues/diff?from=1&to=99").status_code == 404
    assert browser.client.get("/console/catalogues/none").status_code == 404
