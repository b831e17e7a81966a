"""Tax tables and discount codes in operation: checked, loaded, listed, shown, and charged by."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine

FRENCH = {
    "seller": "FR",
    "rates": [
        {"country": "FR", "from": "2020-01-01", "rate": "20"},
        {"country": "FR", "region": "corse", "from": "2020-01-01", "rate": "2.1"},
    ],
}
CODES = {
    "discounts": [
        {"code": "SPRING", "percent": "15", "for": 3, "last_day": "2099-12-31"},
        {"code": "FIVE", "fixed": {"EUR": "5.00"}, "carried": True},
    ]
}
OPEN = {"do": "open_account", "account": "w1", "currency": "EUR", "time_zone": "Europe/Paris"}
BUY = {
    "do": "purchase_plan", "account": "w1", "product": "standard", "discount": "SPRING",
    "confirm": {"cvv": "tok_1", "billing": True},
}  # fmt: skip
PROFILE = {"do": "set_tax_profile", "account": "w1", "country": "FR", "kind": "consumer"}


@pytest.fixture
def prorata(database_url: str) -> CommandLine:
    command_line = CommandLine(database_url)
    assert command_line("migrate").exit_code == 0
    assert command_line("catalog", "load", "--demo").exit_code == 0
    return command_line


def _file(folder: Path, contents: object) -> str:
    path = folder / "terms.json"
    path.write_text(json.dumps(contents), encoding="utf-8")
    return str(path)


def test_what_is_loaded_is_listed_shown_and_charged_by(prorata: CommandLine, tmp_path: Path) -> None:
    table = _file(tmp_path, FRENCH)
    checked = prorata("tax", "check", table)
    assert (checked.exit_code, checked.out.splitlines()[1:]) == (
        0, ["  seller in FR", "  FR: 20 % from 2020-01-01", "  FR, corse: 2.1 % from 2020-01-01"],
    )  # fmt: skip
    assert prorata("tax", "load", table).out.startswith("tax table version 1, sha256 ")
    assert "no new version" in prorata("tax", "load", table).out
    codes = prorata("discounts", "load", _file(tmp_path, CODES))
    assert codes.out.startswith("list of discount codes version 1, sha256 ")
    assert prorata("discounts", "show").out.splitlines()[2:] == [
        "  SPRING: 15 %, for 3 months, for all plans, until 2099-12-31",
        "  FIVE: 5.00 EUR, carried until it is used up, for every line",
    ]
    assert [line["standing"] for line in prorata("tax", "list", "--json").answers] == ["counts"]
    assert json.loads(prorata("tax", "show", "1", "--json").out) == FRENCH

    answers = prorata.commands(OPEN, BUY, PROFILE, BUY, test_clock=False).answers

    assert [answer["code"] for answer in answers] == [None, "billing_details_missing", None, None]
    assert answers[3]["charged"] == "20.40"


def test_what_cannot_be_loaded_is_refused_with_file_and_place(prorata: CommandLine, tmp_path: Path) -> None:
    wrong = _file(tmp_path, {"seller": "FR", "rates": [{"country": "FR", "from": "2020-01-01", "rate": "x"}]})
    for verb in ("check", "load"):
        refused = prorata("tax", verb, wrong)
        assert refused.exit_code == 2
        assert refused.err.startswith("prorata: invalid_tax: ")
        assert f"{wrong}: $.rates[0].rate" in refused.err
    assert prorata("tax", "show").err.startswith("prorata: nothing_loaded: ")
    assert prorata("discounts", "show", "3").err.startswith("prorata: unknown_version: ")
