"""An invoice's story says its discounts, taxes and account credit, and all that happened to it; a credit
note's which line and days it takes back, and where the money went."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from domain import commands as c
from domain import events as e
from domain.credit_note_story import CreditNoteStory, credit_note_story
from domain.invoice_story import InvoiceStory, invoice_story
from tests.support.domain.booking_answers import billed, charged_back, declined, with_policies
from tests.support.domain.given import GivenAccount


def story_of(account: GivenAccount, number: int) -> InvoiceStory:
    found = invoice_story(account.events, number)
    assert found is not None
    return found


def note_of(account: GivenAccount, number: int) -> CreditNoteStory:
    found = credit_note_story(account.events, number)
    assert found is not None
    return found


def types(account: GivenAccount, versions: tuple[int, ...]) -> list[str]:
    return [e.type_name(account.events[version - 1]) for version in versions]


def taxed_addon() -> GivenAccount:
    """Standard since 20 March and a custom domain since 5 April, with French VAT."""
    account = billed(taxed=True)
    account.give(c.PurchaseAddon("custom_domain"), "2026-04-05")
    return account


def test_a_line_with_a_discount_and_a_tax_is_spelled_out_and_rests_on_the_grant() -> None:
    account = with_policies(taxed=True)
    account.give(c.SetTaxProfile("FR", "business"), "2026-03-01")
    account.give(c.PurchasePlan("standard", discount="WELCOME"), "2026-03-20")
    found = story_of(account, 1)
    [line] = found.lines
    assert line.arithmetic == "20.00; − 3.00 (D1) = 17.00; tax 3.40 (FR 20%)"
    assert types(account, line.because) == ["discount_granted"]
    assert [(tax.arithmetic, tax.reason) for tax in found.taxes] == [("17.00 × 20% = 3.40", None)]
    assert types(account, found.taxes_because) == ["tax_profile_set"]
    assert types(account, found.payment) == ["payment_started", "plan_purchased"]


def test_a_tax_is_rounded_once_for_all_lines_of_an_invoice() -> None:
    account = with_policies(taxed=True)
    account.give(c.SetTaxProfile("FR", "business"), "2026-03-01")
    account.give(c.OverridePrice("custom_domain", "0.32"), "2026-03-01")
    account.give(c.OverridePrice("surveys", "0.32"), "2026-03-01")
    account.give(c.PurchaseAddon("custom_domain"), "2026-03-20")
    account.give(c.PurchaseAddon("surveys"), "2026-03-20")
    account.settle("2026-04-20")
    found = story_of(account, 3)
    assert [tax.arithmetic for tax in found.taxes] == ["0.64 × 20% = 0.13"]
    assert [line.line.tax for line in found.lines] == [Decimal("0.07"), Decimal("0.06")]


def test_where_no_tax_is_asked_the_reason_stands_in_its_place() -> None:
    account = with_policies(taxed=True)
    account.give(c.SetTaxProfile("DE", "business", vat_id="confirmed"), "2026-03-01")
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    found = story_of(account, 1)
    assert found.lines[0].arithmetic == "20.00; tax 0.00 (DE reverse_charge)"
    assert [tax.reason for tax in found.taxes] == ["reverse_charge"]


def test_a_credit_line_says_what_its_days_no_longer_bear_and_rests_on_the_credit_note() -> None:
    account = with_policies()
    account.give(c.PurchasePlan("essentials"), "2026-03-20")
    account.give(c.CreditNote(1, "goodwill", 1, "6.50"), "2026-03-25", role="finance")
    account.give(c.ChangePlan("standard"), "2026-04-05")
    credit = story_of(account, 2).lines[1]
    assert credit.arithmetic == "−13.00 × 15/31 days = -6.29; + 3.14 that its days no longer bear = -3.15"
    assert types(account, credit.because) == ["plan_purchased", "credit_note_issued"]


def test_account_credit_that_an_invoice_took_rests_on_what_made_it() -> None:
    account = billed()
    account.give(c.CreditNote(1, "goodwill", 1, "3.00", to="account"), "2026-03-21", role="finance")
    account.settle("2026-04-20")
    found = story_of(account, 2)
    assert (found.invoice.credit_taken, found.invoice.charge) == (Decimal("3.00"), Decimal("17.00"))
    assert types(account, found.credit_because) == ["credit_note_issued"]


def test_tries_reminders_and_what_lowered_the_due_amount_are_told_in_order() -> None:
    account = declined()
    account.settle("2026-04-21", due="declined")
    account.give(c.CreditNote(2, "goodwill", 1, "5.00"), "2026-04-22", role="finance")
    account.give(c.RecordPayment("7.00"), "2026-04-22", role="finance")
    assert story_of(account, 2).record.due == Decimal("8.00")
    account.give(c.StopTries(2), "2026-04-22", role="finance")
    account.give(c.PayBalance(), "2026-04-24")
    found = story_of(account, 2)
    assert types(account, found.payment) == [
        "renewal_declined",
        "payment_reminder",
        "payment_started",
        "try_declined",
        "payment_reminder",
        "credit_note_issued",
        "payment_recorded",
        "tries_stopped",
        "payment_started",
        "invoice_paid",
    ]
    assert (found.status, found.record.due) == ("paid", Decimal("0.00"))


def test_a_lost_dispute_its_write_off_and_what_came_in_later_are_told() -> None:
    account = charged_back()
    account.give(c.WriteOff(1), "2026-04-06", role="finance")
    account.give(c.RecordPayment("20.00", 1), "2026-04-07", role="finance")
    found = story_of(account, 1)
    assert types(account, found.payment) == [
        "payment_started",
        "plan_purchased",
        "dispute_lost",
        "items_lapsed",
        "invoice_written_off",
        "payment_recorded",
    ]
    assert found.status == "uncollectible"


def test_a_purchase_that_waited_for_the_customer_tells_the_wait() -> None:
    account = with_policies()
    account.give(c.PurchasePlan("standard"), "2026-03-20T10:00", payment="action_required")
    account.answer("paid")
    assert types(account, story_of(account, 1).payment) == [
        "payment_started",
        "payment_action_required",
        "plan_purchased",
    ]


def test_an_invoice_issued_anew_tells_the_old_one_and_the_refund() -> None:
    account = billed(taxed=True)
    account.give(c.SetTaxProfile("DE", "business", vat_id="confirmed"), "2026-03-21")
    account.give(c.Reissue(1), "2026-03-21", role="finance")
    old, new = story_of(account, 1), story_of(account, 2)
    assert types(account, old.payment)[2:] == ["invoice_reissued", "refund_concluded"]
    assert old.record.reissued
    assert ([line.rule for line in new.lines], new.payment) == (["R67"], ())
    assert new.lines[0].arithmetic == "20.00; tax 0.00 (DE reverse_charge)"


def test_an_invoice_issued_anew_rests_on_what_the_old_one_rested_on() -> None:
    account = with_policies(taxed=True)
    account.give(c.SetTaxProfile("FR", "business"), "2026-03-01")
    account.give(c.RecordPayment("9.00"), "2026-03-02", role="finance")
    account.give(c.PurchasePlan("standard", discount="WELCOME"), "2026-03-20")
    account.give(c.SetTaxProfile("DE", "business", vat_id="confirmed"), "2026-03-21")
    account.give(c.WithdrawDiscount("D1"), "2026-03-21", role="finance")
    account.give(c.Reissue(1), "2026-03-21", role="finance")
    old, new = story_of(account, 1), story_of(account, 2)
    assert types(account, new.credit_because) == ["payment_recorded"]
    assert new.credit_because == old.credit_because
    assert new.lines[0].because == old.lines[0].because
    assert types(account, new.lines[0].because) == ["discount_granted"]


@pytest.mark.parametrize(
    ("days", "net", "how", "arithmetic"),
    [
        ((15, 20), None, "days", "4.84 × 5/15 days = 1.61; tax 0.32 (FR 20%)"),
        (None, "2.00", "amount", "2.00 of 4.84; tax 0.40 (FR 20%)"),
        (None, None, "whole", "4.84; tax 0.97 (FR 20%)"),
    ],
)
def test_a_credit_note_says_which_part_of_the_line_it_takes_back(
    days: tuple[int, int] | None, net: str | None, how: str, arithmetic: str
) -> None:
    account = taxed_addon()
    span = (None, None) if days is None else (date(2026, 4, days[0]), date(2026, 4, days[1]))
    account.give(c.CreditNote(2, "goodwill", 1, net, *span), "2026-04-15", role="finance")
    [line] = note_of(account, 1).lines
    assert (line.how, line.arithmetic) == (how, arithmetic)


def test_the_rest_of_a_line_is_what_was_left_of_it() -> None:
    account = taxed_addon()
    first = c.CreditNote(2, "goodwill", 1, None, date(2026, 4, 15), date(2026, 4, 20))
    account.give(first, "2026-04-15", role="finance")
    account.give(c.CreditNote(2, "goodwill", 1), "2026-04-16", role="finance")
    found = note_of(account, 2)
    [line] = found.lines
    assert (line.how, line.arithmetic) == ("left", "what was left of 4.84: 3.23; tax 0.65 (FR 20%)")
    assert [tax.tax for tax in found.taxes] == [Decimal("0.65")]


def test_where_the_money_of_a_credit_note_went_is_told() -> None:
    account = taxed_addon()
    note = account.give(c.CreditNote(2, "goodwill", 1, "1.00"), "2026-04-15", role="finance")
    assert note.code is None
    found = note_of(account, 1)
    assert types(account, (found.invoiced, found.issued)) == ["addon_purchased", "credit_note_issued"]
    assert types(account, found.money) == ["refund_concluded"]


def test_what_took_the_account_credit_of_a_credit_note_is_told_until_nothing_is_left() -> None:
    account = billed()
    account.give(c.CreditNote(1, "goodwill", 1, "8.00", to="account"), "2026-03-21", role="finance")
    account.give(c.PayOut("1.00"), "2026-03-22", role="finance")
    account.give(c.PurchaseAddon("surveys"), "2026-03-22")
    account.settle("2026-05-20")
    assert types(account, note_of(account, 1).money) == ["credit_paid_out", "addon_purchased"]


def test_there_is_no_story_of_a_credit_note_that_was_not_issued() -> None:
    assert credit_note_story(billed().events, 1) is None
