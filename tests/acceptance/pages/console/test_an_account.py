"""The pages of an account: found, at any moment, its story, what if, compared, corrected, verified."""

from __future__ import annotations

import csv
import io
import json
from html import unescape

import httpx
import pytest

from tests.support.console import HOSTILE, STORY, SignIn, Staff, told
from tests.support.http_api import Api
from tests.support.pages import form_with

MOMENTS: tuple[dict[str, str], ...] = (
    {"at": "2026-03-20T08:30"},
    {"at": "2026-04-10"},
    {"at": "2026-05-12"},
    {"at": "2026-06-21"},
    {"at": "2026-07-10T12:00"},
    {"version": "6"},
    {"at": "2027-01-01"},
    {},
)


@pytest.fixture(scope="module")
def shop(api: Api) -> httpx.Client:
    return api.client("acme", "support")


def landed(browser: Staff) -> str:
    assert browser.answer is not None
    return browser.answer.url.raw_path.decode()


# ---- finding -------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("told", "/console/accounts/told"),
        ("told 2", "/console/accounts/told/documents/2"),
        ("told/2", "/console/accounts/told/documents/2"),
        ("told C1", "/console/accounts/told/documents/C1"),
        ("told-2", "/console/accounts/told/events/4"),
        ("  told  ", "/console/accounts/told"),
    ],
)
def test_an_account_is_found_by_its_id_its_invoice_and_its_command(
    account: str, staff: SignIn, text: str, place: str
) -> None:
    browser = staff()
    browser.send(form_with(browser.open("/console"), "Find"), q=text)
    assert landed(browser) == place


def test_an_account_is_found_by_a_position_of_the_log(
    account: str, staff: SignIn, shop: httpx.Client
) -> None:
    event = shop.get(f"/v1/accounts/{account}/history").json()["items"][4]
    browser = staff()
    browser.open(f"/console/find?q={event['position']}")
    assert landed(browser) == f"/console/accounts/{account}/events/5"


def test_an_account_is_found_by_the_address_of_its_billing_details(
    api: Api, foreign: str, staff: SignIn
) -> None:
    details = {"name": "Ada", "country": "FR", "email": "Ada@Example.com"}
    for tenant in ("acme", "globex"):
        told(api, f"written-by-{tenant}", tenant)
        with api.client(tenant) as owner:
            given = owner.put(f"/v1/accounts/written-by-{tenant}/billing-details", json=details)
        assert given.status_code == 200, given.text
    browser = staff()
    browser.open("/console/find?q=ada@example.com")
    assert landed(browser) == "/console/accounts/written-by-acme"


def test_several_accounts_are_listed_with_what_they_were_found_by(api: Api, staff: SignIn) -> None:
    told(api, "many-1")
    told(api, "many-2")
    page = staff().open("/console/find?q=many-")
    assert "many-1 found by its id begins so" in page.text
    assert {"/console/accounts/many-1", "/console/accounts/many-2"} <= set(page.links)


def test_what_is_not_there_is_said(staff: SignIn) -> None:
    assert "Nothing of nobody@nowhere was found." in staff().open("/console/find?q=nobody%40nowhere").text


# ---- a moment ------------------------------------------------------------


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_a_moment_is_what_the_api_says_of_it(
    account: str, staff: SignIn, shop: httpx.Client, moment: dict[str, str]
) -> None:
    said = shop.get(f"/v1/accounts/{account}/state", params=moment).json()
    browser = staff()
    browser.client.get("/console")
    answer = browser.client.get(f"/console/accounts/{account}", params=moment)
    page = browser._read(answer, 200)
    assert f"{said['version']} of " in page.text
    due = sum(float(invoice["due"]) for invoice in said["invoices"])
    assert f"Open balance €{due:.2f}" in page.text
    for held in said["entitlements"]["entitlements"]:
        usable = "yes" if held["product"] in said["usable"] else "no"
        assert f"{held['status']} {usable}" in page.text, held
    numbers = {f"/console/accounts/{account}/documents/{invoice['number']}" for invoice in said["invoices"]}
    shown = {link for link in page.links if "/documents/" in link and "/documents/C" not in link}
    assert shown == numbers


