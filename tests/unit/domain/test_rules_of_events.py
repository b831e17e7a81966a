"""Every event and every charged line says the rule that it follows (docs/RULES.md)."""

from __future__ import annotations

from datetime import date

from domain import commands as c
from domain import events as e
from domain.evolve import evolve_all
from domain.explain import rule_of_event, rule_of_line
from domain.state import Account
from tests.support.domain.given import GivenAccount


def _told(account: GivenAccount) -> list[tuple[str, str, list[str]]]:
    """Of each event but intents its type, its rule, and the rules of its lines."""
    told = []
    state: Account | None = None
    for event in account.events:
        invoice = getattr(event, "invoice", None)
        issued = invoice.lines if isinstance(invoice, e.Invoice) else ()
        lines = [rule_of_line(event, line, state) for line in issued]
        if not isinstance(event, e.PaymentStarted):
            told.append((e.type_name(event), rule_of_event(event), lines))
        state = evolve_all(state, [event])
    assert {rule_of_event(event) for event in account.events if isinstance(event, e.PaymentStarted)} == {
        "R16"
    }
    return told


def test_a_life_with_two_plans_and_add_ons() -> None:
    account = GivenAccount()
    for command, at in (
        (c.OverridePrice("surveys", "8.00"), "2026-03-01"),
        (c.PurchaseAddon("custom_domain"), "2026-03-10"),
        (c.PurchasePlan("standard"), "2026-03-20"),
        (c.PurchasePlan("websites_core"), "2026-03-25"),
        (c.PurchaseAddon("surveys"), "2026-04-05"),
        (c.PurchaseAddon("extra_seats"), "2026-04-20"),
        (c.ChangePlan("standard", "2500"), "2026-04-22"),
        (c.ChangePlan("premium"), "2026-04-22"),
        (c.ChangePlan("standard"), "2026-04-22"),
        (c.Undo("premium"), "2026-04-22"),
        (c.RemoveAddon("surveys"), "2026-04-22"),
        (c.Undo("surveys"), "2026-04-22"),
        (c.RemoveAddon("surveys"), "2026-04-22"),
        (c.CancelPlan("marketing"), "2026-04-22"),
        (c.Undo("premium"), "2026-04-22"),
        (c.CancelPlan("marketing"), "2026-05-02"),
    ):
        assert account.give(command, at).code is None
    account.settle("2026-05-20")
    assert _told(account) == [
        ("account_opened", "R3", []),
        ("price_overridden", "R8", []),
        ("addon_purchased", "R13", ["R13"]),
        ("plan_purchased", "R10", ["R10"]),
        ("plan_purchased", "R11", ["R11"]),
        ("addon_purchased", "R12", ["R12"]),
        ("cycles_renewed", "R23, R24", ["R23 stub"]),
        ("invoice_paid", "R24", []),
        ("cycles_renewed", "R23, R24", ["R23", "R23", "R23", "R23"]),
        ("invoice_paid", "R24", []),
        ("addon_purchased", "R12", ["R14"]),
        ("plan_changed", "R29", ["R29 full difference"]),
        ("plan_changed", "R29", ["R29", "R29"]),
        ("downgrade_scheduled", "R29", []),
        ("downgrade_withdrawn", "R29", []),
        ("addon_removed", "R26", []),
        ("addon_removal_withdrawn", "R27", []),
        ("addon_removed", "R26", []),
        ("plan_cancelled", "R28", []),
        ("plan_cancellation_withdrawn", "R27", []),
        ("plan_cancelled", "R28", []),
        ("plan_ended", "R28", []),
        ("addon_ended", "R26", []),
        ("addon_ended", "R28", []),
        ("cycles_renewed", "R23, R24", ["R23", "R23"]),
        ("invoice_paid", "R24", []),
    ]


