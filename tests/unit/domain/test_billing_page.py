"""The billing page says what is held, what it will cost and what can be done with it (R50)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from msgspec.structs import replace

from domain import commands as c
from domain.billing_page import BillingPage, HeldItem, billing_page
from domain.calendar import begins_at, parse_moment
from domain.catalog import EMPTY, Catalogues, Collection
from domain.events import Upcoming
from tests.support.domain.given import GivenAccount, standard_with_domain

PARIS = "Europe/Paris"


def page_of(account: GivenAccount, at: str) -> BillingPage:
    return billing_page(account.state, parse_moment(at, account.zone), account.catalogues)


def item_of(page: BillingPage, product: str) -> HeldItem:
    [item] = [item for item in page.items if item.product == product]
    return item


@pytest.fixture
def account() -> GivenAccount:
    """Standard since 20 March, a custom domain since 5 April."""
    return standard_with_domain()


def test_each_item_has_status_price_next_charge_and_access_end(account: GivenAccount) -> None:
    page = page_of(account, "2026-04-06")
    plan, add_on = page.items
    assert (plan.product, plan.name, plan.kind, plan.tier) == ("standard", "Standard", "plan", "500")
    assert (plan.status, plan.price) == ("active", Decimal("20.00"))
    assert plan.next_charge == Upcoming("standard", date(2026, 4, 20), Decimal("20.00"))
    assert plan.access_until == begins_at(date(2026, 4, 20), PARIS)
    assert (add_on.kind, add_on.status, add_on.price) == ("add_on", "active", Decimal("10.00"))
    assert add_on.next_charge == Upcoming("custom_domain", date(2026, 4, 20), Decimal("10.00"))
    assert page.standing.status == "good"


def test_an_add_on_can_be_managed_and_removed_then_undone(account: GivenAccount) -> None:
    assert item_of(page_of(account, "2026-04-06"), "custom_domain").actions == ("manage", "remove")
    account.give(c.RemoveAddon("custom_domain"), "2026-04-06")
    removed = item_of(page_of(account, "2026-04-07"), "custom_domain")
    assert (removed.status, removed.actions, removed.removal) == ("ending", ("manage", "undo"), None)
    assert removed.next_charge is None
    assert removed.access_until == begins_at(date(2026, 4, 20), PARIS)


def test_removing_asks_for_a_confirmation_that_says_until_when_access_lasts(account: GivenAccount) -> None:
    removal = item_of(page_of(account, "2026-04-06"), "custom_domain").removal
    assert removal is not None
    assert removal.access_until == "2026-04-20"
    assert not removal.unpaid
    answer = account.give(c.RemoveAddon("custom_domain"), "2026-04-06")
    assert answer.facts["access_until"] == removal.access_until


def test_of_an_unpaid_add_on_the_confirmation_says_since_when_it_cannot_be_used(
    account: GivenAccount,
) -> None:
    account.settle("2026-04-20", due="declined")
    removal = item_of(page_of(account, "2026-04-21"), "custom_domain").removal
    assert removal is not None
    assert (removal.access_until, removal.unpaid) == ("2026-04-20", True)


def test_a_plan_can_be_changed_paused_and_cancelled_where_its_family_allows() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.give(c.PurchasePlan("websites_core"), "2026-03-20")
    page = page_of(account, "2026-03-21")
    assert item_of(page, "standard").actions == ("change", "pause", "cancel")
    assert item_of(page, "websites_core").actions == ("change", "cancel")


def test_what_a_command_would_refuse_is_not_offered() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-01-20")
    for day in ("2026-02-01", "2026-03-01"):
        account.give(c.PausePlan("marketing"), day)
        assert item_of(page_of(account, day), "standard").actions == ("resume", "cancel")
        account.give(c.ResumePlan("marketing"), day)
    assert item_of(page_of(account, "2026-04-01"), "standard").actions == ("change", "cancel")
    account.give(c.CancelPlan("marketing"), "2026-04-01")
    assert item_of(page_of(account, "2026-04-02"), "standard").actions == ("undo",)


def test_transactional_is_topped_up_changed_stopped_and_undone_by_its_own_process() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.give(c.StartTransactional(2), "2026-03-20")
    item = item_of(page_of(account, "2026-03-21"), "transactional")
    assert item.actions == ("manage", "change", "top_up", "stop")
    assert (item.price, item.allowance) == (None, 50_000)
    assert item.removal is not None
    assert item.removal.access_until == "2026-04-20"
    assert item.next_charge == Upcoming("transactional", date(2026, 4, 20), Decimal("40.00"))
    account.give(c.StopTransactional(), "2026-03-21")
    stopped = item_of(page_of(account, "2026-03-22"), "transactional")
    assert stopped.actions == ("manage", "top_up", "undo")


def test_a_downgraded_plan_shows_what_is_charged_next(account: GivenAccount) -> None:
    account.give(c.ChangePlan("essentials"), "2026-04-06")
    item = item_of(page_of(account, "2026-04-07"), "standard")
    assert (item.status, item.price) == ("ending", Decimal("20.00"))
    assert item.next_charge == Upcoming("essentials", date(2026, 4, 20), Decimal("13.00"))
    assert "undo" in item.actions


def test_a_paused_plan_shows_the_charge_of_its_scheduled_resume(account: GivenAccount) -> None:
    account.give(c.PausePlan("marketing", date(2026, 6, 1)), "2026-04-06")
    page = page_of(account, "2026-04-07")
    assert item_of(page, "standard").status == "paused"
    assert item_of(page, "standard").next_charge == Upcoming("standard", date(2026, 6, 1), Decimal("20.00"))
    assert item_of(page, "custom_domain").next_charge is not None


def test_credits_stand_with_their_expiry_soonest_first() -> None:
    account = GivenAccount()
    account.give(c.BuyCredits("credits_25000"), "2026-01-10")
    account.give(c.BuyCredits("credits_5000"), "2026-03-10")
    page = page_of(account, "2026-03-11")
    assert [(pack.name, pack.credits, pack.expires_on) for pack in page.credits] == [
        ("25,000 e-mail credits", 25_000, date(2027, 1, 10)),
        ("5,000 e-mail credits", 5_000, date(2027, 3, 10)),
    ]
    assert (page.items, page.next_invoice, page.balance) == ((), None, None)


def test_the_open_balance_names_its_invoice_and_what_is_suspended(account: GivenAccount) -> None:
    account.settle("2026-04-20", due="declined")
    page = page_of(account, "2026-04-21")
    assert page.balance is not None
    assert (page.balance.invoice, page.balance.date, page.balance.amount) == (
        3,
        date(2026, 4, 20),
        Decimal("30.00"),
    )
    assert page.balance.suspended == ("standard", "custom_domain")
    assert page.standing.status == "past_due"
    assert item_of(page, "standard").actions == ("cancel",)
    assert item_of(page, "custom_domain").actions == ("manage", "remove")


def test_the_next_invoice_stands_as_things_are_now(account: GivenAccount) -> None:
    invoice = page_of(account, "2026-04-06").next_invoice
    assert invoice is not None
    assert (invoice.date, invoice.total) == (date(2026, 4, 20), Decimal("30.00"))
    account.give(c.RemoveAddon("custom_domain"), "2026-04-07")
    shorter = page_of(account, "2026-04-08").next_invoice
    assert shorter is not None
    assert shorter.total == Decimal("20.00")


def test_free_is_held_without_charge_or_access_end() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("free"), "2026-03-20")
    [item] = page_of(account, "2026-03-21").items
    assert (item.price, item.next_charge, item.access_until) == (Decimal("0.00"), None, None)
    assert item.actions == ("change", "cancel")


def test_what_is_no_longer_sold_is_shown_by_the_name_that_it_last_had() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    series = account.catalogues.followed_by(account.state.last_at, EMPTY)
    [item] = billing_page(account.state, account.state.last_at, series).items
    assert (item.name, item.price) == ("Standard", Decimal("20.00"))
    assert item.next_charge is not None
    assert item.next_charge.amount == Decimal("20.00")


def refused_for_good() -> GivenAccount:
    """Standard, whose renewal of 20 April was declined by a method that will never be accepted; the try of
    the 23rd is not made."""
    account = GivenAccount()
    catalog = account.catalogues.versions[0].catalog
    policies = replace(catalog.policies, collection=Collection((3, 9), 3))
    account.catalogues = Catalogues.always(replace(catalog, policies=policies))
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.settle("2026-04-20", due="declined_final")
    return account


def test_what_a_refused_method_was_not_tried_for_is_suspended_on_the_page_too() -> None:
    account = refused_for_good()
    page = page_of(account, "2026-04-24")
    assert (page.standing.status, item_of(page, "standard").status) == ("past_due", "suspended")
    assert page.balance is not None
    assert (page.balance.amount, page.balance.invoices[0].next_try) == (Decimal("20.00"), None)


def test_of_what_nobody_will_try_no_charge_is_shown_to_come() -> None:
    account = refused_for_good()
    page = page_of(account, "2026-04-21")
    assert item_of(page, "standard").next_charge is None
    assert page.next_invoice is None


def test_a_renewal_that_a_refused_method_is_not_asked_for_is_unpaid_on_the_page_as_for_a_command() -> None:
    account = refused_for_good()
    account.give(c.PayBalance(), "2026-04-21")
    before = page_of(account, "2026-04-22")
    assert item_of(before, "standard").next_charge == Upcoming(
        "standard", date(2026, 5, 20), Decimal("20.00")
    )
    page = page_of(account, "2026-05-21")  # its renewal was not settled yet
    assert (page.standing.status, item_of(page, "standard").status) == ("past_due", "suspended")
    assert account.give(c.PurchaseAddon("surveys"), "2026-05-21", due="declined_final").code == "past_due"