def test_the_sliders_lead_to_the_moment_that_they_mean(
    account: str, staff: SignIn, shop: httpx.Client
) -> None:
    browser = staff()
    page = browser.on(account)
    [form] = [form for form in page.forms if "day" in form.fields and "known" in form.fields]
    browser.send(form, day="20", known=form.fields["known"])
    assert landed(browser) == f"/console/accounts/{account}?at=2026-04-09T23%3A59%3A59%2B02%3A00"
    recorded = shop.get(f"/v1/accounts/{account}/history").json()["items"][3]["recorded_at"]
    browser.send(form, day="20", known="4")
    assert httpx.URL(landed(browser)).params["known_at"].replace("+00:00", "Z") == recorded
    assert "4 of " in browser.on(account, landed(browser).removeprefix(f"/console/accounts/{account}")).text


def test_what_only_came_to_be_known_later_is_not_in_a_look_as_known_before(
    account: str, staff: SignIn, shop: httpx.Client
) -> None:
    history = shop.get(f"/v1/accounts/{account}/history").json()["items"]
    fourth = history[3]["recorded_at"]
    page = staff().on(account, f"?at=2026-07-01&known_at={fourth}")
    assert f"4 of {len(history)}" in page.text.replace(",", "") or "4 of " in page.text
    assert "Dedicated IP" not in page.text


def test_a_moment_that_is_none_is_told_beside_the_account_as_it_is(account: str, staff: SignIn) -> None:
    for wrong in ("?at=yesterday", "?version=999", "?at=2026-04-01&version=2", "?at=2020-01-01"):
        page = staff().on(account, wrong)
        assert "Open balance" in page.text
        assert any(tag == "p" and shown.get("role") == "alert" for tag, shown in page.tags), wrong


def test_the_chart_and_the_table_beside_it_tell_of_pause_and_suspension(account: str, staff: SignIn) -> None:
    page = staff().on(account, "?at=2026-06-22")
    bars = [shown["class"] for tag, shown in page.tags if tag == "rect"]
    assert {"bar used", "bar paused", "bar suspended"} <= set(bars)
    assert "Standard paused 10 May 2026 12:00 15 May 2026 12:00" in page.text
    assert "Standard suspended, unpaid 20 Jun 2026 it goes on" in page.text


# ---- the story -----------------------------------------------------------


def test_the_story_tells_every_event_with_sentence_rule_actor_and_money(
    account: str, staff: SignIn, shop: httpx.Client
) -> None:
    page = staff().on(account, "/story")
    for event in shop.get(f"/v1/accounts/{account}/history").json()["items"]:
        assert event["type"] in page.text
        assert event["rule"] in page.text
        assert f"/console/accounts/{account}/events/{event['version']}" in page.links
    assert "10.00 × 15/31 days = €4.84" in page.text
    assert "+€4.84 invoice -€4.84 payment" in page.text


def test_the_story_is_filtered_by_kind_actor_rule_and_words(account: str, staff: SignIn) -> None:
    browser = staff()

    def types(query: str) -> set[str]:
        browser.on(account, f"/story?{query}")
        assert browser.answer is not None
        return {part.split("</code>")[0] for part in browser.answer.text.split("<code>")[1:]}

    assert types("kind=pausing") == {"plan_paused", "plan_resumed"}
    assert types("rule=R58") == {"dispute_opened", "dispute_won"}
    assert types("actor=finance") == {"credit_note_issued", "refund_concluded"} or types("actor=finance") == {
        "credit_note_issued"
    }
    assert types("q=PAUSED") == {"plan_paused"}
    assert "payment_started" not in types("kind=money")
    assert types("q=told-2") == {"payment_started", "addon_purchased"}
    assert "No event is like that." in browser.on(account, "/story?q=zebra").text
    assert browser.client.get(f"/console/accounts/{account}/story?kind=nonsense").status_code == 422


def test_an_event_shows_its_row_and_that_its_chain_holds(
    account: str, staff: SignIn, shop: httpx.Client
) -> None:
    event = shop.get(f"/v1/accounts/{account}/history").json()["items"][4]
    browser = staff()
    page = browser.on(account, "/events/5")
    assert "Its fields give its hash, and it names the hash of the event before it." in page.text
    assert event["hash"] in page.text
    assert browser.answer is not None
    raw = unescape(browser.answer.text.split('<pre class="raw" tabindex="0">')[1].split("</pre>")[0])
    stored = json.loads(raw)
    assert stored["event"] == event["event"]
    assert stored["hash"] == event["hash"]
    assert browser.client.get(f"/console/accounts/{account}/events/999").status_code == 404
    assert browser.client.get(f"/console/accounts/{account}/events/x").status_code == 404


