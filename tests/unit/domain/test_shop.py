"""The shop says what can be bought, what it would cost today and why, or why it cannot be bought (R49)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from domain import commands as c
from domain.calendar import parse_moment
from domain.catalog import convert_catalog
from domain.shop import Offer, Shop, Today, shop
from tests.support.domain.catalogs import SHIPPED, SMALL
from tests.support.domain.given import GivenAccount


def shop_of(account: GivenAccount, at: str) -> Shop:
    return shop(account.state, parse_moment(at, account.zone), account.catalogues)


def offer_of(found: Shop, product: str, tier: str | None = None) -> Offer:
    offers = [*found.add_ons, *found.credits, *(plan for shelf in found.plans for plan in shelf.plans)]
    [offer] = [o for o in offers if o.product == product and tier in (None, o.tier)]
    return offer


@pytest.fixture
def standard() -> GivenAccount:
    """Standard since 20 March."""
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    return account


def test_plans_stand_by_family_and_everything_in_catalogue_order() -> None:
    found = shop_of(GivenAccount(), "2026-03-20")
    assert [(shelf.family, shelf.name) for shelf in found.plans] == [
        ("marketing", "Marketing plans"),
        ("websites", "Websites & Commerce plans"),
    ]
    marketing = [(plan.product, plan.tier) for plan in found.plans[0].plans]
    assert marketing == [(p.id, t) for p in list(SHIPPED.plans.values())[:4] for t in p.tiers]
    assert [a.product for a in found.add_ons] == [a for a in SHIPPED.add_ons if a != "transactional"]
    assert [pack.product for pack in found.credits] == list(SHIPPED.credits)


def test_every_offer_has_the_name_price_and_size_of_the_catalogue() -> None:
    found = shop_of(GivenAccount(), "2026-03-20")
    for pack in found.credits:
        sold = SHIPPED.credits[pack.product]
        assert (pack.name, pack.tier, pack.price) == (sold.name, None, sold.prices["EUR"])
        assert (pack.credits, pack.status, pack.today.charged) == (sold.credits, None, sold.prices["EUR"])
        assert (pack.today.renews_on, pack.today.begins_on) == (None, None)
    for add_on in found.add_ons:
        flat = SHIPPED.add_ons[add_on.product]
        assert (add_on.name, add_on.tier, add_on.price) == (flat.name, None, flat.prices["EUR"])
        assert (add_on.credits, add_on.status) == (None, None)
    for plan in (plan for shelf in found.plans for plan in shelf.plans):
        known = SHIPPED.plans[plan.product]
        assert plan.tier is not None
        assert (plan.name, plan.price) == (known.name, known.tiers[plan.tier]["EUR"])
        assert (plan.credits, plan.status, plan.today.code) == (None, None, None)


def test_an_add_on_costs_today_what_is_left_to_the_renewal_with_its_arithmetic(
    standard: GivenAccount,
) -> None:
    offer = offer_of(shop_of(standard, "2026-04-05T18:30"), "custom_domain")
    assert (offer.name, offer.price, offer.status) == ("Custom domain", Decimal("10.00"), None)
    assert offer.today.charged == Decimal("4.84")
    assert offer.today.arithmetic == ("10.00 × 15/31 days = 4.84",)
    assert offer.today.renews_on == date(2026, 4, 20)
    assert offer.today.code is None


def test_without_a_plan_an_add_on_costs_its_price_and_renews_a_month_later() -> None:
    today = offer_of(shop_of(GivenAccount(), "2026-04-05"), "custom_domain").today
    assert (today.charged, today.arithmetic, today.renews_on) == (
        Decimal("10.00"),
        ("10.00",),
        date(2026, 5, 5),
    )


def test_what_is_held_says_so_with_its_renewal_date_and_why_it_cannot_be_bought_again(
    standard: GivenAccount,
) -> None:
    standard.give(c.PurchaseAddon("custom_domain"), "2026-04-05")
    held = offer_of(shop_of(standard, "2026-04-06"), "custom_domain")
    assert (held.status, held.today.code, held.today.charged) == ("active", "already_active", None)
    assert held.today.renews_on == date(2026, 4, 20)
    assert held.today.facts == {"product": "custom_domain", "renews_on": "2026-04-20"}
    plan = offer_of(shop_of(standard, "2026-04-06"), "standard", "500")
    assert (plan.status, plan.today.code, plan.today.renews_on) == (
        "active",
        "already_active",
        date(2026, 4, 20),
    )


def test_only_the_tier_that_is_held_is_held(standard: GivenAccount) -> None:
    found = shop_of(standard, "2026-04-06")
    assert offer_of(found, "standard", "500").status == "active"
    assert offer_of(found, "standard", "2500").status is None


def test_what_is_ending_can_be_taken_up_again_for_nothing(standard: GivenAccount) -> None:
    standard.give(c.PurchaseAddon("custom_domain"), "2026-04-05")
    standard.give(c.RemoveAddon("custom_domain"), "2026-04-06")
    standard.give(c.CancelPlan("marketing"), "2026-04-06")
    found = shop_of(standard, "2026-04-07")
    for offer in (offer_of(found, "custom_domain"), offer_of(found, "standard", "500")):
        assert (offer.status, offer.today.outcome, offer.today.charged) == (
            "ending",
            "reinstated",
            Decimal("0.00"),
        )
        assert offer.today.renews_on == date(2026, 4, 20)
    assert offer_of(found, "premium").today.code == "cancellation_pending"


def test_a_larger_plan_costs_the_difference_by_days_and_a_smaller_one_begins_at_the_renewal(
    standard: GivenAccount,
) -> None:
    found = shop_of(standard, "2026-04-05")
    premium = offer_of(found, "premium").today
    assert premium.arithmetic == ("350.00 × 15/31 days = 169.35", "−20.00 × 15/31 days = -9.68")
    assert (premium.charged, premium.begins_on) == (Decimal("159.67"), None)
    essentials = offer_of(found, "essentials", "500").today
    assert (essentials.charged, essentials.begins_on) == (Decimal("0.00"), date(2026, 4, 20))
    free = offer_of(found, "free").today
    assert (free.begins_on, free.renews_on) == (date(2026, 4, 20), None)


def test_a_paused_plan_is_paused_and_says_to_resume_it(standard: GivenAccount) -> None:
    standard.give(c.PausePlan("marketing"), "2026-04-06")
    offer = offer_of(shop_of(standard, "2026-04-07"), "standard", "500")
    assert (offer.status, offer.today.code, offer.today.renews_on) == ("paused", "plan_paused", None)


def test_each_reason_against_buying_is_said_with_its_code(standard: GivenAccount) -> None:
    found = shop_of(standard, "2026-04-06")
    assert offer_of(found, "credits_5000").today.code == "monthly_plan_active"
    bare = shop_of(GivenAccount(), "2026-04-06")
    missing = offer_of(bare, "dedicated_ip").today
    assert (missing.code, missing.facts) == (
        "prerequisite_missing",
        {"product": "dedicated_ip", "requires": ["standard", "premium"]},
    )
    yen = GivenAccount(currency="JPY", catalog=convert_catalog(SMALL))
    maps = offer_of(shop_of(yen, "2026-04-06"), "maps")
    assert (maps.price, maps.today.code) == (None, "no_price")


def test_while_an_invoice_is_unpaid_nothing_is_for_sale(standard: GivenAccount) -> None:
    standard.settle("2026-04-20", due="declined")
    found = shop_of(standard, "2026-04-25")
    assert offer_of(found, "custom_domain").today.code == "past_due"
    assert offer_of(found, "websites_core").today.code == "past_due"


def test_while_a_payment_has_no_answer_nothing_is_for_sale(standard: GivenAccount) -> None:
    request = standard.request(c.PurchaseAddon("custom_domain"), "2026-04-05")
    standard.give_raw(request, payment=None)
    found = shop_of(standard, "2026-04-05")
    assert {offer.today.code for offer in found.add_ons} == {"payment_in_progress"}


def test_a_closed_account_can_buy_nothing(standard: GivenAccount) -> None:
    standard.give(c.CloseAccount(), "2026-04-05")
    found = shop_of(standard, "2026-04-06")
    offers = [*found.add_ons, *found.credits, *(plan for shelf in found.plans for plan in shelf.plans)]
    assert {offer.today.code for offer in offers} == {"account_closed"}


def test_transactional_is_a_pointer_to_its_process_with_block_prices_and_its_first_block(
    standard: GivenAccount,
) -> None:
    [pointer] = shop_of(standard, "2026-04-06").own_processes
    assert (pointer.product, pointer.e_mails_per_block, pointer.status) == ("transactional", 25_000, None)
    assert pointer.commands[0] == "start_transactional"
    assert [(step.up_to, step.price) for step in pointer.block_prices] == [
        (20, Decimal("20.00")),
        (40, Decimal("18.00")),
        (None, Decimal("16.00")),
    ]
    assert pointer.first_block.charged == Decimal("20.00")
    assert pointer.first_block.renews_on == date(2026, 4, 20)
    [without_plan] = shop_of(GivenAccount(), "2026-04-06").own_processes
    assert without_plan.first_block.code == "prerequisite_missing"


def test_what_is_due_before_is_taken_as_paid(standard: GivenAccount) -> None:
    today = offer_of(shop_of(standard, "2026-04-25"), "custom_domain").today
    assert today.arithmetic == ("10.00 × 25/30 days = 8.33",)
    assert today.renews_on == date(2026, 5, 20)
    assert standard.state.plans["marketing"].cycle is not None
    assert standard.state.plans["marketing"].cycle.end == date(2026, 4, 20)


def test_buying_answers_what_the_shop_says(standard: GivenAccount) -> None:
    at = "2026-04-05T18:30"

    def same(today: Today, command: c.Command) -> bool:
        account = GivenAccount()
        account.give(c.PurchasePlan("standard"), "2026-03-20")
        answer = account.give(command, at)
        return (answer.code, answer.charged, answer.lines) == (today.code, today.charged, today.lines)

    found = shop_of(standard, at)
    for add_on in found.add_ons:
        assert same(add_on.today, c.PurchaseAddon(add_on.product)), add_on
    for plan in found.plans[0].plans:
        assert same(plan.today, c.ChangePlan(plan.product, plan.tier)), plan
    for plan in found.plans[1].plans:
        assert same(plan.today, c.PurchasePlan(plan.product, plan.tier)), plan
    for pack in found.credits:
        assert same(pack.today, c.BuyCredits(pack.product)), pack
