"""The committed JSON Schema says of a catalogue's shape what `parse_catalog` says."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import jsonschema
import msgspec
import pytest

from domain.catalog import convert_catalog, parse_catalog
from domain.errors import InvalidCatalog
from prorata.catalog_schema import SCHEMA, catalog_schema, schema_text
from service.catalogue_versions import EXAMPLE
from tests.reference.catalogues import catalogue
from tests.support.domain.catalogs import CATALOG_FILE

VALIDATOR = jsonschema.Draft202012Validator(catalog_schema())
Change = Callable[[dict[str, Any]], object]


def accepted_by_the_schema(value: Any) -> bool:
    return bool(VALIDATOR.is_valid(value))


def parsed(value: Any) -> bool:
    try:
        convert_catalog(value)
    except InvalidCatalog:
        return False
    return True


def changed(change: Change) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(CATALOG_FILE.read_bytes())
    change(value)
    return value


def test_the_committed_schema_is_the_one_that_the_types_make() -> None:
    assert SCHEMA.read_text() == schema_text(), "run: python -m prorata.catalog_schema"
    jsonschema.Draft202012Validator.check_schema(catalog_schema())


@pytest.mark.parametrize("path", [CATALOG_FILE, EXAMPLE], ids=lambda path: path.name)
def test_the_shipped_catalogues_are_accepted_by_both(path: Path) -> None:
    assert accepted_by_the_schema(json.loads(path.read_bytes()))
    parse_catalog(path.read_bytes())


@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
def test_random_catalogues_are_accepted_by_both(currency: str) -> None:
    for seed in range(100):
        value = catalogue(Random(seed), currency)
        assert parsed(value), seed
        assert accepted_by_the_schema(value), seed


SHAPES: dict[str, Change] = {
    "no plans": lambda x: x.pop("plans"),
    "an unknown field": lambda x: x.update(colour="red"),
    "an unknown field of a plan": lambda x: x["plans"][0].update(colour="red"),
    "a plan without tiers": lambda x: x["plans"][0].update(tiers=[]),
    "a price that is a number": lambda x: x["plans"][0]["tiers"][0]["prices"].update(EUR=1.0),
    "a negative price": lambda x: x["add_ons"][0]["prices"].update(EUR="-1.00"),
    "a currency that is none": lambda x: x["add_ons"][0]["prices"].update(ABC="1.00"),
    "a currency in small letters": lambda x: x["add_ons"][0]["prices"].update(eur="1.00"),
    "an empty id": lambda x: x["families"][0].update(id=""),
    "an id that is too long": lambda x: x["families"][1].update(id="x" * 101),
    "pausable that is a text": lambda x: x["families"][0].update(pausable="yes"),
    "requires nothing": lambda x: x["add_ons"][1].update(requires=[]),
    "a process that is unknown": lambda x: x["add_ons"][5].update(process="other"),
    "a process without blocks": lambda x: x["add_ons"][5].pop("block"),
    "blocks without a process": lambda x: x["add_ons"][5].pop("process"),
    "a process with a flat price": lambda x: x["add_ons"][5].update(prices={"EUR": "1.00"}),
    "neither price nor process": lambda x: x["add_ons"][0].pop("prices"),
    "no e-mails in a block": lambda x: x["add_ons"][5]["block"].update(e_mails=0),
    "no credits in a pack": lambda x: x["credits"][0].update(credits=0),
    "credits beyond all bounds": lambda x: x["credits"][0].update(credits=10**13),
    "a policy that is unknown": lambda x: x["policies"].update(tier_upgrade="never"),
    "a try on the day itself": lambda x: x["policies"].update(collection={"retry_days": [0]}),
    "a try that stands twice": lambda x: x["policies"].update(collection={"retry_days": [2, 2]}),
    "a limit below zero": lambda x: x["policies"].update(corrections={"support_limit": {"EUR": "-1"}}),
    "a limit in no currency": lambda x: x["policies"].update(corrections={"support_limit": {"ABC": "1"}}),
    "more than a hundred percent": lambda x: x["policies"].update(nonprofit_percent="100.01"),
    "percent as a number": lambda x: x["policies"].update(nonprofit_percent=15),
    "a version that is a number": lambda x: x.update(version=1),
}


@pytest.mark.parametrize("change", SHAPES.values(), ids=SHAPES)
def test_a_wrong_shape_is_refused_by_both(change: Change) -> None:
    value = changed(change)
    assert not parsed(value)
    assert not accepted_by_the_schema(value)


BEYOND: dict[str, Change] = {
    "an id that stands twice": lambda x: x["plans"].append(copy.deepcopy(x["plans"][0])),
    "a family that is not there": lambda x: x["plans"][0].update(family="nowhere"),
    "a prerequisite that is not there": lambda x: x["add_ons"][1].update(requires=["nothing"]),
    "more digits than the currency has": lambda x: x["add_ons"][0]["prices"].update(JPY="1.50"),
    "block steps that do not ascend": lambda x: x["add_ons"][5]["block"]["prices"][1].update(up_to=3),
    "a last block step with an end": lambda x: x["add_ons"][5]["block"]["prices"][2].update(up_to=99),
}


@pytest.mark.parametrize("change", BEYOND.values(), ids=BEYOND)
def test_what_a_shape_cannot_say_only_the_parser_refuses(change: Change) -> None:
    value = changed(change)
    assert accepted_by_the_schema(value)
    with pytest.raises(InvalidCatalog) as refused:
        parse_catalog(msgspec.json.encode(value))
    assert refused.value.place.startswith("$.")


FREE: dict[str, Change] = {
    "without policies": lambda x: x.pop("policies"),
    "without about and version": lambda x: (x.pop("about"), x.pop("version")),
    "nothing sold": lambda x: x.update(plans=[], add_ons=[], credits=[]),
    "a price of nothing": lambda x: x["add_ons"][0]["prices"].update(EUR="0"),
    "policies of every kind": lambda x: x["policies"].update(
        collection={"retry_days": [1, 3, 5, 7], "remind_before_lapse": 2},
        corrections={"support_limit": {"EUR": "50.00"}},
        nonprofit_percent="15",
    ),
    "no price at all": lambda x: x["add_ons"][0].update(prices={}),
}


@pytest.mark.parametrize("change", FREE.values(), ids=FREE)
def test_what_may_be_left_out_may_be_left_out_for_both(change: Change) -> None:
    value = changed(change)
    assert parsed(value)
    assert accepted_by_the_schema(value)
