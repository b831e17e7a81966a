"""What follows declined payments: tries, reminders, lapses, disputes (R41, R41a, R52-R58, R96, R98)."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from domain import commands as c
from domain import events as e
from domain.calendar import date_of
from domain.catalog import Catalogues, Collection
from domain.conclude import PaymentAnswer
from tests.support.domain.booking_answers import billed, charged_back, declined
from tests.support.domain.given import GivenAccount


def of(account: GivenAccount, kind: type[e.Event]) -> list[Any]:
    return [event for event in account.events if isinstance(event, kind)]


def with_collection(*days: int, remind: int = 3, clock: Literal["wall", "test"] = "test") -> GivenAccount:
    """An account with tries after so many days, that has Standard since 20 March."""
    account = GivenAccount(clock=clock)
    catalog = account.catalogues.versions[0].catalog
    policies = replace(catalog.policies, collection=Collection(days, remind))
    account.catalogues = Catalogues.always(replace(catalog, policies=policies))
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    return account


def addon_and_plan() -> GivenAccount:
    """A custom domain since 5 March on a cycle of its own, whose renewal of 5 April, a stub to the 20th, is
    declined; Standard since 20 March, invoice 2, whose payment was charged back on 10 April."""
    account = GivenAccount()
    account.give(c.PurchaseAddon("custom_domain"), "2026-03-05")
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.settle("2026-04-05", due="declined")
    account.give(c.LoseDispute(2), "2026-04-10", role="finance", due="declined")
    return account


# ---- what lapses (R41a, R58) ------------------------------------------------------


def test_on_one_date_each_open_invoice_loses_its_own_items_and_the_charged_back_one_has_no_note() -> None:
    account = addon_and_plan()
    account.settle("2026-04-20", due="declined")
    lapsed = of(account, e.ItemsLapsed)
    assert [(event.number, event.items, event.written_off) for event in lapsed] == [
        (2, ("standard",), False),
        (3, ("custom_domain",), True),
    ]
    [note] = of(account, e.CreditNoteIssued)
    assert (note.number, note.invoice, str(note.total)) == (1, 3, "4.84")  # 10.00 x 15/31


def test_what_is_removed_while_suspended_ends_on_its_own_invoice_alone() -> None:
    account = addon_and_plan()
    account.give(c.RemoveAddon("custom_domain"), "2026-04-12", due="declined")
    [lapsed] = of(account, e.ItemsLapsed)
    assert (lapsed.number, lapsed.items, lapsed.written_off) == (3, ("custom_domain",), True)
    assert lapsed.command is not None
    assert lapsed.command == of(account, e.CreditNoteIssued)[0].command
    assert account.state.plans["marketing"].unpaid_since is not None


# ---- tries (R52-R54) ----------------------------------------------------------------


def test_tries_are_in_order_whatever_the_policys_order_and_end_before_the_last_cycle_end() -> None:
    account = with_collection(30, 29, 3, 1)
    account.settle("2026-04-20", due="declined")
    assert [t.date.day for t in account.state.record(2).tries] == [21, 23, 19]


def test_a_late_try_is_the_last_whose_date_has_begun_and_is_made_once() -> None:
    account = with_collection(1, 3, 5)
    account.settle("2026-04-20", due="declined")
    account.settle("2026-04-21", due="declined")
    assert len(of(account, e.TryDeclined)) == 1


def test_a_try_says_whether_the_decline_is_final_and_whether_the_customer_was_asked_for() -> None:
    account = with_collection(1, 3)
    account.settle("2026-04-20", due="action_required")
    account.settle("2026-04-21", due="action_required")
    account.settle("2026-04-23", due="declined_final")
    first, second = of(account, e.TryDeclined)
    assert (first.final, second.final) == (UNSET, True)
    told = [(r.stage, r.authentication_required) for r in of(account, e.PaymentReminder)]
    assert told == [("declined", True), ("try_declined", True), ("try_declined", UNSET)]
    assert account.state.standing.method_refused


def test_a_reminder_names_the_next_try_and_none_of_a_method_refused_for_good() -> None:
    account = with_collection(1, 3)
    account.settle("2026-04-20", due="declined")
    account.settle("2026-04-21", due="declined_final")
    told = [(r.next_try, str(r.due)) for r in of(account, e.PaymentReminder)]
    assert told == [(date(2026, 4, 21), "20.00"), (None, "20.00")]


@pytest.mark.parametrize("answer", ["pending", "action_required"])
def test_a_try_without_an_answer_now_is_declined(answer: PaymentAnswer) -> None:
    account = with_collection(1)
    account.settle("2026-04-20", due="declined")
    account.settle("2026-04-21", due=answer)
    assert [event.final for event in of(account, e.TryDeclined)] == [UNSET]
    assert account.state.past_due


def test_a_purchase_is_never_pending_so_it_is_declined() -> None:
    account = GivenAccount()
    answer = account.give(c.PurchasePlan("standard"), "2026-03-20", payment="pending")
    assert answer.code == "payment_declined"


def dates_of_tries(account: GivenAccount) -> list[int]:
    return [event.at.day for event in of(account, e.PaymentStarted) if event.purpose == "balance_retry"]


def test_after_an_outage_only_the_last_try_is_made_and_later_ones_on_their_dates() -> None:
    """Tries of 21, 23, 25 April at midnight in Paris, 22:00 of the day before in UTC. Nothing runs from the
    20th to the 24th: that of the 21st counts as declined, that of the 23rd is made."""
    account = with_collection(1, 3, 5, clock="wall")
    account.settle("2026-04-20", due="declined")
    account.settle("2026-04-24T12:00", due="declined")
    assert dates_of_tries(account) == [22]
    assert [t.date.day for t in account.state.record(2).tries] == [25]
    account.settle("2026-04-25", due="declined")
    assert dates_of_tries(account) == [22, 24]
    assert not account.state.record(2).tries


def test_on_a_test_clock_every_try_is_made_however_far_it_moves() -> None:
    account = with_collection(1, 3, 5)
    account.settle("2026-04-20", due="declined")
    account.settle("2026-04-26", due="declined")
    assert dates_of_tries(account) == [20, 22, 24]


def test_no_try_is_made_whose_date_had_begun_when_the_invoice_was_issued() -> None:
    account = with_collection(1, 3, 5, clock="wall")
    account.settle("2026-04-24T12:00", due="declined")
    assert [t.date.day for t in account.state.record(2).tries] == [25]
    assert dates_of_tries(account) == []


def with_addon_of_its_own(*days: int, clock: Literal["wall", "test"] = "test") -> GivenAccount:
    """A policy with tries; surveys renew on the 25th and a custom domain on the 28th, as the only plan is
    paused."""
    account = with_collection(*days, clock=clock)
    account.give(c.PausePlan("marketing"), "2026-03-21")
    account.give(c.PurchaseAddon("surveys"), "2026-03-25")
    account.give(c.PurchaseAddon("custom_domain"), "2026-03-28")
    return account


def test_without_a_policy_the_one_try_for_another_items_sake_leaves_only_what_ends() -> None:
    """Surveys' renewal of 25 April is declined; on the 28th the other would renew: one try, declined."""
    account = GivenAccount()
    account.give(c.PurchaseAddon("surveys"), "2026-03-25")
    account.give(c.PurchaseAddon("custom_domain"), "2026-03-28")
    account.settle("2026-04-25", due="declined")
    account.settle("2026-04-28", due="declined")
    assert account.names(2) == ["payment_started", "items_lapsed"]
    lapsed = of(account, e.ItemsLapsed)[-1]
    assert (lapsed.number, lapsed.items) == (3, ("custom_domain",))
    final = GivenAccount()
    final.give(c.PurchaseAddon("surveys"), "2026-03-25")
    final.give(c.PurchaseAddon("custom_domain"), "2026-03-28")
    final.settle("2026-04-25", due="declined")
    final.settle("2026-04-28", due="declined_final")
    assert final.names(3) == ["payment_started", "try_declined", "items_lapsed"]
    assert not of(final, e.PaymentReminder)


