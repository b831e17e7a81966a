"""What a product is never changes (R8a); what it is called, costs and asks for may."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.catalog import Catalogues, CatalogVersion, convert_catalog
from domain.errors import InvalidCatalog
from domain.product_identity import product_changes, refuse_other_products
from tests.support.domain.catalogs import SMALL

Change = Callable[[dict[str, Any]], object]
NOW = datetime(2026, 4, 1, tzinfo=UTC)
FREE = {
    "id": "free",
    "family": "marketing",
    "name": "Free",
    "tiers": [{"id": "s", "prices": {"EUR": "0.00", "JPY": "0"}}],
}


def _sold() -> dict[str, Any]:
    sold = copy.deepcopy(SMALL)
    sold["families"].append({"id": "websites", "name": "Websites", "pausable": False})
    sold["plans"].append(copy.deepcopy(FREE))
    return sold


def _changed(change: Change) -> dict[str, Any]:
    value = _sold()
    change(value)
    return value


def _prices(catalog: dict[str, Any], plan: int, tier: int = 0) -> Any:
    return catalog["plans"][plan]["tiers"][tier]["prices"]


def _as_pack(catalog: dict[str, Any]) -> None:
    """The add-on `maps` as a credit pack."""
    del catalog["add_ons"][0]
    catalog["credits"].append({**catalog["credits"][0], "id": "maps"})


def _as_addon(catalog: dict[str, Any]) -> None:
    """The plan `basic` as an add-on; nothing needs it."""
    del catalog["plans"][0]
    catalog["add_ons"][0] = {"id": "basic", "name": "Basic", "prices": {"EUR": "1.00"}}


def _in_blocks(catalog: dict[str, Any]) -> None:
    catalog["add_ons"][0] = {**catalog["add_ons"][1], "id": "maps"}


def _flat(catalog: dict[str, Any]) -> None:
    catalog["add_ons"][1] = {"id": "mail", "name": "Mail", "prices": {"EUR": "1.00"}}


PRICES = "$.plans[{}].tiers[{}].prices.{}"
REFUSED: list[tuple[str, Change, str, str]] = [
    ("another family", lambda c: c["plans"][0].update(family="websites"), "family", "$.plans[0].family"),
    ("an add-on as credits", _as_pack, "kind", "$.credits[1].id"),
    ("a plan as an add-on", _as_addon, "kind", "$.add_ons[0].id"),
    ("a flat price as blocks", _in_blocks, "process", "$.add_ons[0]"),
    ("blocks as a flat price", _flat, "process", "$.add_ons[1]"),
    (
        "a price that becomes 0.00",
        lambda c: _prices(c, 0).update(EUR="0"),
        "free",
        PRICES.format(0, 0, "EUR"),
    ),
    ("a Free plan at a price", lambda c: _prices(c, 1).update(EUR="1"), "free", PRICES.format(1, 0, "EUR")),
    ("another currency at 0", lambda c: _prices(c, 0).update(JPY="0"), "free", PRICES.format(0, 0, "JPY")),
    (
        "Free at a price in another",
        lambda c: _prices(c, 1).update(USD="1"),
        "free",
        PRICES.format(1, 0, "USD"),
    ),
    (
        "a new tier at 0.00",
        lambda c: c["plans"][0]["tiers"].append({"id": "xl", "prices": {"EUR": "0.00"}}),
        "free",
        "$.plans[0].tiers[2].prices.EUR",
    ),
]


@pytest.mark.parametrize(("change", "aspect", "place"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_what_makes_something_else_of_a_product_is_refused_with_its_place(
    change: Change, aspect: str, place: str
) -> None:
    before, now = convert_catalog(_sold()), convert_catalog(_changed(change))
    assert [(found.aspect, found.place) for found in product_changes(before, now)] == [(aspect, place)]
    with pytest.raises(InvalidCatalog) as refused:
        refuse_other_products(before, now)
    assert (refused.value.code, refused.value.place) == ("product_changed", place)
    assert "what a product is never changes" in refused.value.message


def _another_name_price_tier_and_prerequisite(catalog: dict[str, Any]) -> None:
    catalog["families"][0].update(name="M", pausable=False)
    catalog["plans"][0].update(name="B", tiers=[{"id": "xl", "prices": {"USD": "7.00"}}])
    catalog["plans"][1]["tiers"] = [{"id": "none", "prices": {"USD": "0.00"}}]
    catalog["add_ons"][0].update(name="X", prices={"EUR": "0.00"}, requires=["free"])
    catalog["add_ons"][1]["block"] = {"e_mails": 1, "prices": [{"up_to": None, "prices": {"EUR": "0.00"}}]}
    catalog["credits"][0].update(name="P", credits=1, prices={})
    catalog["policies"] = {"tier_upgrade": "full_difference"}


ORDINARY: list[tuple[str, Change]] = [
    ("nothing", lambda _: None),
    ("names, prices, tiers, prerequisites, policies", _another_name_price_tier_and_prerequisite),
    ("products that go", lambda c: c.update(plans=[], add_ons=[], credits=[])),
    ("a product that comes", lambda c: c["plans"].append({**FREE, "id": "other", "family": "websites"})),
    ("an add-on at 0.00", lambda c: c["add_ons"][0]["prices"].update(EUR="0.00")),
]


@pytest.mark.parametrize("change", [o[1] for o in ORDINARY], ids=[o[0] for o in ORDINARY])
def test_everything_else_is_an_ordinary_change(change: Change) -> None:
    before, now = convert_catalog(_sold()), convert_catalog(_changed(change))
    assert list(product_changes(before, now)) == []
    refuse_other_products(before, now)


def test_what_was_withdrawn_comes_back_only_as_what_it_was() -> None:
    gone = convert_catalog(_changed(lambda c: c.update(plans=[], add_ons=[], credits=[])))
    series = Catalogues((CatalogVersion(None, convert_catalog(_sold())), CatalogVersion(None, gone)))
    [version, _] = series.versions
    ever_sold = series.ever_sold(NOW)
    assert list(product_changes(ever_sold, version.catalog)) == []
    moved = convert_catalog(_changed(lambda c: c["plans"][0].update(family="websites")))
    assert [found.product for found in product_changes(ever_sold, moved)] == ["basic"]


def test_a_plan_that_is_free_in_one_currency_alone_keeps_that_in_each() -> None:
    """Where a plan's prices have nothing in common a new currency may have either."""
    mixed = convert_catalog(_changed(lambda c: _prices(c, 0).update(JPY="0")))

    def changes(**prices: str) -> list[str]:
        now = convert_catalog(_changed(lambda c: _prices(c, 0).update(prices)))
        return [found.place for found in product_changes(mixed, now)]

    assert changes(JPY="0") == []
    assert changes(JPY="100") == ["$.plans[0].tiers[0].prices.JPY"]
    assert changes(JPY="0", USD="0") == changes(JPY="0", USD="9") == []
