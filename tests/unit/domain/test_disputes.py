"""Disputes of what a method paid: how much, what is said of facts that are known, what is usable (R58)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from domain import commands as c
from domain import events as e
from domain.answers import Answer
from domain.catalog import Catalogues
from tests.support.domain.booking_answers import billed, charged_back, declined, with_policies
from tests.support.domain.given import GivenAccount


def fact(account: GivenAccount, command: c.Command, at: str) -> Answer:
    return account.give(command, at, role="finance")


def refunded_in_part(to: Any = "payment_method") -> GivenAccount:
    """Standard 20.00, of which 5.00 were taken back on 1 April."""
    account = billed()
    account.give(c.CreditNote(1, "goodwill", line=1, net="5.00", to=to), "2026-04-01", role="finance")
    return account


def test_a_dispute_is_of_what_a_method_paid_less_what_was_given_back_by_it() -> None:
    opened = refunded_in_part()
    fact(opened, c.OpenDispute(1), "2026-04-05")
    lost = refunded_in_part()
    fact(lost, c.LoseDispute(1), "2026-04-05")
    assert str(opened.events[-1].amount) == "15.00"  # type: ignore[union-attr]
    assert isinstance(lost.events[-1], e.DisputeLost)
    assert str(lost.events[-1].amount) == "15.00"
    assert str(lost.state.amount_due) == "15.00"


def test_what_went_to_account_credit_is_still_what_the_method_paid() -> None:
    account = refunded_in_part(to="account")
    fact(account, c.LoseDispute(1), "2026-04-05")
    due = next(event for event in account.events if isinstance(event, e.DisputeLost)).amount
    assert str(due) == "20.00"
    assert str(account.state.amount_due) == "15.00"  # 5.00 of account credit pay at once (R63)


def test_an_invoice_that_was_given_back_whole_or_never_paid_by_a_method_cannot_be_disputed() -> None:
    account = billed()
    account.give(c.CreditNote(1, "goodwill"), "2026-04-01", role="finance")
    for command in (c.OpenDispute(1), c.LoseDispute(1), c.WinDispute(1)):
        assert fact(account, command, "2026-04-05").code == "unknown_invoice"
    free = GivenAccount()
    free.give(c.GrantDiscount(percent="100"), "2026-03-01", role="finance")
    free.give(c.PurchasePlan("standard"), "2026-03-20")
    assert fact(free, c.LoseDispute(1), "2026-04-05").code == "unknown_invoice"


@pytest.mark.parametrize("command", [c.OpenDispute(9), c.LoseDispute(9), c.WinDispute(9)])
def test_an_invoice_that_does_not_exist_is_unknown(command: c.Command) -> None:
    assert fact(billed(), command, "2026-04-05").code == "unknown_invoice"


def test_a_dispute_that_was_never_opened_cannot_be_won() -> None:
    assert fact(billed(), c.WinDispute(1), "2026-04-05").code == "unknown_invoice"


def said(answer: Answer) -> tuple[str, object, object]:
    return answer.outcome, answer.facts["invoice"], answer.facts["dispute"]


def test_a_fact_that_is_known_changes_nothing_and_says_what_the_provider_said_last() -> None:
    account = billed()
    fact(account, c.OpenDispute(1), "2026-04-05")
    assert said(fact(account, c.OpenDispute(1), "2026-04-06")) == ("unchanged", 1, "opened")
    fact(account, c.WinDispute(1), "2026-04-07")
    assert said(fact(account, c.WinDispute(1), "2026-04-08")) == ("unchanged", 1, "won")
    assert said(fact(account, c.OpenDispute(1), "2026-04-08")) == ("unchanged", 1, "won")


def test_a_loss_is_known_for_good() -> None:
    account = charged_back()
    for command in (c.LoseDispute(1), c.WinDispute(1), c.OpenDispute(1)):
        assert said(fact(account, command, "2026-04-06")) == ("unchanged", 1, "lost")
    failed = billed()
    failed.settle("2026-04-20", due="pending")
    failed.answer_late(2, "2026-04-22", paid=False)
    assert said(fact(failed, c.LoseDispute(2), "2026-04-23")) == ("unchanged", 2, "lost")


def test_a_loss_after_an_opening_suspends_from_the_opening() -> None:
    account = billed()
    fact(account, c.OpenDispute(1), "2026-04-05")
    fact(account, c.LoseDispute(1), "2026-04-10")
    opened, lost = account.events[-2:]
    assert account.state.plans["marketing"].unpaid_since == opened.at
    assert (account.state.record(1).declined, account.state.record(1).status) == (True, "open")
    assert account.state.record(1).due_again_at == lost.at
    assert not account.state.disputed


def test_facts_of_a_dispute_name_their_command() -> None:
    account = billed()
    fact(account, c.OpenDispute(1), "2026-04-05")
    assert account.events[-1].command is not None
    fact(account, c.WinDispute(1), "2026-04-07")
    won = account.events[-1]
    assert isinstance(won, e.DisputeWon)
    assert won.command is not None


def test_with_two_disputes_open_nothing_is_usable_until_both_have_ended() -> None:
    account = billed()
    account.give(c.PurchaseAddon("custom_domain"), "2026-04-01")
    fact(account, c.OpenDispute(1), "2026-04-05")
    fact(account, c.OpenDispute(2), "2026-04-06")
    fact(account, c.WinDispute(1), "2026-04-07")
    between = account.state.disputed
    first = account.events[-3]
    assert {spans[-1].until for spans in account.state.windows.values()} == {first.at}
    fact(account, c.WinDispute(2), "2026-04-08")
    assert (between, account.state.disputed) == (True, False)
    assert {spans[-1].start for spans in account.state.windows.values()} == {account.events[-1].at}


@pytest.mark.parametrize(("number", "suspended"), [(1, ()), (2, ("standard",))])
def test_after_an_upgrade_the_plan_is_on_the_upgrades_invoice_alone(
    number: int, suspended: tuple[str, ...]
) -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("essentials"), "2026-03-20")
    account.give(c.ChangePlan("standard"), "2026-04-05")
    fact(account, c.LoseDispute(number), "2026-04-06")
    assert account.events[-1].suspended == suspended  # type: ignore[union-attr]


def test_an_item_whose_charged_days_are_over_is_not_suspended() -> None:
    account = billed()
    account.settle("2026-04-20")
    fact(account, c.LoseDispute(1), "2026-04-20")
    assert account.events[-1].suspended == ()  # type: ignore[union-attr]


def test_packs_go_on_when_the_dispute_of_another_invoice_is_won_or_lost() -> None:
    for command in (c.WinDispute(2), c.LoseDispute(2)):
        account = GivenAccount()
        account.give(c.BuyCredits("credits_5000"), "2026-03-20")
        account.give(c.PurchaseAddon("custom_domain"), "2026-03-22")
        fact(account, c.OpenDispute(2), "2026-04-05")
        fact(account, command, "2026-04-07")
        last = account.state.windows["credits_5000"][-1]
        [pack] = account.state.packs
        assert (last.start, last.until) == (account.events[-1].at, pack.expires_at)


def test_packs_of_the_lost_invoice_stay_unusable_while_others_go_on() -> None:
    account = GivenAccount()
    account.give(c.BuyCredits("credits_5000"), "2026-03-20")
    account.give(c.BuyCredits("credits_5000"), "2026-03-22")
    fact(account, c.OpenDispute(1), "2026-04-05")
    fact(account, c.LoseDispute(1), "2026-04-07")
    first, second = account.state.packs
    assert (first.unpaid_since is not None, second.unpaid_since) == (True, None)
    assert account.state.windows["credits_5000"][-1].until == second.expires_at
    alone = GivenAccount()
    alone.give(c.BuyCredits("credits_5000"), "2026-03-20")
    fact(alone, c.OpenDispute(1), "2026-04-05")
    opened = alone.events[-1].at
    fact(alone, c.LoseDispute(1), "2026-04-07")
    assert alone.state.windows["credits_5000"][-1].until == opened


def test_what_is_paid_while_another_dispute_is_open_is_usable_only_after_it() -> None:
    account = billed()
    account.give(c.PurchaseAddon("custom_domain"), "2026-04-01")
    fact(account, c.LoseDispute(1), "2026-04-05")
    fact(account, c.OpenDispute(2), "2026-04-06")
    account.give(c.PayBalance(), "2026-04-07")
    plan = account.state.plans["marketing"]
    assert plan.unpaid_since is None
    assert [str(window.until)[:10] for window in account.state.windows["standard"]] == ["2026-04-04"]
    fact(account, c.WinDispute(2), "2026-04-08")
    last = account.state.windows["standard"][-1]
    assert plan.cycle is not None
    assert (last.start, last.until) == (account.events[-1].at, plan.cycle.ends_at)


def test_a_pack_that_is_paid_while_another_dispute_is_open_is_usable_only_after_it() -> None:
    account = GivenAccount()
    account.give(c.BuyCredits("credits_5000"), "2026-03-20")
    account.give(c.PurchaseAddon("custom_domain"), "2026-03-22")
    fact(account, c.LoseDispute(1), "2026-04-05")
    lost = account.events[-1].at
    fact(account, c.OpenDispute(2), "2026-04-06")
    account.give(c.PayBalance(), "2026-04-07")
    assert account.state.packs[0].unpaid_since is None
    assert [window.until for window in account.state.windows["credits_5000"]] == [lost]


def test_packs_of_another_product_do_not_keep_the_lost_ones_usable() -> None:
    account = GivenAccount()
    account.give(c.BuyCredits("credits_5000"), "2026-03-20")
    account.give(c.BuyCredits("credits_25000"), "2026-03-21")
    fact(account, c.LoseDispute(1), "2026-04-05")
    assert account.state.windows["credits_5000"][-1].until == account.events[-1].at


def test_the_pack_of_an_invoice_that_was_issued_anew_is_of_the_new_one() -> None:
    account = with_policies(taxed=True)
    account.give(c.SetTaxProfile("FR", "business"), "2026-03-01")
    account.give(c.BuyCredits("credits_5000"), "2026-03-20")
    account.give(c.SetTaxProfile("DE", "business", vat_id="confirmed"), "2026-03-21")
    account.give(c.Reissue(1), "2026-03-22", role="finance")
    fact(account, c.LoseDispute(2), "2026-04-05")
    assert account.state.packs[0].unpaid_since == account.events[-1].at


def test_an_invoice_that_was_paid_after_all_is_not_declined_any_more() -> None:
    account = declined()
    account.give(c.RecordPayment("5.00"), "2026-04-20T10:00", role="finance")
    account.give(c.PayBalance(), "2026-04-20T11:00")
    record = account.state.record(2)
    assert (record.status, record.declined, record.suspended, record.tries) == ("paid", False, (), ())


def test_reminders_of_a_charged_back_invoice_come_only_by_a_policy() -> None:
    with_policy = charged_back()
    assert with_policy.state.record(1).remind_before == 3
    without = GivenAccount()
    catalog = without.catalogues.versions[0].catalog
    without.catalogues = Catalogues.always(
        replace(catalog, policies=replace(catalog.policies, collection=None))
    )
    without.give(c.PurchasePlan("standard"), "2026-03-20")
    fact(without, c.LoseDispute(1), "2026-04-05")
    assert without.state.record(1).remind_before is None
