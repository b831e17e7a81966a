"""Billing details and portal sessions over HTTP: given, shown to whom they concern, erased."""

from __future__ import annotations

from typing import Any

import httpx
import psycopg

from tests.support.http_api import OPENED, Api

ZOE: dict[str, Any] = {
    "name": "Zoë Quillfeather",
    "country": "FR",
    "email": "zoe.quillfeather@example.test",
    "address": ["17 Rue des Xylophones"],
}


def opened(client: httpx.Client, account: str, **more: Any) -> None:
    assert client.post("/v1/accounts", json={"account": account, **OPENED, **more}).status_code == 201


def details(account: str) -> str:
    return f"/v1/accounts/{account}/billing-details"


def test_details_are_given_shown_and_erased(shop: httpx.Client) -> None:
    opened(shop, "zoe")
    given = shop.put(details("zoe"), json=ZOE, headers={"Idempotency-Key": "d1"})
    again = shop.put(details("zoe"), json=ZOE, headers={"Idempotency-Key": "d1"})
    assert (given.status_code, given.json()["events"]) == (200, ["tax_profile_set"])
    assert again.json() == given.json()
    shown = shop.get(details("zoe"))
    assert (shown.json()["version"], shown.json()["details"]["address"]) == (1, ZOE["address"])
    assert shown.headers["ETag"]
    assert shop.delete(details("zoe")).json() == {"account": "zoe", "destroyed": [1], "locked": {}}
    gone = shop.get(details("zoe"))
    assert (gone.status_code, gone.json()["code"]) == (404, "no_details")


def test_what_cannot_be_details_is_refused(shop: httpx.Client) -> None:
    opened(shop, "nobody")
    for body, code, place in [
        ({"country": "FR"}, "invalid_details", "$"),
        ({**ZOE, "email": "x"}, "invalid_details", "$.email"),
        ({**ZOE, "card": "x"}, "invalid_details", "$"),
        ({**ZOE, "at": 5}, "invalid_field", "$.at"),
    ]:
        answer = shop.put(details("nobody"), json=body)
        assert (answer.status_code, answer.json()["code"], answer.json()["place"]) == (422, code, place)
    assert shop.put(details("unknown"), json=ZOE).status_code == 404


def test_an_account_on_the_wall_clock_has_details_too(shop: httpx.Client) -> None:
    on_the_wall = {"account": "wall", "currency": "EUR", "time_zone": "Europe/Paris"}
    assert shop.post("/v1/accounts", json=on_the_wall).status_code == 201
    assert shop.put(details("wall"), json=ZOE).json()["outcome"] == "accepted"
    refused = shop.put(details("wall"), json={**ZOE, "at": "2026-04-01"})
    assert (refused.status_code, refused.json()["code"]) == (422, "test_clock_only")


def test_no_table_holds_anything_of_a_person(api: Api, shop: httpx.Client) -> None:
    opened(shop, "sealed")
    shop.put(details("sealed"), json=ZOE)
    with psycopg.connect(api.prorata.database_url, autocommit=True) as connection:
        tables = connection.execute(
            "select format('%I.%I', schemaname, tablename) from pg_tables "
            "where schemaname not in ('pg_catalog', 'information_schema')"
        ).fetchall()
        for (table,) in tables:
            rows = connection.execute(f"select t::text from {table} t").fetchall()
            held = " ".join(row for (row,) in rows).lower()
            assert "quillfeather" not in held, table
            assert b"quillfeather".hex() not in held, table
            assert "xylophones" not in held, table


def test_a_link_opens_the_pages_of_its_account_once(api: Api, shop: httpx.Client) -> None:
    opened(shop, "portal")
    made = shop.post("/v1/portal-sessions", json={"account": "portal", "language": "fr"})
    assert made.status_code == 201
    url = made.json()["url"]
    assert url.startswith(f"{api.url}/portal/")

    entered = httpx.get(url)
    assert (entered.status_code, entered.headers["Location"]) == (303, "/account")
    cookie = entered.headers["Set-Cookie"]
    assert cookie.startswith("prorata_session=")
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Lax", "Path=/"))
    assert entered.headers["Cache-Control"] == "no-store"

    again = httpx.get(url)
    assert (again.status_code, again.json()["code"]) == (410, "link_over")
    assert "Set-Cookie" not in again.headers
    assert httpx.get(f"{api.url}/portal/nonsense").status_code == 410


def test_a_link_is_made_for_an_account_of_the_own_tenant_and_leads_back_to_no_stranger(
    api: Api, shop: httpx.Client
) -> None:
    opened(shop, "own")
    with api.client("zeta") as other:
        refused = other.post("/v1/portal-sessions", json={"account": "own"})
        assert (refused.status_code, refused.json()["code"]) == (404, "unknown_account")
    stranger = shop.post("/v1/portal-sessions", json={"account": "own", "return_url": "https://x.example/"})
    assert (stranger.status_code, stranger.json()["code"]) == (422, "return_url_refused")
    with api.client(role="viewer") as viewer:
        assert viewer.post("/v1/portal-sessions", json={"account": "own"}).status_code == 403