def test_a_method_refused_for_good_is_not_asked_for_another_items_sake_where_there_is_a_policy() -> None:
    account = with_addon_of_its_own(1)
    account.settle("2026-04-25", due="declined_final")
    account.settle("2026-04-28", due="paid")
    assert [event.items for event in of(account, e.ItemsLapsed)] == [("custom_domain",)]
    assert dates_of_tries(account) == []


def test_with_a_policy_a_try_for_another_items_sake_is_reminded_of() -> None:
    account = with_addon_of_its_own(20)
    account.settle("2026-04-25", due="declined")
    account.settle("2026-04-28", due="declined")
    assert account.names(4) == ["payment_started", "try_declined", "items_lapsed", "payment_reminder"]


def test_late_the_balance_is_tried_once_and_other_items_end_without_a_second_try() -> None:
    """Declined on 25 April; a try on the 26th, another item on the 28th; nothing runs until the 29th."""
    account = with_addon_of_its_own(1, clock="wall")
    account.settle("2026-04-25", due="declined")
    account.settle("2026-04-29", due="declined")
    assert len(dates_of_tries(account)) == 1
    assert [event.items for event in of(account, e.ItemsLapsed)] == [("custom_domain",)]


def test_tries_that_were_recorded_are_made_and_reminded_of_though_the_policy_is_given_up() -> None:
    account = with_collection(1, 3)
    account.settle("2026-04-20", due="declined")
    account.catalogues = GivenAccount().catalogues
    account.settle("2026-04-23", due="declined")
    assert len(of(account, e.TryDeclined)) == 2
    assert [r.stage for r in of(account, e.PaymentReminder)] == ["declined", "try_declined", "try_declined"]


