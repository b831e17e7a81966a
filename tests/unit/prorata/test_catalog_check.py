"""`prorata catalog check` says of any file whether it is a catalogue, and where it is not; it never fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.domain.catalogs import CATALOG_FILE
from tests.support.terminal import Terminal


def test_a_valid_catalogue_is_summed_up(prorata: Terminal) -> None:
    ran = prorata("catalog", "check", str(CATALOG_FILE))
    assert (ran.exit_code, ran.err) == (0, "")
    assert "a valid catalogue, version 2026-01" in ran.out
    assert "7 plans with 13 tiers" in ran.out
    assert "currencies: EUR, JPY, USD" in ran.out


def test_what_is_not_sold_in_every_currency_is_noted(prorata: Terminal, tmp_path: Path) -> None:
    value = json.loads(CATALOG_FILE.read_bytes())
    del value["add_ons"][0]["prices"]["JPY"]
    file = tmp_path / "catalog.json"
    file.write_text(json.dumps(value))
    ran = prorata("catalog", "check", str(file))
    assert ran.exit_code == 0
    assert "note: $.add_ons[0].prices: custom_domain is not sold in JPY" in ran.out


def test_a_currency_that_is_missing_in_one_step_of_a_block_price_is_noted_with_the_step(
    prorata: Terminal, tmp_path: Path
) -> None:
    value = json.loads(CATALOG_FILE.read_bytes())
    [nth] = [nth for nth, add_on in enumerate(value["add_ons"]) if "block" in add_on]
    del value["add_ons"][nth]["block"]["prices"][1]["prices"]["JPY"]
    file = tmp_path / "catalog.json"
    file.write_text(json.dumps(value))
    ran = prorata("catalog", "check", str(file))
    assert ran.exit_code == 0
    place = f"$.add_ons[{nth}].block.prices[1].prices"
    assert f"note: {place}: {value['add_ons'][nth]['id']} is not sold in JPY" in " ".join(ran.out.split())


def test_a_fault_is_said_with_its_place_and_reason(prorata: Terminal, tmp_path: Path) -> None:
    value = json.loads(CATALOG_FILE.read_bytes())
    value["plans"][1]["tiers"][0]["prices"]["JPY"] = "19.50"
    file = tmp_path / "catalog.json"
    file.write_text(json.dumps(value))
    ran = prorata("catalog", "check", str(file))
    assert (ran.exit_code, ran.out) == (2, "")
    assert "invalid_catalog: 19.50 has more than the 0 digits after the point that JPY has" in ran.err
    assert f"{file}: $.plans[1].tiers[0].prices.JPY" in ran.err


@pytest.mark.parametrize(
    ("written", "place", "reason"),
    [
        (b'"euro": "13.00"', "prices.euro", "'euro' is no currency: three capital letters, such as EUR"),
        (b'"EUX": "13.00"', "prices.EUX", "'EUX' is not a currency code"),
        (b'"EUR": 13.00', "prices.EUR", "'13.0' is no price"),
        (b'"EUR": "13,00"', "prices.EUR", "'13,00' is no price"),
        (b'"EUR": null', "prices.EUR", "'None' is no price"),
    ],
)
def test_a_price_that_is_none_is_said_with_its_place_and_currency(
    prorata: Terminal, tmp_path: Path, written: bytes, place: str, reason: str
) -> None:
    file = tmp_path / "catalog.json"
    file.write_bytes(CATALOG_FILE.read_bytes().replace(b'"EUR": "13.00"', written))
    ran = prorata("catalog", "check", str(file))
    assert (ran.exit_code, ran.out) == (2, "")
    assert reason in ran.err
    assert f"{file}: $.plans[1].tiers[0].{place}`" in ran.err


NONE = [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"a": "\\ud800"}']


@pytest.mark.parametrize("content", NONE, ids=range(len(NONE)))
def test_what_is_no_catalogue_at_all_is_said_too(prorata: Terminal, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "catalog.json"
    file.write_bytes(content)
    ran = prorata("catalog", "check", str(file))
    assert (ran.exit_code, ran.out) == (2, "")
    assert ran.err.startswith("prorata: invalid_catalog: ")
    assert "Traceback" not in ran.err


def test_a_file_that_cannot_be_read_is_bad_input(prorata: Terminal, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere.json"):
        ran = prorata("catalog", "check", str(path))
        assert ran.exit_code == 2
        assert "unreadable" in ran.err


def test_a_field_that_stands_twice_is_refused_not_taken_once(prorata: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "catalog.json"
    file.write_bytes(CATALOG_FILE.read_bytes().replace(b'"EUR": "13.00"', b'"EUR": "13.00", "EUR": "12.00"'))
    ran = prorata("catalog", "check", str(file))
    assert (ran.exit_code, ran.out) == (2, "")
    assert "invalid_catalog: the field 'EUR' stands twice" in ran.err
    assert f"{file}: $.plans[1].tiers[0].prices`" in ran.err


def test_nothing_that_stands_in_the_file_moves_the_cursor(prorata: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "catalog.json"
    file.write_bytes(CATALOG_FILE.read_bytes().replace(b'"custom_domain"', b'"\\u001b[2J"'))
    assert "\x1b" not in prorata("catalog", "check", str(file)).out
    file.write_bytes(CATALOG_FILE.read_bytes().replace(b'"pausable"', b'"pau\\nsable"'))
    ran = prorata("catalog", "check", str(file))
    assert ran.exit_code == 2
    assert len(ran.err.splitlines()) == 1
