"""A catalogue that cannot be used is refused whole, with the place of its fault."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.catalog import (
    EMPTY,
    Catalogues,
    CatalogVersion,
    Collection,
    Policies,
    convert_catalog,
    parse_catalog,
)
from domain.errors import InvalidCatalog
from tests.support.domain.catalogs import SHIPPED, SMALL

NOW = datetime(2026, 4, 1, tzinfo=UTC)
Change = Callable[[dict[str, Any]], object]

POLICIES = "$.policies"
COLLECTION = f"{POLICIES}.collection"
LIMIT = f"{POLICIES}.corrections.support_limit"

FAULTS: list[tuple[str, Change, str]] = [
    ("a field that no catalogue has", lambda c: c.update(colour="red"), "$"),
    ("a field that no plan has", lambda c: _plan(c).update(colour="red"), "$.plans[0]"),
    ("no families at all", lambda c: c.pop("families"), "$"),
    ("an empty id", lambda c: c["families"][0].update(id=""), "$.families[0].id"),
    ("pausable as a number", lambda c: c["families"][0].update(pausable=1), "$.families[0].pausable"),
    ("a family twice", lambda c: c["families"].append(c["families"][0]), "$.families[1].id"),
    ("a plan twice", lambda c: c["plans"].append(c["plans"][0]), "$.plans[1].id"),
    ("a plan of no family", lambda c: _plan(c).update(family="sms"), "$.plans[0].family"),
    ("a plan without tiers", lambda c: _plan(c).update(tiers=[]), "$.plans[0].tiers"),
    ("a tier twice", lambda c: _plan(c)["tiers"][1].update(id="s"), "$.plans[0].tiers[1].id"),
    ("a digit too many", lambda c: _prices(c).update(EUR="5.001"), "$.plans[0].tiers[0].prices.EUR"),
    ("no currency", lambda c: _prices(c).update(ZZZ="5.00"), "$.plans[0].tiers[0].prices.ZZZ"),
    ("a price below zero", lambda c: _maps(c)["prices"].update(EUR="-1.00"), "$.add_ons[0].prices.EUR"),
    ("a price as a number", lambda c: _maps(c)["prices"].update(EUR=1), "$.add_ons[0].prices.EUR"),
    ("requires no plan at all", lambda c: _maps(c).update(requires=[]), "$.add_ons[0].requires"),
    ("requires no plan", lambda c: _maps(c).update(requires=["basic", "gold"]), "$.add_ons[0].requires[1]"),
    ("an add-on twice", lambda c: c["add_ons"].append(_maps(c)), "$.add_ons[2].id"),
    ("an add-on named as a plan", lambda c: _maps(c).update(id="basic"), "$.add_ons[0].id"),
    ("an add-on without a price", lambda c: _maps(c).pop("prices"), "$.add_ons[0]"),
    ("a flat price and blocks", lambda c: _maps(c).update(block=_mail(c)["block"]), "$.add_ons[0].block"),
    ("a process without blocks", lambda c: _mail(c).pop("block"), "$.add_ons[1]"),
    ("a process with a flat price", lambda c: _mail(c).update(prices={}), "$.add_ons[1]"),
    ("a process of another kind", lambda c: _mail(c).update(process="sms"), "$.add_ons[1].process"),
    ("blocks without steps", lambda c: _mail(c)["block"].update(prices=[]), "$.add_ons[1].block.prices"),
    ("blocks of no e-mails", lambda c: _mail(c)["block"].update(e_mails=0), "$.add_ons[1].block.e_mails"),
    ("a last step with an end", lambda c: _step(c, 1).update(up_to=9), "$.add_ons[1].block.prices[1].up_to"),
    ("a first step without", lambda c: _step(c, 0).update(up_to=None), "$.add_ons[1].block.prices[0].up_to"),
    ("steps that do not rise", lambda c: _insert_step(c, 2), "$.add_ons[1].block.prices[1].up_to"),
    ("credits named as an add-on", lambda c: c["credits"][0].update(id="maps"), "$.credits[0].id"),
    ("no credits in a pack", lambda c: c["credits"][0].update(credits=0), "$.credits[0].credits"),
    ("no policy", lambda c: c.update(policies={"tier_upgrade": "free"}), "$.policies.tier_upgrade"),
    ("a try on day 0", lambda c: _collect(c, retry_days=[1, 0]), "$.policies.collection.retry_days[1]"),
    ("a day twice", lambda c: _collect(c, retry_days=[3, 1, 3]), "$.policies.collection.retry_days[2]"),
    ("no day to remind", lambda c: _collect(c, remind_before_lapse=0), f"{COLLECTION}.remind_before_lapse"),
    ("an unknown way to collect", lambda c: _collect(c, agency="no"), COLLECTION),
    ("a limit as a number", lambda c: _limit(c, EUR=20), f"{LIMIT}.EUR"),
    ("a limit in no currency", lambda c: _limit(c, ZZZ="20.00"), f"{LIMIT}.ZZZ"),
    ("a limit with a digit too many", lambda c: _limit(c, EUR="20.001"), f"{LIMIT}.EUR"),
    (
        "more than all",
        lambda c: c.update(policies={"nonprofit_percent": "101"}),
        f"{POLICIES}.nonprofit_percent",
    ),
    (
        "a third of a cent",
        lambda c: c.update(policies={"nonprofit_percent": "1.125"}),
        f"{POLICIES}.nonprofit_percent",
    ),
]


def _collect(catalog: dict[str, Any], **collection: Any) -> None:
    catalog["policies"] = {"collection": collection}


def _limit(catalog: dict[str, Any], **limits: Any) -> None:
    catalog["policies"] = {"corrections": {"support_limit": limits}}


def _plan(catalog: dict[str, Any]) -> Any:
    return catalog["plans"][0]


def _prices(catalog: dict[str, Any]) -> Any:
    return _plan(catalog)["tiers"][0]["prices"]


def _maps(catalog: dict[str, Any]) -> Any:
    return catalog["add_ons"][0]


def _mail(catalog: dict[str, Any]) -> Any:
    return catalog["add_ons"][1]


def _step(catalog: dict[str, Any], index: int) -> Any:
    return _mail(catalog)["block"]["prices"][index]


def _insert_step(catalog: dict[str, Any], up_to: int) -> None:
    _mail(catalog)["block"]["prices"].insert(1, {"up_to": up_to, "prices": {}})


def test_the_small_catalogue_has_no_fault() -> None:
    catalog = convert_catalog(SMALL)
    assert catalog.plans["basic"].tiers["s"] == {"EUR": Decimal("5.00")}
    assert not catalog.policies.full_difference


def test_what_no_policy_says_is_off() -> None:
    policies = convert_catalog(SMALL).policies
    assert policies == Policies("by_days", None, {}, None)
    assert convert_catalog({**SMALL, "policies": {"corrections": {}}}).policies == policies


def test_policies_are_read_in_their_terms() -> None:
    policies = convert_catalog(
        {
            **SMALL,
            "policies": {
                "tier_upgrade": "full_difference",
                "collection": {"retry_days": [7, 1, 3]},
                "corrections": {"support_limit": {"EUR": "50", "JPY": "8000"}},
                "nonprofit_percent": "15.5",
            },
        }
    ).policies
    assert policies.full_difference
    assert policies.collection == Collection((1, 3, 7), remind_before_lapse=3)
    assert policies.support_limit == {"EUR": Decimal("50.00"), "JPY": Decimal(8000)}
    assert str(policies.support_limit["EUR"]) == "50.00"
    assert policies.nonprofit_percent == Decimal("15.5")


def test_collection_without_days_reminds_and_never_tries_again() -> None:
    policies = convert_catalog({**SMALL, "policies": {"collection": {}}}).policies
    assert policies.collection == Collection((), 3)


@pytest.mark.parametrize(
    ("change", "place"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS]
)
def test_a_fault_is_refused_with_its_place(change: Change, place: str) -> None:
    broken = copy.deepcopy(SMALL)
    change(broken)
    with pytest.raises(InvalidCatalog) as error:
        convert_catalog(broken)
    assert (error.value.code, error.value.place) == ("invalid_catalog", place)
    with pytest.raises(InvalidCatalog) as error:
        parse_catalog(json.dumps(broken))
    assert (error.value.code, error.value.place) == ("invalid_catalog", place)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"families": ' + "[" * 100_000, "\ufeff{}"])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(InvalidCatalog) as error:
        parse_catalog(text)
    assert error.value.code == "invalid_catalog"
    assert error.value.place.startswith("$")


def test_a_field_that_stands_twice_is_refused_with_the_place_of_the_first() -> None:
    text = json.dumps(SMALL)
    doubled = text.replace('"EUR": "5.00"', '"EUR": "5.00", "JPY": "1", "EUR": "5.00"').replace(
        '"id": "maps"', '"id": "maps", "id": "maps"'
    )
    with pytest.raises(InvalidCatalog) as error:
        parse_catalog(doubled)
    assert (error.value.code, error.value.place) == ("invalid_catalog", "$.plans[0].tiers[0].prices")
    assert error.value.message == "the field 'EUR' stands twice"


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(InvalidCatalog):
        parse_catalog(b'{"families": [{"id": "\xff"}]}')


def test_catalogue_order_is_plans_then_addons_then_credits_as_the_file_has_them() -> None:
    shown = sorted(["credits_5000", "surveys", "custom_domain", "standard", "free"], key=SHIPPED.order)
    assert shown == ["free", "standard", "custom_domain", "surveys", "credits_5000"]


def test_what_is_no_longer_sold_comes_last_in_catalogue_order() -> None:
    assert sorted(["gold", "credits_5000", "free"], key=SHIPPED.order) == ["free", "credits_5000", "gold"]


def test_blocks_are_sold_only_in_currencies_in_which_every_step_has_a_price() -> None:
    catalog = convert_catalog(SMALL)
    assert catalog.transactional is not None
    assert list(catalog.transactional.block_prices) == ["EUR"]


def test_a_catalogue_without_a_version_is_named_by_its_contents() -> None:
    name = convert_catalog(SMALL).version
    assert name.startswith("sha256:")
    assert convert_catalog(copy.deepcopy(SMALL)).version == name
    assert convert_catalog({**SMALL, "about": "another"}).version != name


def test_of_a_series_the_version_in_force_at_the_instant_holds() -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    old, new = convert_catalog({**SMALL, "version": "old"}), convert_catalog({**SMALL, "version": "new"})
    series = Catalogues((CatalogVersion(first, old), CatalogVersion(first + timedelta(days=31), new)))
    assert series.at(first - timedelta(seconds=1)).plans == {}
    assert series.at(first).version == "old"
    assert series.at(first + timedelta(days=31, seconds=-1)).version == "old"
    assert series.at(first + timedelta(days=31)).version == "new"


@pytest.mark.parametrize(("length", "valid"), [(0, False), (1, True), (100, True), (101, False)])
def test_an_id_has_from_one_to_a_hundred_characters(length: int, valid: bool) -> None:
    named = copy.deepcopy(SMALL)
    named["credits"][0]["id"] = "x" * length
    if valid:
        assert list(convert_catalog(named).credits) == ["x" * length]
    else:
        with pytest.raises(InvalidCatalog, match="length"):
            convert_catalog(named)


@pytest.mark.parametrize(("field", "most"), [("credits", 10**12), ("e_mails", 10**12)])
def test_quantities_have_a_largest_and_begin_with_one(field: str, most: int) -> None:
    for quantity, valid in ((0, False), (1, True), (most, True), (most + 1, False)):
        counted = copy.deepcopy(SMALL)
        inside = counted["credits"][0] if field == "credits" else counted["add_ons"][1]["block"]
        inside[field] = quantity
        if valid:
            convert_catalog(counted)
        else:
            with pytest.raises(InvalidCatalog):
                convert_catalog(counted)


# ---- a series ----------------------------------------------------------------


def _in_series(*files: dict[str, Any]) -> Catalogues:
    return Catalogues(tuple([CatalogVersion(None, convert_catalog(file, None)) for file in files]))


def _ordered(*plans: str) -> dict[str, Any]:
    tiers = SMALL["plans"][0]["tiers"]
    sold = [{"id": plan, "family": "marketing", "name": plan, "tiers": tiers} for plan in plans]
    return {**SMALL, "plans": sold, "add_ons": []}


@pytest.mark.parametrize(
    ("series", "places"),
    [
        (["abc", "ac"], "abc"),
        (["abc", "bc"], "abc"),
        (["abc", "ab", "abd"], "abcd"),
        (["abc", "cba"], "cba"),
        (["abc", "ca"], "cab"),
        (["ab", "", "b"], "ab"),
        (["ab", "b", "ba"], "ba"),
    ],
)
def test_what_is_no_longer_sold_keeps_its_place_behind_what_it_stood_behind(
    series: list[str], places: str
) -> None:
    ever_sold = _in_series(*[_ordered(*plans) for plans in series]).ever_sold(NOW)
    assert list(ever_sold.plans) == list(places)
    assert sorted(["pack", *places[::-1]], key=ever_sold.order) == [*places, "pack"]


def test_of_what_was_ever_sold_each_product_is_as_it_last_was_at_its_last_price_in_each_currency() -> None:
    other = copy.deepcopy(SMALL)
    other["plans"][0] |= {"name": "Other", "tiers": [{"id": "s", "prices": {"JPY": "500"}}]}
    other["add_ons"] = [{"id": "maps", "name": "Maps", "prices": {"USD": "2.00"}}]
    series = _in_series(SMALL, other, {**SMALL, "plans": [], "add_ons": [], "credits": []})
    ever_sold = series.ever_sold(NOW)
    basic, maps = ever_sold.plans["basic"], ever_sold.add_ons["maps"]
    assert basic.name == "Other"
    assert basic.tiers["s"] == {"EUR": Decimal("5.00"), "JPY": Decimal(500)}
    assert basic.tiers["l"] == {"EUR": Decimal("9.00"), "JPY": Decimal(900)}
    assert (maps.prices, maps.requires) == ({"EUR": Decimal("1.00"), "USD": Decimal("2.00")}, ())
    assert ever_sold.add_ons["mail"].block_prices == series.versions[0].catalog.add_ons["mail"].block_prices
    assert ever_sold.credits == series.versions[0].catalog.credits
    assert series.at(NOW).plans == {}


def test_before_the_first_version_nothing_was_ever_sold() -> None:
    begins = CatalogVersion(NOW, convert_catalog(SMALL))
    series = Catalogues((begins,))
    assert series.ever_sold(NOW - timedelta(seconds=1)) is series.at(NOW - timedelta(seconds=1)) is EMPTY
    assert series.ever_sold(NOW) is begins.catalog
    later = series.followed_by(NOW + timedelta(days=1), EMPTY)
    assert list(later.ever_sold(NOW + timedelta(days=1)).plans) == ["basic"]
