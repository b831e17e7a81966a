"""The console has a word for everything that it shows, and loads the script that was vetted."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import get_args

import pytest

from domain import events as e
from prorata.http.commands_table import COMMANDS
from prorata.pages.assets import STATIC
from prorata.pages.console.fields import CORRECTIONS, WHAT_IF, entered, fields_of
from prorata.pages.console.kinds import KINDS, MONEY
from prorata.pages.console.start_pages import back_to
from prorata.wording import console as words


def test_every_event_is_of_one_kind() -> None:
    kinds = [kind.__name__ for events in KINDS.values() for kind in events]
    assert sorted(kinds) == sorted(kind.__name__ for kind in get_args(e.Event))
    assert words.KINDS.keys() == {*KINDS, MONEY}


def test_every_command_that_can_be_tried_has_a_name_and_each_of_its_fields_too() -> None:
    assert set(WHAT_IF) == words.COMMANDS.keys()
    assert set(CORRECTIONS) <= set(WHAT_IF)
    assert {route.do for route in COMMANDS} - set(WHAT_IF) == {
        "catalog",
        "payment_answer",
        "payment_method",
        "reprice",
    }
    assert {field.name for do in WHAT_IF for field in fields_of(do)} == words.FIELDS.keys()


@pytest.mark.parametrize(
    ("do", "form", "fields"),
    [
        ("purchase_addon", {"product": " surveys ", "discount": ""}, {"product": "surveys"}),
        (
            "credit_note",
            {"invoice": "1", "end": "yes", "net": "2.00"},
            {"invoice": 1, "end": True, "net": "2.00"},
        ),
        ("credit_note", {"invoice": "one"}, {"invoice": "one"}),
        ("grant_discount", {"for": "3", "products": "a, b,"}, {"for": 3, "products": ["a", "b"]}),
        ("grant_discount", {"for": "forever", "percent": "10"}, {"for": "forever", "percent": "10"}),
        ("pay_balance", {"amount": "1", "by": "owner", "do": "x"}, {}),
    ],
)
def test_a_form_says_the_command_s_own_fields(
    do: str, form: dict[str, str], fields: dict[str, object]
) -> None:
    assert entered(form, do) == fields


@pytest.mark.parametrize("url", ["/console", "/console/accounts/a%20b?at=2026-04-01&known_at=2026-05-01"])
def test_a_page_of_the_console_is_gone_back_to(url: str) -> None:
    assert back_to(url) == url


def test_htmx_is_the_file_that_was_vetted() -> None:
    told = re.search(r"sha256 ([0-9a-f]{64})", (STATIC / "htmx.LICENSE").read_text())
    assert told is not None
    assert sha256((STATIC / "htmx.min.js").read_bytes()).hexdigest() == told[1]
