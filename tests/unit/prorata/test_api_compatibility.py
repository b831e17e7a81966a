"""Within /v1 nothing that callers rely on is taken away: the description is held against its releases."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import msgspec
import pytest

from prorata.http.compatibility import breaks
from prorata.http.openapi import FILE

RELEASED = sorted(FILE.with_name("released").glob("*.json"))
TODAY: dict[str, Any] = msgspec.json.decode(FILE.read_bytes())
ADDON = "/v1/accounts/{account}/purchase-addon"
CATALOG = "/v1/accounts/{account}/catalog"
INVOICES = "/v1/accounts/{account}/invoices"


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_nothing_of_a_release_is_broken(path: Any) -> None:
    assert breaks(msgspec.json.decode(path.read_bytes()), TODAY) == []


def test_there_is_a_release() -> None:
    assert [path.stem for path in RELEASED] == ["1.0.0"]


def body(document: dict[str, Any]) -> Any:
    return document["components"]["schemas"]["PurchaseAddonBody"]


def catalogue(document: dict[str, Any]) -> Any:
    return document["components"]["schemas"]["ChangeCatalogBody"]


def answer(document: dict[str, Any]) -> Any:
    return document["components"]["schemas"]["InvoiceShown"]


BREAKING: dict[str, tuple[Callable[[Any], Any], str]] = {
    "a route is gone": (lambda d: d["paths"].pop(ADDON), f"POST {ADDON}: is gone"),
    "a parameter is gone": (
        lambda d: d["paths"][INVOICES]["get"]["parameters"].pop(),
        f"GET {INVOICES}: parameter wait is gone",
    ),
    "a parameter is required now": (
        lambda d: d["paths"][INVOICES]["get"]["parameters"][-1].update(required=True),
        f"GET {INVOICES}: parameter wait is required now",
    ),
    "a field of a body is required now": (
        lambda d: body(d)["required"].append("discount"),
        f"POST {ADDON}: body $.discount: is required now",
    ),
    "a field of a body is gone": (
        lambda d: body(d)["properties"].pop("discount"),
        f"POST {ADDON}: body $.discount: is gone",
    ),
    "a field of a body is shorter": (
        lambda d: body(d)["properties"]["product"].update(maxLength=20),
        f"POST {ADDON}: body $.product: maxLength was 200, is 20",
    ),
    "a field of an answer is gone": (
        lambda d: answer(d)["properties"].pop("due"),
        f"GET {INVOICES}: answer $.items[].due: is gone",
    ),
    "a field of an answer is not always there": (
        lambda d: answer(d)["required"].remove("due"),
        f"GET {INVOICES}: answer $.items[].due: is not always there any more",
    ),
    "an answer has a new value": (
        lambda d: answer(d)["properties"]["status"]["enum"].append("void"),
        f"GET {INVOICES}: answer $.items[].status: void is a new value",
    ),
    "a body takes a value no more": (
        lambda d: body(d)["properties"]["payment"]["enum"].remove("declined"),
        f"POST {ADDON}: body $.payment: declined is no value any more",
    ),
    "a body is taken no more": (
        lambda d: d["paths"][ADDON]["post"].pop("requestBody"),
        f"POST {ADDON}: takes no body any more",
    ),
    "a key is needed now": (
        lambda d: d["paths"]["/healthz"]["get"].pop("security"),
        "GET /healthz: needs a key now",
    ),
    "a list is shorter": (
        lambda d: catalogue(d)["properties"]["withdrawn"].update(maxItems=3),
        f"POST {CATALOG}: body $.withdrawn: maxItems was None, is 3",
    ),
    "a price by currency is a number": (
        lambda d: d["components"]["schemas"]["AddOnFile"]["properties"]["prices"][
            "additionalProperties"
        ].update(type="number"),
        f"POST {CATALOG}: body $.add_ons[].prices.*: type was 'string', is 'number'",
    ),
    "a type is another": (
        lambda d: answer(d)["properties"]["number"].update(type="string"),
        f"GET {INVOICES}: answer $.items[].number: type was 'integer', is 'string'",
    ),
    "an answer is of another status": (
        lambda d: d["paths"][ADDON]["post"]["responses"].pop("202"),
        f"POST {ADDON}: is not answered 202 any more",
    ),
}


@pytest.mark.parametrize("name", BREAKING)
def test_a_breaking_change_is_named(name: str) -> None:
    change, said = BREAKING[name]
    changed = deepcopy(TODAY)
    change(changed)
    assert said in breaks(TODAY, changed)


def test_what_is_added_breaks_nobody() -> None:
    changed = deepcopy(TODAY)
    changed["paths"]["/v1/new"] = changed["paths"][INVOICES]
    body(changed)["properties"]["gift"] = {"type": "boolean"}
    body(changed)["properties"]["payment"]["enum"].append("late")
    answer(changed)["properties"]["note"] = {"type": "string"}
    answer(changed)["required"].append("note")
    assert breaks(TODAY, changed) == []
