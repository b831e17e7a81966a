"""`prorata catalog check` says of any file whether it is a catalogue, and where it is not; it never fails."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from domain.catalog import Catalog, parse_catalog
from domain.errors import InvalidCatalog
from tests.reference.catalogues import catalogue
from tests.unit.prorata.terminal import Terminal

SHIPPED = Path(__file__).parents[2] / "scenarios" / "catalog.json"

ODD: list[Any] = [
    None, True, False, 0, -1, 1.5, 10**30, -(10**30), 1e308, "", "-", "0", "-0", "00.00", "1e3", "1.", ".5",
    "1,5", "١.٠", "9" * 400, "1.00\n", " 1.00", "\u0000", "\ud800", "🦄" * 60, "x" * 101, [], {}, [[]], [{}],
    {"EUR": {}}, {"EUR": "1.00"}, {"XXX": "1"}, {"\ud83d": "1"}, [None], ["standard", "standard"],
    "transactional", "by_days",
]  # fmt: skip


def test_a_valid_catalogue_is_summed_up(prorata: Terminal) -> None:
    ran = prorata("catalog", "check", str(SHIPPED))
    assert (ran.exit_code, ran.err) == (0, "")
    assert "a valid catalogue, version 2026-01" in ran.out
    assert "7 plans with 13 tiers" in ran.out
    assert "currencies: EUR, JPY, USD" in ran.out


def test_what_is_not_sold_in_every_currency_is_noted(prorata: Terminal, tmp_path: Path) -> None:
    value = json.loads(SHIPPED.read_bytes())
    del value["add_ons"][0]["prices"]["JPY"]
    file = tmp_path / "catalog.json"
    file.write_text(json.dumps(value))
    ran = prorata("catalog", "check", str(file))
    assert ran.exit_code == 0
    assert "note: custom_domain is not sold in JPY" in ran.out


def test_a_fault_is_said_with_its_place_and_reason(prorata: Terminal, tmp_path: Path) -> None:
    value = json.loads(SHIPPED.read_bytes())
    value["plans"][1]["tiers"][0]["prices"]["JPY"] = "19.50"
    file = tmp_path / "catalog.json"
    file.write_text(json.dumps(value))
    ran = prorata("catalog", "check", str(file))
    assert (ran.exit_code, ran.out) == (2, "")
    assert "invalid_catalog: 19.50 has more than the 0 digits after the point that JPY has" in ran.err
    assert f"{file}: $.plans[1].tiers[0].prices.JPY" in ran.err


def test_a_currency_that_is_none_is_said_with_its_prices(prorata: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "catalog.json"
    file.write_bytes(SHIPPED.read_bytes().replace(b'"EUR": "13.00"', b'"euro": "13.00"'))
    ran = prorata("catalog", "check", str(file))
    assert ran.exit_code == 2
    assert "a key of it: Expected `str` matching regex" in ran.err
    assert "$.plans[1].tiers[0].prices" in ran.err


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


def test_thousands_of_spoilt_catalogues_are_each_parsed_or_refused_with_a_place() -> None:
    valid = refused = 0
    for seed in range(4_000):
        random = Random(seed)
        data = spoilt(random)
        try:
            assert isinstance(parse_catalog(data), Catalog)
            valid += 1
        except InvalidCatalog as error:
            refused += bool(error.message and error.place.startswith("$"))
    assert valid + refused == 4_000
    assert valid > 200
    assert refused > 2_000


def test_spoilt_files_never_make_the_command_fail(prorata: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "catalog.json"
    for seed in range(10_000, 10_200):
        file.write_bytes(spoilt(Random(seed)))
        ran = prorata("catalog", "check", str(file))
        assert ran.exit_code in (0, 2), (seed, ran.err)
        assert bool(ran.err) == (ran.exit_code == 2), seed
        assert "Traceback" not in ran.err, seed


def spoilt(random: Random) -> bytes:
    """A catalogue with one to three places changed, or its text cut or damaged."""
    value = catalogue(random, random.choice(["EUR", "JPY", "KWD"]))
    for _ in range(random.choice([1, 1, 2, 3])):
        place, key = random.choice(list(_places(value)))
        if random.random() < 0.2:
            del place[key]
        elif random.random() < 0.3 and isinstance(place, list):
            place.append(place[key])
        else:
            others = [container[name] for container, name in _places(value)]
            place[key] = copy.deepcopy(random.choice([*ODD, random.choice(others)]))
    data = bytearray(json.dumps(value, ensure_ascii=random.random() < 0.8).encode(errors="surrogatepass"))
    if random.random() < 0.15:
        data[random.randrange(len(data))] = random.randrange(256)
    if random.random() < 0.05:
        del data[random.randrange(len(data)) :]
    return bytes(data)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every entry of the value, as its container and key."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])
