"""What will be billed as things stand: the forecast is what then happens when everything is paid (R48)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from time import perf_counter

import msgspec

from domain import commands as c
from domain.answers import Answer
from domain.calendar import begins_at, parse_moment
from domain.catalog import Catalogues, CatalogVersion, convert_catalog
from domain.coming import still_billed
from domain.events import Upcoming
from domain.forecast import ends_with, forecast
from domain.process import rehearse
from tests.support.domain.catalogs import SHIPPED
from tests.support.domain.given import GivenAccount


def totals(account: GivenAccount, at: str) -> list[tuple[date, Decimal]]:
    found = forecast(account.state, parse_moment(at, account.zone), account.catalogues).invoices
    return [(invoice.date, invoice.total) for invoice in found]


def test_a_year_has_twelve_renewals_the_last_one_a_year_from_today() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-01-31")
    found = totals(account, "2026-01-31")
    assert len(found) == 12
    assert [day for day, _ in found[:3]] == [date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)]
    assert found[-1] == (date(2027, 1, 31), Decimal("20.00"))


def test_each_forecast_invoice_is_issued_on_its_own_date() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-01-31")
    for invoice in forecast(account.state, account.state.last_at, account.catalogues).invoices:
        assert invoice.issued_at == begins_at(invoice.date, account.zone)


def test_nothing_held_nothing_forecast() -> None:
    account = GivenAccount()
    assert totals(account, "2026-01-31") == []
    assert forecast(account.state, account.state.last_at, account.catalogues).next_invoice is None
    account.give(c.BuyCredits("credits_5000"), "2026-01-31")
    assert forecast(account.state, account.state.last_at, account.catalogues).next_invoice is None


def test_a_price_that_is_announced_reaches_the_forecast_at_the_renewal_after_it() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-01-10")
    dearer = msgspec.structs.replace(
        SHIPPED,
        plans={
            **SHIPPED.plans,
            "standard": msgspec.structs.replace(
                SHIPPED.plans["standard"], tiers={"500": {"EUR": Decimal("25.00")}}
            ),
        },
    )
    versions = (CatalogVersion(None, SHIPPED), CatalogVersion(parse_moment("2026-03-01", "UTC"), dearer))
    found = forecast(account.state, account.state.last_at, Catalogues(versions)).invoices
    assert [invoice.total for invoice in found[:3]] == [Decimal("20.00"), Decimal("25.00"), Decimal("25.00")]


def test_an_announced_prerequisite_ends_an_add_on_in_what_is_still_billed_too() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-01-10")
    account.give(c.PurchaseAddon("surveys"), "2026-01-10")
    needs = msgspec.structs.replace(SHIPPED.add_ons["surveys"], requires=("premium",))
    changed = msgspec.structs.replace(SHIPPED, add_ons={**SHIPPED.add_ons, "surveys": needs})
    versions = (CatalogVersion(None, SHIPPED), CatalogVersion(parse_moment("2026-02-01", "UTC"), changed))
    assert [u.product for u in still_billed(account.state, Catalogues(versions))] == ["standard"]


def test_once_its_plan_has_ended_an_add_on_that_had_not_aligned_is_charged_in_full() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.give(c.PausePlan("marketing"), "2026-04-01")
    account.give(c.PurchaseAddon("custom_domain"), "2026-04-05")
    account.give(c.ResumePlan("marketing"), "2026-04-06")
    stub = Upcoming("custom_domain", date(2026, 5, 5), Decimal("5.00"))
    assert stub in still_billed(account.state, account.catalogues)
    account.give(c.CancelPlan("marketing"), "2026-04-07")
    whole = Upcoming("custom_domain", date(2026, 5, 5), Decimal("10.00"))
    assert still_billed(account.state, account.catalogues) == (whole,)
    assert forecast(account.state, account.state.last_at, account.catalogues).next_charges == (whole,)


def test_what_ends_with_a_cancellation_is_the_plan_and_the_add_ons_that_need_it() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.give(c.PurchaseAddon("custom_domain"), "2026-03-20")
    account.give(c.PurchaseAddon("dedicated_ip"), "2026-03-20")
    request = account.request(c.CancelPlan("marketing"), "2026-03-21")
    answer, after = rehearse(account.state, request, account.catalogues)
    assert after is not None
    assert isinstance(answer, Answer)
    ends = [e.product for e in ends_with(account.state, after, account.catalogues)]
    assert ends == ["standard", "dedicated_ip"]
    assert [ending["product"] for ending in answer.facts["ending"]] == ["dedicated_ip"]
    still = forecast(after, request.at, account.catalogues).next_charges
    assert [charge.product for charge in still] == ["custom_domain"]


def test_what_is_still_billed_after_a_pause_is_what_its_answer_lists() -> None:
    account = GivenAccount()
    account.give(c.PurchaseAddon("custom_domain"), "2026-03-05")
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.give(c.PurchaseAddon("surveys"), "2026-03-21")
    request = account.request(c.PausePlan("marketing"), "2026-03-25")
    answer, after = rehearse(account.state, request, account.catalogues)
    assert after is not None
    assert isinstance(answer, Answer)
    still = forecast(after, request.at, account.catalogues).next_charges
    listed = [{"product": u.product, "on": u.date.isoformat(), "amount": str(u.amount)} for u in still]
    assert answer.facts["still_billed"] == listed


def test_a_resume_far_ahead_is_named_with_its_charge_in_no_time() -> None:
    """Its date may lie centuries away; what renews until then is not gone through."""
    account = GivenAccount()
    account.give(c.PurchasePlan("websites_core"), "2026-03-10")
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.give(c.PurchaseAddon("surveys"), "2026-03-21")
    pause = c.PausePlan("marketing", date(9000, 1, 1))
    began = perf_counter()
    answer = account.give(pause, "2026-03-25")
    assert perf_counter() - began < 1
    assert answer.facts["still_billed"] == [
        {"product": "websites_core", "on": "2026-04-10", "amount": "10.00"},
        {"product": "standard", "on": "9000-01-01", "amount": "5.81"},
        {"product": "surveys", "on": "2026-04-10", "amount": "7.50"},
    ]


def test_a_catalogue_without_the_product_keeps_its_price_in_the_forecast() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-01-10")
    empty = convert_catalog({"families": [], "plans": [], "add_ons": [], "credits": []})
    found = forecast(account.state, account.state.last_at, Catalogues.always(empty)).invoices
    assert {invoice.total for invoice in found} == {Decimal("20.00")}


def test_an_add_on_bought_beside_a_leaving_plan_that_it_needs_will_end_too() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.give(c.CancelPlan("marketing"), "2026-03-21")
    before = account.state
    account.give(c.PurchaseAddon("dedicated_ip"), "2026-03-22")
    account.give(c.PurchaseAddon("custom_domain"), "2026-03-22")
    assert [ending.product for ending in ends_with(before, account.state, account.catalogues)] == [
        "dedicated_ip"
    ]