def test_a_life_with_blocks_pauses_and_plans_bought_on_the_renewal_date() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.give(c.StartTransactional(1), "2026-03-20")
    account.give(c.TopUpTransactional(1), "2026-03-20")
    account.give(c.ChangeTransactional(2), "2026-03-20")
    account.give(c.PurchasePlan("websites_core"), "2026-04-20")
    account.give(c.CancelPlan("websites"), "2026-04-20")
    account.give(c.StopTransactional(), "2026-04-20")
    account.give(c.PausePlan("marketing", date(2026, 4, 22)), "2026-04-21")
    account.give(c.PausePlan("marketing"), "2026-04-23")
    account.give(c.ResumePlan("marketing"), "2026-05-25")
    assert _told(account)[1:] == [
        ("plan_purchased", "R10", ["R10"]),
        ("addon_purchased", "R20", ["R20"]),
        ("blocks_topped_up", "R20", ["R20"]),
        ("blocks_changed", "R20", []),
        ("cycles_renewed", "R23, R24", ["R23", "R20"]),
        ("invoice_paid", "R24", []),
        ("plan_purchased", "R11", ["R14"]),
        ("plan_cancelled", "R28", []),
        ("addon_removed", "R26", []),
        ("plan_paused", "R31, R32", []),
        ("plan_resumed", "R36", []),
        ("plan_paused", "R31, R32", []),
        ("plan_ended", "R28", []),
        ("addon_ended", "R26", []),
        ("plan_resumed", "R34", ["R34"]),
    ]


def test_a_life_without_the_means_to_pay() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("free"), "2026-03-01")
    account.give(c.BuyCredits("credits_5000"), "2026-03-01")
    account.give(c.PurchaseAddon("surveys"), "2026-03-01", payment="declined")
    account.give(c.PurchaseAddon("surveys"), "2026-03-01", payment="cancelled")
    account.give(c.PurchaseAddon("surveys"), "2026-03-01")
    account.settle("2026-04-01", due="declined")
    account.give(c.PayBalance(), "2026-04-02")
    account.settle("2026-05-01", due="declined")
    account.settle("2027-03-01")
    account.give(c.CloseAccount(), "2027-03-02")
    assert _told(account)[1:] == [
        ("free_plan_started", "R22", []),
        ("credits_purchased", "R21", ["R21"]),
        ("payment_declined", "R16", []),
        ("payment_cancelled", "R16", []),
        ("addon_purchased", "R13", ["R13"]),
        ("cycles_renewed", "R23, R24", ["R23"]),
        ("renewal_declined", "R38", []),
        ("invoice_paid", "R40", []),
        ("cycles_renewed", "R23, R24", ["R23"]),
        ("renewal_declined", "R38", []),
        ("items_lapsed", "R41", []),
        ("credit_note_issued", "R41a", []),
        ("credits_expired", "R21", []),
        ("account_closed", "R42", []),
    ]


def test_a_scheduled_resume_that_is_dropped_and_one_inside_the_paid_cycle() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.give(c.PausePlan("marketing"), "2026-03-21")
    account.give(c.ResumePlan("marketing"), "2026-03-22")
    account.give(c.PausePlan("marketing", date(2026, 5, 1)), "2026-04-01")
    account.settle("2026-05-01", due="declined")
    assert _told(account)[3:] == [
        ("plan_resumed", "R35", []),
        ("plan_paused", "R31, R32", []),
        ("resume_dropped", "R36", []),
    ]


def test_without_the_state_before_a_first_charge_is_told_by_its_anchor() -> None:
    account = GivenAccount()
    account.give(c.PurchaseAddon("custom_domain"), "2026-03-10")
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.give(c.PurchaseAddon("surveys"), "2026-04-05")
    account.give(c.PurchaseAddon("extra_seats"), "2026-04-20")
    account.give(c.PurchasePlan("websites_core"), "2026-05-20")
    told = [
        rule_of_line(event, event.invoice.lines[0])
        for event in account.events
        if isinstance(event, e.AddonPurchased | e.PlanPurchased)
    ]
    assert told == ["R13", "R10", "R12", "R14", "R14"]