def test_without_a_policy_each_late_date_of_other_items_is_tried() -> None:
    account = GivenAccount(clock="wall")
    for day, product in ((25, "surveys"), (28, "custom_domain"), (29, "inbox_preview")):
        account.give(c.PurchaseAddon(product), f"2026-03-{day}")
    account.settle("2026-04-25", due="declined")
    account.settle("2026-05-01", due="declined")
    assert len(dates_of_tries(account)) == 2
    lapsed = [event.items for event in of(account, e.ItemsLapsed)]
    assert lapsed == [("custom_domain",), ("inbox_preview",)]


def test_a_wait_for_the_customer_and_a_decline_name_their_command() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20", payment="declined")
    account.give(c.PurchasePlan("standard"), "2026-03-21", payment="action_required")
    [declined_attempt] = of(account, e.PaymentDeclined)
    [waiting] = of(account, e.PaymentActionRequired)
    assert declined_attempt.command is not None
    assert waiting.command is not None
    assert (waiting.until - waiting.at).total_seconds() == 30 * 60


# ---- reminders (R55) -----------------------------------------------------------------


def test_the_reminder_before_a_lapse_counts_from_the_first_end_of_the_invoices_items() -> None:
    """Invoice of 28 February: surveys to 28 March, custom domain to 31 March; three days before the first."""
    account = GivenAccount()
    catalog = account.catalogues.versions[0].catalog
    policies = replace(catalog.policies, collection=Collection((), 3))
    account.catalogues = Catalogues.always(replace(catalog, policies=policies))
    account.give(c.PurchaseAddon("surveys"), "2026-01-28")
    account.give(c.PurchaseAddon("custom_domain"), "2026-01-31")
    account.settle("2026-02-28", due="declined")
    account.settle("2026-03-24", due="declined")
    assert [r.stage for r in of(account, e.PaymentReminder)] == ["declined"]
    account.settle("2026-03-25", due="declined")
    last = of(account, e.PaymentReminder)[-1]
    assert last.stage == "lapses_soon"
    assert [(ending.product, ending.on) for ending in last.lapses] == [
        ("surveys", date(2026, 3, 28)),
        ("custom_domain", date(2026, 3, 31)),
    ]
    account.settle("2026-03-27", due="declined")
    assert [r.stage for r in of(account, e.PaymentReminder)] == ["declined", "lapses_soon"]


# ---- what pays (R40, R56, R57, R63) ------------------------------------------------------


def test_a_payment_of_the_balance_names_its_command_and_a_try_none() -> None:
    account = declined()
    account.give(c.PayBalance(), "2026-04-20T10:00")
    [paid] = of(account, e.InvoicePaid)[-1:]
    assert paid.command is not None
    tried = declined()
    tried.settle("2026-04-21")
    [paid] = of(tried, e.InvoicePaid)[-1:]
    assert (paid.command, paid.restored) == (None, ("standard",))


def test_money_that_came_in_pays_the_oldest_invoice_first_and_what_is_left_is_account_credit() -> None:
    account = addon_and_plan()
    account.give(c.RecordPayment("21.00"), "2026-04-11", role="finance", due="declined")
    [recorded] = of(account, e.PaymentRecorded)
    assert [(share.invoice, str(share.amount)) for share in recorded.shares] == [(2, "20.00"), (3, "1.00")]
    assert (recorded.paid, recorded.restored, str(recorded.to_account)) == ((2,), ("standard",), "0.00")
    account.give(c.RecordPayment("10.00"), "2026-04-11", role="finance", due="declined")
    recorded = of(account, e.PaymentRecorded)[-1]
    assert (recorded.paid, recorded.restored) == ((3,), ("custom_domain",))
    assert (str(recorded.to_account), str(account.state.standing.credit)) == ("6.16", "6.16")


def test_one_charge_for_two_invoices_names_the_share_of_each() -> None:
    account = addon_and_plan()
    account.give(c.PayBalance(), "2026-04-11", due="declined")
    started = of(account, e.PaymentStarted)[-1]
    assert started.invoice_number == 2
    assert [share.invoice for share in started.invoices] == [2, 3]
    assert started.amount == sum(share.amount for share in started.invoices)
    assert not account.state.past_due


