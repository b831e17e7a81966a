"""An invoice tells its story: what it rests on, by which rule and arithmetic, and what became of it."""

from __future__ import annotations

from decimal import Decimal

from domain import commands as c
from domain import events as e
from domain.invoice_story import InvoiceStory, invoice_story
from tests.support.domain.given import GivenAccount


def story_of(account: GivenAccount, number: int) -> InvoiceStory:
    found = invoice_story(account.events, number)
    assert found is not None
    return found


def types(account: GivenAccount, versions: tuple[int, ...]) -> list[str]:
    return [e.type_name(account.events[version - 1]) for version in versions]


def test_a_first_charge_rests_on_the_plan_that_set_the_renewal_date() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.give(c.PurchaseAddon("custom_domain"), "2026-04-05")
    found = story_of(account, 2)
    [line] = found.lines
    assert (line.rule, line.arithmetic) == ("R12", "10.00 × 15/31 days = 4.84")
    assert types(account, line.because) == ["plan_purchased"]
    assert types(account, found.payment) == ["payment_started", "addon_purchased"]
    assert (found.status, found.issued) == ("paid", len(account.events))


def test_an_add_on_bought_on_the_plan_s_own_day_is_told_from_one_without_a_plan() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.give(c.PurchaseAddon("custom_domain"), "2026-03-20")
    assert [line.rule for line in story_of(account, 2).lines] == ["R14"]
    alone = GivenAccount()
    alone.give(c.PurchaseAddon("custom_domain"), "2026-03-20")
    assert [line.rule for line in story_of(alone, 1).lines] == ["R13"]


def test_a_renewal_that_was_declined_and_paid_later_tells_both() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.settle("2026-04-20", due="declined")
    assert story_of(account, 2).status == "open"
    account.give(c.PayBalance(), "2026-04-21", payment="declined")
    account.give(c.PurchaseAddon("custom_domain"), "2026-04-21")
    account.give(c.PayBalance(), "2026-04-22")
    found = story_of(account, 2)
    assert found.status == "paid"
    assert types(account, found.payment) == [
        "renewal_declined",
        "payment_started",
        "payment_declined",
        "payment_started",
        "invoice_paid",
    ]


def test_what_is_paid_afterwards_is_of_other_invoices() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.settle("2026-04-20")
    account.give(c.PurchaseAddon("custom_domain"), "2026-04-21", payment="declined")
    account.give(c.PurchaseAddon("custom_domain"), "2026-04-22", payment="cancelled")
    account.give(c.PurchaseAddon("custom_domain"), "2026-04-23")
    account.settle("2026-05-20", due="declined")
    account.give(c.PayBalance(), "2026-05-21")
    assert types(account, story_of(account, 2).payment) == ["invoice_paid"]
    assert types(account, story_of(account, 4).payment) == [
        "renewal_declined",
        "payment_started",
        "invoice_paid",
    ]


def test_a_renewal_s_payment_that_was_cancelled_is_told_with_the_one_that_came_after() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.settle("2026-04-20", due=None)
    account.answer("cancelled")
    account.settle("2026-04-20")
    found = story_of(account, 2)
    assert found.status == "paid"
    assert types(account, found.payment) == ["payment_cancelled", "payment_started", "invoice_paid"]


def test_what_costs_nothing_has_no_payment() -> None:
    account = GivenAccount()
    account.give(c.OverridePrice("surveys", "0.00"), "2026-03-20")
    account.give(c.PurchaseAddon("surveys"), "2026-03-20")
    assert (story_of(account, 1).status, story_of(account, 1).payment) == ("paid", ())


def test_a_line_rests_on_pauses_new_prices_and_numbers_of_blocks_too() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.give(c.StartTransactional(1), "2026-03-20")
    account.give(c.ChangeTransactional(2), "2026-03-21")
    account.give(c.OverridePrice("standard", "21.00"), "2026-03-22")
    account.give(c.PausePlan("marketing"), "2026-03-23")
    account.give(c.ResumePlan("marketing"), "2026-03-24")
    account.give(c.ChangePlan("standard", "2500"), "2026-03-25")
    account.settle("2026-04-20")
    plan, blocks = story_of(account, account.state.next_invoice - 1).lines
    assert types(account, plan.because) == [
        "plan_purchased",
        "price_overridden",
        "plan_paused",
        "plan_resumed",
        "plan_changed",
    ]
    assert (blocks.arithmetic, types(account, blocks.because)) == (
        "20.00 × 2 blocks = 40.00",
        ["addon_purchased", "blocks_changed"],
    )


def test_blocks_bought_first_and_credits_rest_on_nothing() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.give(c.StartTransactional(1), "2026-03-20")
    assert [line.because for line in story_of(account, 2).lines] == [()]
    other = GivenAccount()
    other.give(c.BuyCredits("credits_5000"), "2026-03-20")
    assert [line.because for line in story_of(other, 1).lines] == [()]
    other.give(c.BuyCredits("credits_5000"), "2026-03-21")
    [line] = story_of(other, 2).lines
    assert types(other, line.because) == ["credits_purchased"]


def test_an_invoice_that_lapsed_is_written_off() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.settle("2026-05-21", due="declined")
    found = story_of(account, 2)
    assert found.status == "uncollectible"
    assert types(account, found.payment) == ["renewal_declined", "items_lapsed", "credit_note_issued"]


def test_a_renewal_rests_on_what_the_plan_became() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.give(c.ChangePlan("essentials"), "2026-03-25")
    account.settle("2026-04-20")
    [line] = story_of(account, 2).lines
    assert line.line.product == "essentials"
    assert types(account, line.because) == ["plan_purchased", "downgrade_scheduled"]


def test_an_upgrade_rests_on_the_plan_that_it_left() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.give(c.ChangePlan("premium"), "2026-04-05")
    charge, credit = story_of(account, 2).lines
    assert (charge.rule, credit.rule) == ("R29", "R29")
    assert types(account, credit.because) == ["plan_purchased"]
    assert credit.line.amount == Decimal("-9.68")


def test_there_is_no_story_of_an_invoice_that_was_not_issued() -> None:
    account = GivenAccount()
    assert invoice_story(account.events, 1) is None
