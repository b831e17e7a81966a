"""`prorata catalog diff` says what a new catalogue changes, in itself and for accounts at their renewal."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from domain import commands as c
from domain import events as e
from domain.catalog import Catalog, Catalogues, convert_catalog
from domain.catalog_diff import CatalogChange, Tally, changes, effect
from tests.reference.catalogues import catalogue
from tests.support.domain.catalogs import CATALOG_FILE, SHIPPED
from tests.support.domain.given import GivenAccount
from tests.support.terminal import Terminal


def changed(change: Callable[[dict[str, Any]], object]) -> Catalog:
    value = json.loads(CATALOG_FILE.read_bytes())
    change(value)
    return convert_catalog(value, ever_sold=SHIPPED.plans)


ALWAYS = Catalogues.always(SHIPPED)


def followed_by(new: Catalog) -> Catalogues:
    return Catalogues((*ALWAYS.versions, *Catalogues.always(new).versions))


def dearer(value: dict[str, Any]) -> None:
    """Standard costs 22.00 euros, custom domains 9.00."""
    value["plans"][2]["tiers"][0]["prices"]["EUR"] = "22.00"
    value["add_ons"][0]["prices"]["EUR"] = "9.00"


def test_a_catalogue_does_not_differ_from_itself() -> None:
    assert changes(SHIPPED, SHIPPED) == ()
    for seed in range(50):
        one = convert_catalog(catalogue(Random(seed), "EUR"))
        assert changes(one, convert_catalog(catalogue(Random(seed), "EUR"))) == ()


def test_each_price_that_changes_is_named_by_its_place() -> None:
    assert changes(SHIPPED, changed(dearer)) == (
        CatalogChange("plans.standard.tiers.500.prices.EUR", "20.00", "22.00"),
        CatalogChange("add_ons.custom_domain.prices.EUR", "10.00", "9.00"),
    )


def test_products_that_come_and_go_are_named_whole() -> None:
    found = changes(SHIPPED, changed(lambda x: x["add_ons"].pop(3)))
    assert [(change.place, change.new) for change in found] == [("add_ons.inbox_preview", None)]
    [added] = changes(changed(lambda x: x["credits"].pop(0)), SHIPPED)
    assert (added.place, added.old, added.new["credits"]) == ("credits.credits_5000", None, 5000)


def test_policies_prerequisites_blocks_and_order_count() -> None:
    def change(value: dict[str, Any]) -> None:
        value["policies"] = {"tier_upgrade": "by_days"}
        value["families"][0]["pausable"] = False
        value["add_ons"][1]["requires"] = ["premium"]
        value["add_ons"][5]["block"]["prices"][0]["up_to"] = 30
        value["plans"].reverse()

    assert [found.place for found in changes(SHIPPED, changed(change))] == [
        "families.marketing.pausable",
        "add_ons.dedicated_ip.requires",
        "add_ons.transactional.block_prices.USD",
        "add_ons.transactional.block_prices.EUR",
        "add_ons.transactional.block_prices.JPY",
        "policies.tier_upgrade",
        "plans (order)",
    ]


def test_every_field_of_every_kind_counts() -> None:
    def change(value: dict[str, Any]) -> None:
        for kind in ("families", "plans", "add_ons", "credits"):
            value[kind][0]["name"] = "Another"
        value["plans"][1]["family"] = "websites"
        value["credits"][0]["credits"] = 6000
        value["credits"][0]["prices"]["EUR"] = "1.00"
        value["add_ons"][5]["block"]["e_mails"] = 1000
        value["add_ons"][4] |= {"process": "transactional", "block": value["add_ons"][5]["block"]}
        del value["add_ons"][4]["prices"]

    found = {found.place: (found.old, found.new) for found in changes(SHIPPED, changed(change))}
    assert found["add_ons.surveys.process"] == (None, "transactional")
    assert found["add_ons.transactional.e_mails_per_block"] == (25_000, 1000)
    assert found["credits.credits_5000.credits"] == (5000, 6000)
    assert found["plans.essentials.family"] == ("marketing", "websites")
    assert {place for place in found if place.endswith(".name")} == {
        "families.marketing.name",
        "plans.free.name",
        "add_ons.custom_domain.name",
        "credits.credits_5000.name",
    }
    assert "credits.credits_5000.prices.EUR" in found
    assert found["add_ons.surveys.prices.EUR"] == ("7.50", None)


def test_an_account_pays_the_difference_at_its_next_renewal() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.give(c.PurchaseAddon("custom_domain"), "2026-03-20")
    account.give(c.PurchaseAddon("surveys"), "2026-03-20")
    found = effect(account.state, ALWAYS, followed_by(changed(dearer)))
    assert (found.old, found.new, found.difference) == (Decimal("37.50"), Decimal("38.50"), Decimal("1.00"))
    assert [(item.product, item.old, item.new) for item in found.items] == [
        ("standard", Decimal("20.00"), Decimal("22.00")),
        ("custom_domain", Decimal("10.00"), Decimal("9.00")),
    ]


def test_an_add_on_that_loses_its_prerequisite_by_the_new_catalogue_is_no_longer_charged() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.give(c.PurchaseAddon("dedicated_ip"), "2026-03-20")
    new = changed(lambda x: x["add_ons"][1].update(requires=["premium"]))
    [item] = effect(account.state, ALWAYS, followed_by(new)).items
    assert (item.product, item.old, item.new) == ("dedicated_ip", Decimal("29.95"), None)
    [back] = effect(account.state, Catalogues.always(new), ALWAYS).items
    assert (back.product, back.old, back.new) == ("dedicated_ip", None, Decimal("29.95"))
    assert back.date == item.date


def test_what_is_no_longer_sold_keeps_its_price() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    new = changed(lambda x: x.update(plans=x["plans"][:1], add_ons=[]))
    assert effect(account.state, ALWAYS, followed_by(new)).items == ()


def _fates(account: GivenAccount, new: Catalog) -> list[tuple[str, str]]:
    return [(one.product, one.fate) for one in effect(account.state, ALWAYS, followed_by(new)).fates]


def test_whoever_holds_what_is_withdrawn_is_named_and_whoever_has_given_it_up_is_not() -> None:
    account = GivenAccount()
    for command in (c.PurchasePlan("standard"), c.StartTransactional(1), c.PurchaseAddon("surveys")):
        account.give(command, "2026-03-20")
    nothing = changed(lambda x: x.update(plans=x["plans"][:1], add_ons=[]))
    products = ["standard", "transactional", "surveys"]
    assert _fates(account, nothing) == [(product, "no_longer_sold") for product in products]
    account.give(c.RemoveAddon("surveys"), "2026-03-21")
    account.give(c.CancelPlan("marketing"), "2026-03-21")
    assert _fates(account, nothing) == [("transactional", "no_longer_sold")]


def test_whoever_moves_down_to_what_is_withdrawn_is_named() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("premium"), "2026-03-20")
    account.give(c.ChangePlan("standard", "2500"), "2026-03-21")
    new = changed(lambda x: x["plans"][2]["tiers"].pop(1))
    [found] = effect(account.state, ALWAYS, followed_by(new)).fates
    assert (found.product, found.tier) == ("standard", "2500")
    assert found.fate == "downgrade_to_what_is_no_longer_sold"
    assert effect(account.state, ALWAYS, followed_by(new)).items == (), "at its own last price"
    gone = changed(lambda x: x["plans"].pop(3))
    assert _fates(account, gone) == [], "the plan that it leaves does not matter any more"


def test_whoever_loses_or_regains_an_add_on_by_another_prerequisite_is_named() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.give(c.PurchaseAddon("dedicated_ip"), "2026-03-20")
    new = changed(lambda x: x["add_ons"][1].update(requires=["premium"]))
    assert _fates(account, new) == [("dedicated_ip", "ends_for_want_of_a_plan")]
    account.give(c.CancelPlan("marketing"), "2026-03-21")
    freed = changed(lambda x: x["add_ons"][1].pop("requires"))
    assert _fates(account, freed) == [("dedicated_ip", "no_longer_ends")]


def test_the_effect_is_what_the_renewal_then_charges() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.give(c.PurchaseAddon("custom_domain"), "2026-03-20")
    new = changed(dearer)
    foreseen = effect(account.state, ALWAYS, followed_by(new))
    account.catalogues = Catalogues.always(new)
    account.settle("2026-04-20")
    [renewed] = [event for event in account.events if isinstance(event, e.CyclesRenewed)]
    assert renewed.invoice.total == foreseen.new


def test_accounts_are_counted_by_what_they_pay_more_or_less() -> None:
    tally = Tally()
    for product in ("standard", "essentials"):
        account = GivenAccount()
        account.give(c.PurchasePlan(product), "2026-03-20")
        tally.count(effect(account.state, ALWAYS, followed_by(changed(dearer))))
    alone = GivenAccount()
    alone.give(c.PurchaseAddon("custom_domain"), "2026-03-20")
    tally.count(effect(alone.state, ALWAYS, followed_by(changed(dearer))))
    assert (tally.accounts, tally.more, tally.more_amount) == (3, 1, Decimal("2.00"))
    assert (tally.less, tally.less_amount) == (1, Decimal("-1.00"))


def test_the_command_prints_each_change_for_people_or_for_programs(prorata: Terminal, tmp_path: Path) -> None:
    value = json.loads(CATALOG_FILE.read_bytes())
    dearer(value)
    new = tmp_path / "new.json"
    new.write_text(json.dumps(value))
    ran = prorata("catalog", "diff", str(CATALOG_FILE), str(new))
    assert (ran.exit_code, ran.err) == (0, "")
    assert "~ plans.standard.tiers.500.prices.EUR: 20.00 → 22.00\n" in ran.out
    assert ran.out.endswith("2 changes\n")
    lines = prorata("catalog", "diff", str(CATALOG_FILE), str(new), "--json").out.splitlines()
    assert json.loads(lines[1]) == {
        "kind": "change",
        "place": "add_ons.custom_domain.prices.EUR",
        "old": "10.00",
        "new": "9.00",
    }
    assert prorata("catalog", "diff", str(CATALOG_FILE), str(CATALOG_FILE)).out == "no change\n"


def test_what_makes_something_else_of_a_product_is_refused_after_the_changes(
    prorata: Terminal, tmp_path: Path
) -> None:
    value = json.loads(CATALOG_FILE.read_bytes())
    value["plans"][2]["family"] = "websites"
    value["plans"][1]["tiers"][0]["prices"]["EUR"] = "0.00"
    new = tmp_path / "new.json"
    new.write_text(json.dumps(value))
    ran = prorata("catalog", "diff", str(CATALOG_FILE), str(new))
    assert ran.exit_code == 2
    assert ran.out.endswith("2 changes\n")
    places = ["$.plans[1].tiers[0].prices.EUR", "$.plans[2].family"]
    assert [line.rpartition(" - at ")[2] for line in ran.err.splitlines()] == [
        f"`{place}`" for place in places
    ]
    assert all(line.startswith("prorata: product_changed: ") for line in ran.err.splitlines())


def test_a_file_that_is_no_catalogue_is_named(prorata: Terminal, tmp_path: Path) -> None:
    new = tmp_path / "new.json"
    new.write_text("{}")
    ran = prorata("catalog", "diff", str(CATALOG_FILE), str(new))
    assert ran.exit_code == 2
    assert f"{new}: $" in ran.err


def test_the_schema_can_be_printed(prorata: Terminal) -> None:
    assert json.loads(prorata("catalog", "schema").out)["title"] == "Prorata catalogue"
