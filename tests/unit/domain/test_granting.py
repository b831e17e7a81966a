"""Who is given which discount, what is refused, and when the end of free months is told (R60, R79, R85-R87);
what customers and finance do about what is due (R54, R56, R57)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from domain import commands as c
from domain import events as e
from domain.answers import Answer
from domain.codes import DiscountCode
from domain.discounts import over
from domain.free_months import ends_of_free_months, free_until
from domain.happened import Chronicle
from tests.support.domain.booking_answers import billed, declined, with_policies
from tests.support.domain.given import GivenAccount


def staff(account: GivenAccount, command: c.Command, at: str, role: str = "finance", **more: Any) -> Answer:
    return account.give(command, at, role=role, **more)


def terms(account: GivenAccount) -> e.DiscountGranted:
    return account.state.standing.discounts[-1].terms


# ---- what is granted -------------------------------------------------------------


def test_a_grant_has_the_terms_asked_for_and_its_ticket() -> None:
    account = billed()
    asked = c.GrantDiscount(percent="12.5", duration=3, products=("surveys",), ticket="T-1")
    staff(account, asked, "2026-04-05")
    found = terms(account)
    assert (found.number, found.start, found.percent) == (1, date(2026, 4, 5), Decimal("12.5"))
    assert (found.once, found.months, found.products, found.ticket) == (False, 3, ("surveys",), "T-1")
    assert found.command is not None


@pytest.mark.parametrize(("duration", "once"), [(None, True), ("once", True), ("forever", False), (2, False)])
def test_without_a_duration_it_is_for_once(duration: Any, once: bool) -> None:
    account = billed()
    staff(account, c.GrantDiscount(percent="10", duration=duration), "2026-04-05")
    assert terms(account).once is once


def test_a_carried_one_expires_the_day_before_twelve_months_later_or_when_it_is_named() -> None:
    account = billed()
    for last_day in (None, date(2026, 5, 1), date(2028, 1, 1)):
        staff(account, c.GrantDiscount(fixed="1.00", carried=True, last_day=last_day), "2026-04-05")
    found = [discount.terms.last_day for discount in account.state.standing.discounts]
    assert found == [date(2027, 4, 4), date(2026, 5, 1), date(2027, 4, 4)]
    assert not terms(account).once


def test_a_nonprofits_is_for_ever_at_the_policys_rate_and_refused_without_one() -> None:
    account = billed()
    staff(account, c.GrantDiscount(nonprofit=True), "2026-04-05")
    assert (terms(account).percent, terms(account).once, terms(account).nonprofit) == (
        Decimal(15),
        False,
        True,
    )
    without = GivenAccount()
    refused = staff(without, c.GrantDiscount(nonprofit=True), "2026-04-05")
    assert (refused.code, refused.facts["discount"]) == ("unknown_discount", "nonprofit")


def test_a_product_that_was_never_sold_is_unknown() -> None:
    asked = c.GrantDiscount(percent="10", products=("surveys", "nothing"))
    refused = staff(billed(), asked, "2026-04-05")
    assert (refused.code, refused.facts["asked"]) == ("unknown_product", "nothing")
    assert refused.facts["kind"] == "product"
    sold = c.GrantDiscount(percent="10", products=("standard", "surveys", "credits_5000"))
    assert staff(billed(), sold, "2026-04-05").code is None


def test_supports_goodwill_counts_for_its_limit_and_other_discounts_do_not() -> None:
    account = billed()
    assert staff(account, c.GrantDiscount(percent="100"), "2026-04-05", "support").code is None
    assert staff(account, c.GrantDiscount(fixed="9.00"), "2026-04-05", "support").code is None
    goodwill = c.GrantDiscount(fixed="3.00", carried=True)
    assert staff(account, goodwill, "2026-04-05", "support").code is None
    refused = staff(account, goodwill, "2026-04-05", "support")
    assert (refused.code, refused.facts["given"]) == ("limit_exceeded", "3.00")
    assert staff(account, goodwill, "2026-04-05", "finance").code is None


def test_a_discount_is_given_and_withdrawn_while_past_due() -> None:
    account = declined()
    at = "2026-04-20T10:00"
    assert staff(account, c.GrantDiscount(percent="10"), at).code is None
    assert staff(account, c.WithdrawDiscount("D1"), at).code is None
    assert account.state.standing.discounts[0].withdrawn
    assert account.events[-1].command is not None
    again = staff(account, c.WithdrawDiscount("D1"), at)
    assert (again.outcome, again.facts["discount"]) == ("unchanged", "D1")
    unknown = staff(account, c.WithdrawDiscount("D2"), at)
    assert (unknown.code, unknown.facts["discount"]) == ("unknown_discount", "D2")


# ---- free months, once an account and product (R87) -----------------------------------


def freed(months: int = 1) -> GivenAccount:
    """Standard, free for so many months from 5 April."""
    account = with_policies()
    staff(account, c.GrantDiscount(percent="100", duration=months, products=("standard",)), "2026-04-05")
    account.give(c.PurchasePlan("standard"), "2026-04-05")
    return account


def test_free_months_of_a_product_are_given_once_and_other_discounts_of_it_again() -> None:
    account = freed()
    again = c.GrantDiscount(percent="100", duration=1, products=("surveys", "standard"))
    refused = staff(account, again, "2026-04-06")
    assert (refused.code, refused.facts["products"]) == ("already_used", ["standard"])
    assert staff(account, replace(again, products=("surveys",)), "2026-04-06").code is None
    assert staff(account, replace(again, percent="50"), "2026-04-06").code is None


def test_a_code_for_free_months_is_refused_where_the_product_had_some() -> None:
    account = freed()
    account.give(c.CancelPlan("marketing"), "2026-04-06")
    trial = c.PurchasePlan("standard", discount="TRIAL")
    refused = account.give(trial, "2026-05-05")
    assert (refused.code, refused.facts["discount"]) == ("already_used", "TRIAL")
    assert refused.facts["products"] == ["standard"]
    welcome = account.give(c.PurchasePlan("standard", discount="WELCOME"), "2026-05-05")
    assert str(welcome.charged) == "17.00"


def test_a_code_past_its_end_says_when_that_was() -> None:
    refused = with_policies().give(c.PurchasePlan("standard", discount="SPRING"), "2026-03-20")
    assert refused.code == "discount_over"
    assert (refused.facts["discount"], refused.facts["last_day"]) == ("SPRING", "2026-03-01")
    on_the_last_day = with_policies().give(c.PurchasePlan("standard", discount="SPRING"), "2026-03-01")
    assert str(on_the_last_day.charged) == "15.00"


def test_a_code_of_a_product_does_not_work_for_the_credit_line_of_it() -> None:
    account = with_policies()
    code = DiscountCode("OLD", percent=Decimal(10), products=("essentials",))
    account.catalogues = replace(account.catalogues, codes={"OLD": code})
    account.give(c.PurchasePlan("essentials"), "2026-03-20")
    refused = account.give(c.ChangePlan("standard", discount="OLD"), "2026-04-05")
    assert (refused.code, refused.facts["discount"]) == ("unknown_discount", "OLD")


def told(account: GivenAccount) -> list[tuple[str, date, date]]:
    return [
        (event.product, event.on, event.at.date())
        for event in account.events
        if isinstance(event, e.DiscountEnds)
    ]


def test_the_end_of_free_months_is_told_once_seven_days_before() -> None:
    """5 April, two months: the lines of 5 April and 5 May; 5 June costs, so it is told on 29 May."""
    account = freed(2)
    assert free_until(account.state, "standard") == date(2026, 6, 5)
    assert [day for day, _ in ends_of_free_months(account.state)] == [date(2026, 5, 29)]
    account.settle("2026-05-28T12:00")
    assert told(account) == []
    account.settle("2026-06-04")
    assert [(product, on) for product, on, _ in told(account)] == [("standard", date(2026, 6, 5))]
    assert ends_of_free_months(account.state) == []


def test_nobody_is_told_of_what_does_not_go_on() -> None:
    cancelled = freed()
    cancelled.give(c.CancelPlan("marketing"), "2026-04-06")
    cancelled.settle("2026-05-04")
    assert told(cancelled) == []
    disputed = freed()
    disputed.give(c.PurchaseAddon("surveys"), "2026-04-06")
    staff(disputed, c.OpenDispute(2), "2026-04-07")
    disputed.settle("2026-05-04")
    assert told(disputed) == []


def test_what_is_not_free_has_no_end_of_free_months() -> None:
    account = freed()
    account.give(c.PurchaseAddon("surveys"), "2026-04-06")
    assert free_until(account.state, "surveys") is None
    staff(account, c.WithdrawDiscount("D1"), "2026-04-07")
    assert free_until(account.state, "standard") is None


def test_free_months_that_follow_each_other_end_with_the_last() -> None:
    """One month from 5 April, then another line for nothing, for once: 5 June is the first at a price."""
    account = freed()
    staff(account, c.GrantDiscount(percent="100"), "2026-04-06")
    assert free_until(account.state, "standard") == date(2026, 6, 5)
    for_ever = freed()
    staff(for_ever, c.GrantDiscount(percent="100", duration="forever"), "2026-04-06")
    assert free_until(for_ever.state, "standard") is None
    assert ends_of_free_months(for_ever.state) == []


def test_another_discount_is_no_free_month_and_hides_none() -> None:
    half = with_policies()
    staff(half, c.GrantDiscount(percent="50", duration="forever"), "2026-04-05")
    half.give(c.PurchasePlan("standard"), "2026-04-05")
    assert free_until(half.state, "standard") is None
    staff(half, c.GrantDiscount(percent="100", duration=1), "2026-04-06")
    half.give(c.PurchasePlan("websites_plus"), "2026-04-06")
    assert free_until(half.state, "websites_plus") == date(2026, 6, 5)


def test_one_for_once_that_is_used_makes_no_later_line_free() -> None:
    account = with_policies()
    staff(account, c.GrantDiscount(percent="100"), "2026-04-05")
    account.give(c.PurchasePlan("websites_plus"), "2026-04-05")
    staff(account, c.GrantDiscount(percent="100", duration=1), "2026-04-05")
    account.give(c.PurchasePlan("standard"), "2026-04-05")
    assert free_until(account.state, "standard") == date(2026, 5, 5)


def test_the_end_of_a_removed_addons_free_months_is_not_told() -> None:
    account = billed()
    staff(account, c.GrantDiscount(percent="100", duration=1, products=("surveys",)), "2026-04-05")
    account.give(c.PurchaseAddon("surveys"), "2026-04-05")
    assert free_until(account.state, "surveys") == date(2026, 5, 20)
    account.give(c.RemoveAddon("surveys"), "2026-04-06")
    assert ends_of_free_months(account.state) == []


# ---- what is done about what is due (R54, R56, R57) ---------------------------------------


def test_another_method_is_tried_at_once_only_while_past_due_and_not_in_a_dispute() -> None:
    good = billed()
    good.give(c.SetPaymentMethod(), "2026-04-05")
    assert good.names(1) == ["payment_method_set"]
    assert good.events[-1].command is not None
    due = declined()
    due.give(c.SetPaymentMethod(), "2026-04-20T10:00")
    assert due.names(3) == ["payment_method_set", "payment_started", "invoice_paid"]
    disputed = declined()
    staff(disputed, c.OpenDispute(1), "2026-04-20T10:00")
    disputed.give(c.SetPaymentMethod(), "2026-04-20T11:00")
    assert disputed.names(1) == ["payment_method_set"]


def test_tries_are_stopped_once_by_the_command_and_for_a_known_invoice() -> None:
    account = declined()
    at = "2026-04-20T10:00"
    assert staff(account, c.StopTries(9), at).code == "unknown_invoice"
    assert staff(account, c.StopTries(2, ticket="T-2"), at).code is None
    stopped = account.events[-1]
    assert isinstance(stopped, e.TriesStopped)
    assert (stopped.number, stopped.ticket, stopped.command is not None) == (2, "T-2", True)
    again = staff(account, c.StopTries(2), at)
    assert (again.outcome, again.facts["invoice"]) == ("unchanged", 2)


@pytest.mark.parametrize("paid", [True, False])
def test_the_tries_of_what_is_paid_or_given_up_are_over_and_stopping_them_changes_nothing(paid: bool) -> None:
    account = billed()
    if not paid:
        staff(account, c.LoseDispute(1), "2026-04-05")
        staff(account, c.WriteOff(1), "2026-04-06")
    events = len(account.events)
    again = staff(account, c.StopTries(1), "2026-04-07")
    assert (again.outcome, again.facts["invoice"], len(account.events)) == ("unchanged", 1, events)


def test_what_was_written_off_comes_in_up_to_its_amount_and_no_more() -> None:
    account = billed()
    staff(account, c.LoseDispute(1), "2026-04-05")
    staff(account, c.WriteOff(1), "2026-04-06")
    refused = staff(account, c.RecordPayment("20.01", 1), "2026-04-07")
    assert (refused.code, refused.facts["recoverable"]) == ("over_credited", "20.00")
    assert staff(account, c.RecordPayment("12.00", 1), "2026-04-07").code is None
    refused = staff(account, c.RecordPayment("8.01", 1), "2026-04-08")
    assert (refused.code, refused.facts["recoverable"]) == ("over_credited", "8.00")
    assert staff(account, c.RecordPayment("8.00", 1), "2026-04-08").code is None
    assert staff(account, c.RecordPayment("0.01", 1), "2026-04-09").code == "not_creditable"


@pytest.mark.parametrize("nothing", ["0", "0.00", "000.0"])
def test_a_payment_of_nothing_is_no_payment(nothing: str) -> None:
    with pytest.raises(ValueError, match="nothing"):
        c.RecordPayment(nothing)
    assert c.RecordPayment("0.01").amount == "0.01"


def test_money_is_recorded_for_an_invoice_only_where_that_was_written_off() -> None:
    account = declined()
    at = "2026-04-20T10:00"
    assert staff(account, c.RecordPayment("1.00", 9), at).code == "unknown_invoice"
    assert staff(account, c.RecordPayment("1.00", 2), at).code == "not_creditable"
    assert staff(account, c.RecordPayment("0.001"), at).code is not None
    lost = billed()
    staff(lost, c.LoseDispute(1), "2026-04-05")
    staff(lost, c.WriteOff(1), "2026-04-06")
    staff(lost, c.RecordPayment("20.00", 1), "2026-04-07")
    recorded = lost.events[-1]
    assert isinstance(recorded, e.PaymentRecorded)
    assert (recorded.recovered, recorded.shares, str(recorded.to_account)) == (1, (), "0.00")


# ---- what happened by itself ------------------------------------------------------------------


def test_a_chronicle_takes_events_one_by_one_or_all() -> None:
    account = declined()
    account.settle("2026-04-21", due="declined")
    found = Chronicle("Europe/Paris").take_all(account.events)
    facts = [(happening.fact, happening.stage, happening.paid) for happening in found.happened]
    assert facts == [("reminder", "declined", None), ("try", None, False), ("reminder", "try_declined", None)]


def test_free_months_of_named_products_are_given_once_though_no_invoice_took_them_yet() -> None:
    account = GivenAccount()
    free = c.GrantDiscount(percent="100", duration=1, products=("standard",))
    assert account.give(free, "2026-03-20", role="finance").code is None
    refused = account.give(free, "2026-03-20", role="finance")
    assert (refused.code, refused.facts["products"]) == ("already_used", ["standard"])


def test_what_is_carried_is_void_once_the_account_is_closed() -> None:
    account = GivenAccount()
    account.give(c.GrantDiscount(fixed="5.00", carried=True), "2026-03-20", role="finance")
    account.give(c.CloseAccount(), "2026-03-21")
    [goodwill] = account.state.standing.discounts
    assert over(goodwill, date(2026, 3, 22))


def test_the_end_of_an_addons_free_months_is_not_told_where_it_ends_with_its_plan() -> None:
    told = []
    for cancelled in (False, True):
        account = GivenAccount()
        account.give(c.PurchasePlan("standard"), "2026-03-20")
        free = c.GrantDiscount(percent="100", duration=1, products=("dedicated_ip",))
        account.give(free, "2026-03-20", role="finance")
        account.give(c.PurchaseAddon("dedicated_ip"), "2026-03-20")
        if cancelled:
            account.give(c.CancelPlan("marketing"), "2026-03-21")
        account.settle("2026-04-19")
        told.append(any(isinstance(event, e.DiscountEnds) for event in account.events))
    assert told == [True, False]
