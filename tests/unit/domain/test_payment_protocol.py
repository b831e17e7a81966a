"""A payment sits between two decisions (R16): the intent is recorded first, and its answer says what
follows, for each purpose of a payment and each answer."""

from __future__ import annotations

import pytest

from domain import commands as c
from domain import events as e
from domain.answers import Answer
from domain.catalog import Catalogues
from domain.conclude import conclude
from domain.settle import settle
from domain.views import account_summary, entitlements
from tests.support.domain.given import GivenAccount


def _with_addon_due() -> GivenAccount:
    """An add-on whose renewal of 5 February waits for the answer to its payment."""
    account = GivenAccount()
    account.give(c.PurchaseAddon("custom_domain"), "2026-01-05")
    account.settle("2026-02-06", due=None)
    return account


def _past_due() -> GivenAccount:
    account = _with_addon_due()
    account.answer("declined")
    return account


def _status(account: GivenAccount, product: str) -> str:
    return entitlements(account.state)[product].status


# ---- purchase ------------------------------------------------------------


def _buying() -> GivenAccount:
    account = GivenAccount()
    account.give_raw(account.request(c.PurchasePlan("standard"), "2026-03-20T10:00", id="k"), payment=None)
    return account


def test_a_purchase_first_records_its_intent_and_activates_nothing() -> None:
    account = _buying()
    intent = account.events[-1]
    assert isinstance(intent, e.PaymentStarted)
    assert (intent.purpose, str(intent.amount)) == ("purchase", "20.00")
    assert isinstance(intent.if_paid, e.PlanPurchased)
    assert (account.state.plans, account.state.anchor, account.state.windows) == ({}, None, {})
    assert account.state.payment is not None
    assert account.state.payment.intent == account.state.version


def test_a_paid_purchase_is_what_its_intent_said() -> None:
    account = _buying()
    intent = account.events[-1]
    assert isinstance(intent, e.PaymentStarted)
    assert account.answer("paid") == (intent.if_paid,)
    assert account.state.payment is None
    assert _status(account, "standard") == "active"


def test_a_declined_purchase_changes_nothing_but_the_record_of_the_attempt() -> None:
    account = _buying()
    account.answer("declined")
    assert account.names(1) == ["payment_declined"]
    assert (account.state.plans, account.state.next_invoice, account.state.payment) == ({}, 1, None)
    assert len(account.state.declines) == 1
    assert "k" in account.state.commands


def test_a_cancelled_purchase_was_never_made_and_frees_its_key() -> None:
    account = _buying()
    account.answer("cancelled")
    assert (account.state.plans, account.state.declines, account.state.payment) == ({}, (), None)
    assert "k" not in account.state.commands
    assert account.give(c.PurchasePlan("premium"), "2026-03-21", id="k").outcome == "accepted"


# ---- renewal -------------------------------------------------------------


def test_an_issued_renewal_invoice_is_open_and_its_items_usable_until_the_answer() -> None:
    account = _with_addon_due()
    assert account.names(1) == ["cycles_renewed"]
    assert account.state.open_invoices
    assert account_summary(account.state).status == "good"
    assert _status(account, "custom_domain") == "active"


def test_a_paid_renewal_goes_on() -> None:
    account = _with_addon_due()
    account.answer("paid")
    assert account.names(1) == ["invoice_paid"]
    assert (account.state.open_invoices, _status(account, "custom_domain")) == ((), "active")


def test_a_declined_renewal_suspends_its_items_from_the_renewal_date() -> None:
    account = _past_due()
    assert account.names(1) == ["renewal_declined"]
    entitlement = entitlements(account.state)["custom_domain"]
    assert (entitlement.status, account_summary(account.state).status) == ("suspended", "past_due")
    assert entitlement.access_until == account.request(c.CloseAccount(), "2026-02-05").at


def test_a_cancelled_renewal_is_attempted_anew_with_an_intent_of_its_own() -> None:
    account = _with_addon_due()
    issued = account.state.version
    account.answer("cancelled")
    account.settle("2026-02-06", due=None)
    assert account.names(2) == ["payment_cancelled", "payment_started"]
    payment = account.state.payment
    assert payment is not None
    assert (payment.purpose, payment.invoice_number, payment.intent) == ("renewal", 2, issued + 2)
    account.answer("paid")
    assert _status(account, "custom_domain") == "active"


def test_a_cancelled_renewal_can_still_be_declined_and_suspends_from_the_renewal_date() -> None:
    account = _with_addon_due()
    account.answer("cancelled")
    account.settle("2026-02-20", due="declined")
    entitlement = entitlements(account.state)["custom_domain"]
    assert entitlement.access_until == account.request(c.CloseAccount(), "2026-02-05").at


# ---- balance -------------------------------------------------------------


def _paying() -> GivenAccount:
    account = _past_due()
    account.give_raw(account.request(c.PayBalance(), "2026-02-10T10:00", id="k"), payment=None)
    return account


def test_the_balance_first_records_its_intent() -> None:
    account = _paying()
    intent = account.events[-1]
    assert isinstance(intent, e.PaymentStarted)
    assert (intent.purpose, intent.invoice_number, str(intent.amount)) == ("balance", 2, "10.00")
    assert _status(account, "custom_domain") == "suspended"


def test_a_paid_balance_restores_what_was_suspended_from_the_instant_of_the_intent() -> None:
    account = _paying()
    account.answer("paid")
    spans = account.state.windows["custom_domain"]
    assert spans[-1].start == account.request(c.CloseAccount(), "2026-02-10T10:00").at
    assert (_status(account, "custom_domain"), account_summary(account.state).status) == ("active", "good")


def test_a_declined_balance_is_an_attempt_and_leaves_the_account_past_due() -> None:
    account = _paying()
    account.answer("declined")
    assert (len(account.state.declines), account_summary(account.state).status) == (1, "past_due")


