"""Later versions of the catalogue of an account on a test clock: what is listed stands whole, what is not
named is as before, a `reprice` too."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from domain import commands as c
from domain import events as e
from domain.catalog import Catalog, convert_catalog
from domain.catalog_file import named_policies
from domain.errors import InvalidCatalog
from domain.own_catalog import digest, laid_over, new_versions, stored_catalog
from tests.support.domain.catalogs import SHIPPED, SMALL
from tests.support.domain.given import GivenAccount

AT = "2026-03-21"
MAPS = {"id": "maps", "name": "Other maps", "prices": {"EUR": "3.00"}}
OTHER = {**MAPS, "id": "other"}
GOLD = {
    "id": "gold",
    "family": "marketing",
    "name": "Gold",
    "tiers": [{"id": "s", "prices": {"EUR": "8.00"}}],
}


def _changed(account: GivenAccount, **change: Any) -> Catalog:
    """The version that the change makes of the account's catalogue."""
    command = msgspec.convert({"do": "catalog", **change}, c.ChangeCatalog)
    return new_versions(account.catalogues, account.state, command, account.state.last_at).catalog


def test_what_is_listed_stands_whole_in_its_place_or_is_added_last() -> None:
    account = GivenAccount(catalog=convert_catalog(SMALL))
    now = _changed(account, add_ons=[MAPS], plans=[GOLD])
    assert list(now.plans) == ["basic", "gold"]
    assert list(now.add_ons) == ["maps", "mail"]
    maps = now.add_ons["maps"]
    assert (maps.name, maps.prices, maps.requires) == ("Other maps", {"EUR": Decimal("3.00")}, ())


def test_what_is_not_named_is_as_before() -> None:
    account = GivenAccount()
    now = _changed(account, withdrawn=["surveys"], policies={"nonprofit_percent": "15"})
    assert {**SHIPPED.add_ons, "surveys": None} == {**now.add_ons, "surveys": None}
    assert (now.plans, now.credits, now.families) == (SHIPPED.plans, SHIPPED.credits, SHIPPED.families)
    assert now.policies.full_difference
    assert now.policies.nonprofit_percent == Decimal(15)


def test_a_reprice_holds_for_what_is_not_named_and_ends_with_what_is() -> None:
    account = GivenAccount()
    for product, tier, price in (
        ("standard", "500", "21.00"),
        ("surveys", None, "8.00"),
        ("credits_5000", None, "9.00"),
    ):
        account.give(c.OverridePrice(product, price, tier), AT)
    command = msgspec.convert(
        {"do": "catalog", "add_ons": [{"id": "surveys", "name": "Surveys", "prices": {"USD": "9.00"}}]},
        c.ChangeCatalog,
    )
    versions = new_versions(account.catalogues, account.state, command, account.state.last_at)
    assert versions.repriced is not None
    assert versions.repriced.add_ons["surveys"].prices["EUR"] == Decimal("8.00")
    assert versions.catalog.add_ons["surveys"].prices == {"USD": Decimal("9.00")}
    for version in versions.in_order():
        assert version.plans["standard"].tiers["500"]["EUR"] == Decimal("21.00")
        assert version.credits["credits_5000"].prices["EUR"] == Decimal("9.00")
    account.give(command, AT)
    assert account.state.price_overrides == {}
    assert [v.digest for v in account.state.own_versions] == [digest(v) for v in versions.in_order()]


FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("a plan of no family", {"plans": [{**GOLD, "family": "sms"}]}, "$.plans[0].family"),
    ("an unknown plan", {"add_ons": [OTHER, {**MAPS, "requires": ["y"]}]}, "$.add_ons[1].requires[0]"),
    ("a product twice", {"plans": [GOLD, GOLD]}, "$.plans[1].id"),
    ("two kinds at once", {"plans": [GOLD], "add_ons": [{**MAPS, "id": "gold"}]}, "$.add_ons[0].id"),
    ("withdrawn and never sold", {"withdrawn": ["basic", "nothing"]}, "$.withdrawn[1]"),
    ("withdrawn twice", {"withdrawn": ["basic", "basic"]}, "$.withdrawn[1]"),
    ("withdrawn and listed", {"withdrawn": ["maps"], "add_ons": [MAPS]}, "$.withdrawn[0]"),
    ("a digit too many", {"add_ons": [{**MAPS, "prices": {"EUR": "1.001"}}]}, "$.add_ons[0].prices.EUR"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "place"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_what_makes_no_catalogue_is_named_by_its_place_in_the_step(
    change: dict[str, Any], place: str
) -> None:
    account = GivenAccount(catalog=convert_catalog(SMALL))
    with pytest.raises(InvalidCatalog) as refused:
        _changed(account, **change)
    assert (refused.value.code, refused.value.place) == ("invalid_catalog", place)


def test_a_product_that_is_listed_as_another_kind_is_refused_for_that() -> None:
    account = GivenAccount()
    pack = {"id": "surveys", "name": "X", "credits": 1, "prices": {"EUR": "1.00"}}
    answer = account.give(msgspec.convert({"do": "catalog", "credits": [pack]}, c.ChangeCatalog), AT)
    assert (answer.code, answer.facts["aspect"]) == ("product_changed", "kind")
    assert account.names(1) == ["account_opened"]


def test_laid_over_policies_hold_in_every_later_version_and_in_what_is_stored() -> None:
    own = laid_over(SHIPPED, named_policies({"nonprofit_percent": "15"}))
    account = GivenAccount(catalog=own)
    account.give(c.ChangeCatalog(policies=named_policies({"nonprofit_percent": "20"})), AT)
    now = _changed(account, policies={"nonprofit_percent": "30", "tier_upgrade": "by_days"})
    assert (now.policies.nonprofit_percent, now.policies.full_difference) == (Decimal(15), False)
    assert stored_catalog(msgspec.json.encode(now.file, order="sorted")) == now
    assert laid_over(SHIPPED, named_policies({})) is SHIPPED


def test_a_version_is_in_force_after_what_is_due_at_its_instant_is_settled() -> None:
    account = GivenAccount()
    account.give(c.PurchaseAddon("surveys"), "2026-03-20")
    account.give(
        msgspec.convert({"do": "catalog", "add_ons": [{**MAPS, "id": "surveys"}]}, c.ChangeCatalog),
        "2026-04-20",
    )
    assert account.names(3) == ["cycles_renewed", "invoice_paid", "catalog_changed"]
    [renewed] = [event for event in account.events if isinstance(event, e.CyclesRenewed)]
    assert str(renewed.invoice.total) == "7.50"
