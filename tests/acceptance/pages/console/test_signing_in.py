"""Staff sign in with an API key, which no session holds, and see what its role may see."""

from __future__ import annotations

import httpx
import msgspec
import pytest

from prorata.http.route import LOOK
from prorata.http.table import routes
from prorata.keys.key import ROLES
from prorata.pages.console.roles import OWN, roles_of
from prorata.pages.console.table import CONSOLE
from tests.support.console import SignIn, Staff
from tests.support.eventlog.sessions import until
from tests.support.http_api import Api
from tests.support.pages import Browser


def test_who_signs_in_comes_where_they_wanted_to(api: Api, account: str, staff: SignIn) -> None:
    browser = Browser(api.url)
    page = browser.open(f"/console/accounts/{account}?at=2026-04-10")
    assert browser.answer is not None
    assert browser.answer.url.path == "/console/sign-in"
    [form] = [form for form in page.forms if "key" in form.fields]
    browser.send(form, key=api.key("acme", "support"))
    assert str(browser.answer.url) == f"{api.url}/console/accounts/{account}?at=2026-04-10"


@pytest.mark.parametrize(
    "onward",
    [
        "https://evil.example/console",
        "//evil.example/console",
        "/\\evil.example",
        "/console/../account",
        "/account",
        "javascript:alert(1)",
        "/console\r\nX: 1",
    ],
)
def test_signing_in_leads_nowhere_but_to_the_console(api: Api, onward: str) -> None:
    body = {"key": api.key("acme", "support"), "next": onward}
    answer = httpx.post(f"{api.url}/console/sign-in", data=body, headers={"Origin": api.url})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/console"


def test_the_cookie_holds_no_key_and_no_script_reads_it(api: Api) -> None:
    key = api.key("acme", "support")
    answer = httpx.post(f"{api.url}/console/sign-in", data={"key": key}, headers={"Origin": api.url})
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))
    assert cookie.startswith("prorata_console=")
    assert key not in cookie
    assert key.removeprefix("prk_") not in cookie


@pytest.mark.parametrize("role", [role for role in ROLES if role not in LOOK])
def test_a_role_that_sees_no_billing_gets_no_session(api: Api, role: str) -> None:
    answer = httpx.post(
        f"{api.url}/console/sign-in", data={"key": api.key("acme", role)}, headers={"Origin": api.url}
    )
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_a_wrong_key_is_told_without_being_shown(api: Api) -> None:
    answer = httpx.post(f"{api.url}/console/sign-in", data={"key": "prk_guess"}, headers={"Origin": api.url})
    assert answer.status_code == 401
    assert "This key lets nobody in" in answer.text
    assert "prk_guess" not in answer.text


def test_a_form_of_another_site_signs_nobody_in(api: Api) -> None:
    for headers in ({"Origin": "https://evil.example"}, {}):
        body = {"key": api.key("acme", "support")}
        answer = httpx.post(f"{api.url}/console/sign-in", data=body, headers=headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


def test_signing_out_ends_the_session(api: Api, staff: SignIn) -> None:
    browser = staff()
    token = browser.client.cookies["prorata_console"]
    page = browser.open("/console")
    [form] = [form for form in page.forms if form.action == "/console/sign-out"]
    browser.send(form)
    answer = httpx.get(f"{api.url}/console", cookies={"prorata_console": token})
    assert answer.status_code == 303


def test_a_revoked_key_ends_the_sessions_that_it_began(api: Api) -> None:
    made = api.prorata("key", "create", "--tenant", "acme", "--role", "support", "--name", "leaves", "--json")
    key, id_ = (msgspec.json.decode(made.out)[name] for name in ("key", "id"))
    browser = Browser(api.url)
    browser.client.post("/console/sign-in", data={"key": key}, headers={"Origin": api.url})
    browser.open("/console")
    assert api.prorata("key", "revoke", id_).exit_code == 0
    until(lambda: browser.client.get("/console").status_code == 401)  # servers learn it within five seconds


@pytest.mark.parametrize("role", sorted(LOOK))
def test_every_page_is_shown_to_the_roles_of_the_api_and_to_no_other(
    api: Api, account: str, role: str
) -> None:
    browser = Staff(api, role)
    named = {"account": account, "version": "2", "number": "1"}
    for page in CONSOLE:
        if page.name not in _NEEDS:
            continue
        path = page.path.format_map(named)
        status = browser.client.get(path).status_code
        allowed = role in roles_of(_NEEDS[page.name])
        assert status == (200 if allowed else 403), (page.path, role)
    browser.close()


_NEEDS = {
    "console": "list-accounts",
    "console-find": "list-accounts",
    "console-moment": "get-state",
    "console-slide": "get-state",
    "console-story": "list-history",
    "console-event": "list-history",
    "console-document": "explain-invoice",
    "console-what-if": "get-forecast",
    "console-compare": "get-diff",
    "console-statement": "get-statement",
    "console-correct": "correct",
    "console-verify": "list-history",
    "console-status": "operate",
    "console-webhooks": "list-webhook-endpoints",
    "console-catalogues": "list-catalogues",
    "console-books": "books",
    "console-revenue": "books",
    "console-receivables": "books",
    "console-recurring": "books",
}


def test_every_page_that_shows_something_by_itself_is_among_those_that_roles_are_tried_at() -> None:
    others = {"console-webhook", "console-catalogue", "console-catalogue-diff"}
    assert {page.name for page in CONSOLE if page.method == "GET"} == {*_NEEDS, *others}


def test_what_the_console_adds_to_the_api_s_table_is_for_fewer_roles_than_may_look() -> None:
    names = {route.name for route in routes()}
    assert not names & OWN.keys()
    assert all(roles <= LOOK for roles in OWN.values())