def test_a_cancelled_balance_is_no_attempt_and_frees_its_key() -> None:
    account = _paying()
    account.answer("cancelled")
    assert (account.state.declines, account_summary(account.state).status) == ((), "past_due")
    assert account.give(c.PayBalance(), "2026-02-11", id="k").outcome == "accepted"


# ---- balance_retry (R41) -------------------------------------------------


def _retrying() -> GivenAccount:
    """Past due since 10 February; on the 25th another add-on's cycle ends."""
    account = GivenAccount()
    account.give(c.PurchaseAddon("custom_domain"), "2026-01-10")
    account.give(c.PurchaseAddon("surveys"), "2026-01-25")
    account.settle("2026-02-11", due="declined")
    account.settle("2026-02-25", due=None)
    return account


def test_before_another_item_would_lapse_the_balance_is_tried_once() -> None:
    intent = _retrying().events[-1]
    assert isinstance(intent, e.PaymentStarted)
    assert (intent.purpose, intent.invoice_number, intent.items) == ("balance_retry", 3, ("surveys",))
    assert intent.command is None


def test_paid_the_date_goes_on_as_any_other() -> None:
    account = _retrying()
    account.answer("paid")
    account.settle("2026-02-25")
    assert account.names(3) == ["invoice_paid", "cycles_renewed", "invoice_paid"]
    assert (_status(account, "custom_domain"), _status(account, "surveys")) == ("active", "active")


def test_declined_the_other_items_end_unpaid_and_it_is_no_attempt() -> None:
    account = _retrying()
    account.answer("declined")
    assert (_status(account, "custom_domain"), _status(account, "surveys")) == ("suspended", "ended")
    assert account.state.declines == ()
    account.settle("2026-02-25", due=None)
    assert account.state.payment is None


def test_cancelled_the_balance_is_tried_anew() -> None:
    account = _retrying()
    account.answer("cancelled")
    account.settle("2026-02-25", due=None)
    intent = account.events[-1]
    assert isinstance(intent, e.PaymentStarted)
    assert (intent.purpose, intent.items) == ("balance_retry", ("surveys",))


# ---- scheduled_resume (R36) ----------------------------------------------


def _resuming() -> GivenAccount:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    day = account.request(c.CloseAccount(), "2026-05-01T12:00").at.date()
    account.give(c.PausePlan("marketing", day), "2026-04-01")
    account.settle("2026-05-02", due=None)
    return account


def test_a_scheduled_resume_after_the_paid_cycle_first_records_its_intent() -> None:
    account = _resuming()
    intent = account.events[-1]
    assert isinstance(intent, e.PaymentStarted)
    assert (intent.purpose, str(intent.amount)) == ("scheduled_resume", "20.00")
    assert _status(account, "standard") == "paused"


def test_paid_the_plan_resumes_on_that_date() -> None:
    account = _resuming()
    account.answer("paid")
    assert _status(account, "standard") == "active"
    assert str(account.state.anchor) == "2026-05-01"


def test_declined_the_plan_stays_paused_without_another_try_and_it_is_no_attempt() -> None:
    account = _resuming()
    account.answer("declined")
    account.settle("2026-06-30", due=None)
    dropped = account.events[-1]
    assert isinstance(dropped, e.ResumeDropped)
    assert (dropped.product, dropped.reason) == ("standard", "payment_declined")
    plan = account.state.plans["marketing"]
    assert (plan.resume_on, plan.resume_at) == (None, None)
    assert (_status(account, "standard"), account.state.declines) == ("paused", ())
    assert account.state.next_invoice == 2


def test_cancelled_the_resume_is_attempted_anew() -> None:
    account = _resuming()
    account.answer("cancelled")
    account.settle("2026-05-02")
    assert account.names(2) == ["payment_started", "plan_resumed"]
    assert str(account.state.anchor) == "2026-05-01"


# ---- while the answer is not known ---------------------------------------


def test_while_a_payment_has_no_answer_every_command_is_refused_for_now() -> None:
    account = _buying()
    request = account.request(c.CloseAccount(), "2026-03-20T11:00", id="other", role="viewer")
    answer = account.give_raw(request)
    assert isinstance(answer, Answer)
    assert answer.code == "payment_in_progress"
    assert account.give(c.PurchasePlan("standard"), "2026-03-20T11:00", id="k").code == "payment_in_progress"
    reused = account.give(c.PurchasePlan("premium"), "2026-03-20T11:00", id="k")
    assert reused.code == "command_id_reused"


def test_while_a_payment_has_no_answer_nothing_is_settled() -> None:
    account = _buying()
    with pytest.raises(ValueError, match="no answer yet"):
        settle(account.state, account.state.last_at, account.catalogues)


def test_an_answer_without_a_payment_is_refused() -> None:
    with pytest.raises(ValueError, match="waits for an answer"):
        conclude(GivenAccount().state, "paid", Catalogues(()))


def test_all_goes_on_from_the_instant_of_the_intent_however_late_the_answer() -> None:
    account = _buying()
    account.answer("paid")
    account.settle("2026-06-01")
    assert [str(event.invoice.date) for event in account.events if isinstance(event, e.CyclesRenewed)] == [
        "2026-04-20",
        "2026-05-20",
    ]


def test_what_costs_nothing_needs_no_intent() -> None:
    account = GivenAccount()
    account.give(c.PurchaseAddon("custom_domain"), "2026-01-05")
    account.give(c.OverridePrice("custom_domain", "0.00"), "2026-01-06")
    account.settle("2026-02-05", due="declined")
    assert account.names(1) == ["cycles_renewed"]
    assert account.state.payment is None
    assert account_summary(account.state).status == "good"