def test_an_invoice_is_explained_with_the_events_that_it_rests_on(account: str, staff: SignIn) -> None:
    page = staff().on(account, "/documents/2")
    assert "€10.00 × 15/31 days = €4.84" in page.text
    assert "R12: an add-on's first charge" in page.text
    assert "What it rests on" in page.text
    note = staff().on(account, "/documents/C1")
    assert "It takes back a part of invoice 2." in note.text
    assert staff().client.get(f"/console/accounts/{account}/documents/99").status_code == 404


# ---- what if -------------------------------------------------------------


def test_what_if_says_what_would_change_now_and_in_twelve_months_and_changes_nothing(
    account: str, staff: SignIn, shop: httpx.Client
) -> None:
    before = shop.get(f"/v1/accounts/{account}").json()
    page = staff().on(account, "/what-if?do=cancel_plan&by=owner&family=marketing&try=1")
    assert "accepted : Standard ends on" in page.text
    assert "Standard active until 20 Jul 2026 · renews ending until 20 Jul 2026" in page.text
    assert "Dedicated IP will end for want of the plan. Go on?" in page.text
    assert "-€599.40" in page.text
    assert shop.get(f"/v1/accounts/{account}").json() == before


def test_what_if_answers_as_the_preview_of_the_api_does(api: Api, account: str, staff: SignIn) -> None:
    with api.client() as owner:
        asked = {"product": "surveys", "at": "2026-07-13"}
        said = owner.post(f"/v1/accounts/{account}/purchase-addon/preview", json=asked).json()
    page = staff().on(account, "/what-if?do=purchase_addon&by=owner&product=surveys&try=1")
    assert said["message"] in page.text
    refused = staff().on(account, "/what-if?do=purchase_addon&by=manager&product=surveys&try=1")
    assert "refused forbidden" in refused.text


def test_what_is_no_command_is_told(account: str, staff: SignIn) -> None:
    browser = staff()
    assert "This is no such command" in browser.on(account, "/what-if?do=purchase_addon&try=1").text
    assert browser.client.get(f"/console/accounts/{account}/what-if?do=rm&try=1").status_code == 422


# ---- comparing, stating, verifying ---------------------------------------


def test_two_moments_are_compared_as_the_api_compares_them(
    account: str, staff: SignIn, shop: httpx.Client
) -> None:
    asked = {"from": "2026-06-01", "to": "2026-06-22"}
    said = shop.get(f"/v1/accounts/{account}/diff", params=asked).json()
    page = staff().on(account, "/compare?from=2026-06-01&to=2026-06-22")
    products = {"custom_domain": "Custom domain", "dedicated_ip": "Dedicated IP", "standard": "Standard"}
    for told_ in said["sentences"]:
        sentence = told_["sentence"]
        for id_, name in products.items():
            sentence = sentence.replace(id_, name)
        assert sentence in page.text
    assert "Nothing." in staff().on(account, "/compare?from=version:5&to=version:5").text
    assert "is not a moment" in staff().on(account, "/compare?from=soon").text