def test_account_credit_that_arises_pays_what_is_open_in_the_same_step() -> None:
    """5.00 of invoice 1, asked to the account, while 20.00 of invoice 2 are due."""
    account = declined()
    note = c.CreditNote(1, "goodwill", line=1, net="5.00", to="account")
    account.give(note, "2026-04-20T10:00", role="finance")
    assert account.names(2) == ["credit_note_issued", "credit_applied"]
    applied = of(account, e.CreditApplied)[0]
    assert [(share.invoice, str(share.amount)) for share in applied.shares] == [(2, "5.00")]
    assert (applied.paid, applied.restored) == ((), ())
    assert (str(account.state.amount_due), str(account.state.standing.credit)) == ("15.00", "0.00")


def test_account_credit_that_covers_all_brings_the_items_back() -> None:
    account = declined()
    note = c.CreditNote(1, "goodwill", line=1, to="account")
    account.give(note, "2026-04-20T10:00", role="finance")
    applied = of(account, e.CreditApplied)[0]
    assert (applied.paid, applied.restored) == ((2,), ("standard",))
    assert account.state.plans["marketing"].unpaid_since is None


def test_account_credit_that_arises_with_an_end_pays_what_is_open_too() -> None:
    account = GivenAccount()
    account.give(c.BuyCredits("credits_5000"), "2026-03-01")
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.settle("2026-04-20", due="declined")
    note = c.CreditNote(1, "ended_by_us", line=1, to="account", end=True)
    account.give(note, "2026-04-20T10:00", role="finance")
    assert account.names(3) == ["credit_note_issued", "credits_returned", "credit_applied"]
    assert str(account.state.standing.credit) == "130.00"


@pytest.mark.parametrize(("remind", "days"), [(30, []), (29, [date(2026, 4, 21)])])
def test_no_reminder_of_a_lapse_where_its_date_had_begun_at_the_issue(remind: int, days: list[date]) -> None:
    """20 April to 20 May: 30 days before is the renewal's own date, 29 days the 21st."""
    account = with_collection(remind=remind)
    account.settle("2026-04-20", due="declined")
    account.settle("2026-05-19", due="declined")
    told = [r for r in of(account, e.PaymentReminder) if r.stage == "lapses_soon"]
    assert [date_of(r.at, "Europe/Paris") for r in told] == days


def test_a_late_payment_is_not_paid_by_money_that_comes_in() -> None:
    account = billed()
    account.settle("2026-04-20", due="pending")
    account.give(c.RecordPayment("12.00"), "2026-04-21", role="finance")
    [recorded] = of(account, e.PaymentRecorded)
    assert (recorded.shares, str(recorded.to_account)) == ((), "12.00")
    assert str(account.state.record(2).due) == "20.00"


# ---- disputes (R58) --------------------------------------------------------------------


def test_what_ends_in_a_dispute_has_the_reason_disputed_and_what_was_cancelled_its_own() -> None:
    account = billed()
    account.give(c.PurchasePlan("websites_plus"), "2026-03-25")
    account.give(c.CancelPlan("websites"), "2026-03-26")
    account.give(c.PurchaseAddon("custom_domain"), "2026-04-05")
    account.give(c.PurchaseAddon("surveys"), "2026-04-05")
    account.give(c.RemoveAddon("surveys"), "2026-04-06")
    account.give(c.OpenDispute(1), "2026-04-07", role="finance")
    account.settle("2026-04-20")
    plans = [(event.product, event.reason) for event in of(account, e.PlanEnded)]
    assert sorted(plans) == [("standard", "disputed"), ("websites_plus", "cancelled")]
    addons = [(event.product, event.reason) for event in of(account, e.AddonEnded)]
    assert addons == [("custom_domain", "disputed"), ("surveys", "removed")]


def test_packs_of_a_charged_back_invoice_alone_are_suspended_and_come_back_when_it_is_paid() -> None:
    account = GivenAccount()
    account.give(c.BuyCredits("credits_5000"), "2026-03-20")
    account.give(c.BuyCredits("credits_5000"), "2026-03-22")
    account.give(c.LoseDispute(1), "2026-04-05", role="finance")
    unpaid = [pack.unpaid_since is not None for pack in account.state.packs]
    assert unpaid == [True, False]
    account.give(c.PayBalance(), "2026-04-06")
    assert [pack.unpaid_since for pack in account.state.packs] == [None, None]
    [window] = account.state.windows["credits_5000"]
    assert window.until == account.state.packs[1].expires_at


def test_a_charged_back_invoice_is_paid_again_and_its_item_usable_from_then() -> None:
    account = charged_back()
    account.give(c.PayBalance(), "2026-04-06")
    first, second = account.state.windows["standard"]
    assert first.until == of(account, e.DisputeLost)[0].at
    assert second.start == of(account, e.InvoicePaid)[0].at