def test_the_statement_is_that_of_the_api_and_comes_as_a_table_too(
    account: str, staff: SignIn, shop: httpx.Client
) -> None:
    span = {"from": "2026-03-01", "until": "2026-07-01"}
    said = shop.get(f"/v1/accounts/{account}/statement", params=span).json()
    browser = staff()
    assert (
        f"Closing €{said['closing']}"
        in browser.on(account, "/statement?from=2026-03-01&until=2026-07-01").text
    )
    answer = browser.client.get(f"/console/accounts/{account}/statement", params={**span, "as": "csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["kind"], row["amount"]) for row in rows] == [
        (line["kind"], line["amount"]) for line in said["lines"]
    ]


def test_a_whole_history_is_said_to_be_as_it_was_written(account: str, staff: SignIn) -> None:
    assert "all are as they were written" in staff().on(account, "/verify").text


# ---- corrections ---------------------------------------------------------


def test_a_correction_is_tried_then_done_once_under_the_name_of_the_key(
    api: Api, account: str, staff: SignIn, shop: httpx.Client
) -> None:
    told(api, "corrected")
    browser = staff("finance")
    query = "do=grant_discount&percent=10&for=3&ticket=T-9&try=1"
    page = browser.on("corrected", f"/correct?{query}")
    assert "accepted : Discount D1 is granted" in page.text
    before = shop.get("/v1/accounts/corrected").json()["version"]
    form = form_with(page, "Do it: Grant a discount")
    done = browser.send(form)
    assert "Discount D1 was granted" in done.text
    again = browser.client.post(
        "/console/accounts/corrected/correct", data=form.fields, headers={"Origin": api.url}
    )
    assert "Discount D1 was granted" in again.text
    events = shop.get("/v1/accounts/corrected/history").json()["items"]
    assert len(events) == before + 1
    assert (events[-1]["actor"], events[-1]["type"]) == ("finance", "discount_granted")


def test_a_correction_of_an_account_that_changed_meanwhile_is_not_done(
    api: Api, staff: SignIn, shop: httpx.Client
) -> None:
    told(api, "moved-on")
    browser = staff("finance")
    query = "do=grant_discount&percent=10&for=3&ticket=T-9&try=1"
    form = form_with(browser.on("moved-on", f"/correct?{query}"), "Do it: Grant a discount")
    with api.client() as owner:
        owner.post("/v1/accounts/moved-on/remove-addon", json={"product": "dedicated_ip", "at": "2026-07-14"})
    version = shop.get("/v1/accounts/moved-on").json()["version"]
    browser.send(form, 412)
    assert shop.get("/v1/accounts/moved-on").json()["version"] == version


def test_what_the_domain_refuses_is_said_and_offers_no_button(account: str, staff: SignIn) -> None:
    page = staff().on(account, "/correct?do=credit_note&invoice=99&reason=goodwill&try=1")
    assert "unknown_invoice" in page.text
    assert not any("Do it" in button for form in page.forms for button in form.buttons)


def test_no_other_command_is_done_from_the_console(api: Api, account: str, staff: SignIn) -> None:
    browser = staff("finance")
    page = browser.on(account, "/correct?do=grant_discount&percent=10&for=3&ticket=T-9&try=1")
    form = form_with(page, "Do it: Grant a discount")
    for do in ("close_account", "pay_balance", "override_price", ""):
        browser.on(account, "/correct")
        browser.send(form, 422, do=do)


# ---- strangers, texts, links ---------------------------------------------


def test_no_page_shows_anything_of_another_tenant(account: str, foreign: str, staff: SignIn) -> None:
    browser = staff()
    for path in ("", "/story", "/events/1", "/documents/1", "/what-if", "/compare", "/statement", "/verify"):
        browser.on(foreign, path, 404)
    for text in (foreign, "theirs", f"{foreign}-2", f"{foreign} 1"):
        page = browser.open(f"/console/find?q={text}")
        assert not any("/accounts/" in link for link in page.links), text
    assert foreign not in browser.open("/console").text
    assert f"/console/accounts/{account}" not in staff("support", "globex").open("/console").links


def test_hostile_texts_are_shown_and_harmless(api: Api, account: str, staff: SignIn) -> None:
    browser = staff()
    for path in ("/story", "/events/2", "/events/3"):
        page = browser.on(account, path)
        assert browser.answer is not None
        assert HOSTILE in page.text
        assert "<script>alert" not in browser.answer.text
    found = browser.client.get("/console/find", params={"q": HOSTILE})
    assert HOSTILE in browser._read(found, 200).text
    assert "<script>alert" not in found.text


@pytest.mark.parametrize("role", ["support", "finance", "operator", "manager"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_link_of_the_console_leads_to_a_page_of_ours(
    api: Api, account: str, foreign: str, role: str, language: str
) -> None:
    browser = Staff(api, role, language=language)
    waiting, seen = ["/console", f"/console/accounts/{account}"], set[str]()
    while waiting and len(seen) < 250:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        answer = browser.client.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        assert foreign not in answer.text, path
        assert "<script>alert" not in answer.text, path
        page = browser._read(answer, 200)
        for link in [*page.links, *page.loaded]:
            assert link.startswith(("/", "#", "?")), link
            if link.startswith("/console") and not any(
                f"/{nth}" in link for nth in ("many-", "moved", "corrected")
            ):
                waiting.append(link.partition("#")[0])
    browser.close()
    assert len(seen) > 20


def test_the_story_that_the_tests_play_is_played_whole(account: str, shop: httpx.Client) -> None:
    assert len(shop.get(f"/v1/accounts/{account}/history").json()["items"]) > len(STORY)
