"""What corrections refuse, where their money goes, what ends with them, and what an upgrade credits after
them (R59-R68, R75)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from domain import commands as c
from domain import events as e
from domain.answers import Answer
from domain.catalog import Catalogues, CatalogVersion
from domain.crediting import allocate, credits_of, left_of, present_lines, taxes_back
from domain.evolve import evolve_all
from tests.support.domain.booking_answers import PARIS, billed, charged_back, declined, with_policies
from tests.support.domain.given import GivenAccount


def correct(account: GivenAccount, command: c.Command, at: str, role: str = "finance", **more: Any) -> Answer:
    return account.give(command, at, role=role, **more)


def credit_notes(account: GivenAccount) -> list[e.CreditNoteIssued]:
    return [event for event in account.events if isinstance(event, e.CreditNoteIssued)]


def left(account: GivenAccount, number: int, place: int = 0) -> Decimal:
    return left_of(account.state.record(number), place, account.state.invoices[number].lines[place])


def of_last(account: GivenAccount, kind: type[e.Event]) -> Any:
    return next(event for event in reversed(account.events) if isinstance(event, kind))


# ---- how much (R61) ----------------------------------------------------------


@pytest.mark.parametrize("net", ["0.00", "20.01", "1.001"], ids=["nothing", "more than is left", "no cents"])
def test_an_amount_that_is_nothing_more_than_is_left_or_not_in_the_currency_is_over_credited(
    net: str,
) -> None:
    answer = correct(billed(), c.CreditNote(1, "goodwill", line=1, net=net), "2026-04-05")
    assert answer.code == "over_credited"
    assert answer.facts["invoice"] == 1


def test_all_that_is_left_can_be_taken_back_as_an_amount() -> None:
    account = billed()
    assert correct(account, c.CreditNote(1, "goodwill", line=1, net="20.00"), "2026-04-05").code is None
    assert left(account, 1) == 0
    assert correct(account, c.CreditNote(1, "goodwill", line=1), "2026-04-05").code == "over_credited"
    assert correct(account, c.CreditNote(1, "goodwill"), "2026-04-05").code == "over_credited"


def days(start: str, until: str, **more: Any) -> c.CreditNote:
    return c.CreditNote(
        1,
        "service_failure",
        line=1,
        from_date=date.fromisoformat(start),
        until=date.fromisoformat(until),
        **more,
    )


@pytest.mark.parametrize(
    ("start", "until"),
    [("2026-03-19", "2026-03-25"), ("2026-04-10", "2026-04-21"), ("2026-04-05", "2026-04-05")],
    ids=["before the line", "after the line", "none"],
)
def test_days_that_are_not_of_the_line_are_over_credited(start: str, until: str) -> None:
    assert correct(billed(), days(start, until), "2026-04-05").code == "over_credited"


def test_a_day_is_taken_back_once_and_the_last_of_them_takes_what_is_left() -> None:
    """20.00 x 10/31 = 6.45 twice; of the other 11 days what is left, 7.10."""
    account = billed()
    assert correct(account, days("2026-03-20", "2026-03-30"), "2026-04-05").code is None
    assert correct(account, days("2026-03-29", "2026-04-09"), "2026-04-05").code == "over_credited"
    assert correct(account, days("2026-03-30", "2026-04-09"), "2026-04-05").code is None
    assert correct(account, days("2026-04-09", "2026-04-20"), "2026-04-05").code is None
    assert [str(note.net) for note in credit_notes(account)] == ["6.45", "6.45", "7.10"]


def test_an_untaxed_line_has_no_tax_to_give_back() -> None:
    account = billed()
    line = account.state.invoices[1].lines[0]
    assert taxes_back(account.state.record(1), 0, line, Decimal("5.00")) == ()


# ---- where the money goes (R62, R63) ---------------------------------------------


def test_what_a_method_paid_is_given_back_by_it_once_and_the_rest_is_account_credit() -> None:
    """Renewal 20.00: 5.00 of account credit, 15.00 by card. Taken back 9.00 and 9.00: the card gets 9.00 and
    6.00, and 3.00 are account credit."""
    account = billed()
    correct(account, c.CreditNote(1, "goodwill", line=1, net="5.00", to="account"), "2026-04-05")
    account.settle("2026-04-20")
    for _ in range(2):
        correct(account, c.CreditNote(2, "goodwill", line=1, net="9.00"), "2026-04-21")
    notes = credit_notes(account)[1:]
    assert [(str(note.refund), str(note.to_account)) for note in notes] == [
        ("9.00", "0.00"),
        ("6.00", "3.00"),
    ]


def test_a_payment_that_waits_for_the_customer_keeps_the_account_credit_that_it_takes() -> None:
    account = billed()
    correct(account, c.CreditNote(1, "goodwill", line=1, net="3.88", to="account"), "2026-04-05")
    account.give(c.PurchaseAddon("custom_domain"), "2026-04-06", payment="action_required")
    refused = correct(account, c.PayOut(), "2026-04-06")
    assert refused.code == "over_credited"
    assert refused.facts["credit"] == "0.00"


def test_more_than_the_account_credit_is_not_paid_out() -> None:
    account = billed()
    correct(account, c.CreditNote(1, "goodwill", line=1, net="3.88", to="account"), "2026-04-05")
    refused = correct(account, c.PayOut("3.89"), "2026-04-06")
    assert (refused.code, refused.facts["credit"]) == ("over_credited", "3.88")
    assert correct(account, c.PayOut("3.88"), "2026-04-06").code is None
    assert account.state.standing.credit == 0


def test_a_note_that_pays_an_invoice_brings_back_all_but_what_ends_with_it() -> None:
    """20 Apr: plan 20.00 and add-on 10.00, declined; 20.00 come in; the add-on's line is taken back: paid."""
    account = billed()
    account.give(c.PurchaseAddon("custom_domain"), "2026-04-05")
    account.settle("2026-04-20", due="declined")
    correct(account, c.RecordPayment("20.00"), "2026-04-20T10:00")
    note_of_addon = c.CreditNote(3, "ended_by_us", line=2, end=True)
    assert correct(account, note_of_addon, "2026-04-20T10:00").code is None
    [note] = credit_notes(account)
    assert (str(note.lowered), note.invoice_status, note.restored) == ("10.00", "paid", ("standard",))
    assert "custom_domain" not in account.state.addons


def test_a_charged_back_invoice_of_which_a_note_takes_all_back_is_paid_also_without_its_items() -> None:
    account = charged_back()
    account.settle("2026-04-20")
    assert not account.state.plans
    correct(account, c.CreditNote(1, "goodwill"), "2026-04-21")
    assert (credit_notes(account)[-1].invoice_status, account.state.past_due) == ("paid", False)


# ---- what ends (R64) ---------------------------------------------------------------


def test_an_addon_ends_at_once_where_the_rest_of_its_days_is_taken_back() -> None:
    account = billed()
    account.give(c.PurchaseAddon("custom_domain"), "2026-04-05")
    rest = c.CreditNote(
        2, "ended_by_us", line=1, from_date=date(2026, 4, 10), until=date(2026, 4, 20), end=True
    )
    assert correct(account, rest, "2026-04-10").code is None
    ended = of_last(account, e.AddonEnded)
    assert (ended.product, ended.reason, ended.command.role) == ("custom_domain", "refunded", "finance")
    assert ended.at == credit_notes(account)[0].at


@pytest.mark.parametrize(
    ("start", "until"),
    [("2026-04-05", "2026-04-19"), ("2026-04-06", "2026-04-20")],
    ids=["not to the end", "not from today"],
)
def test_nothing_ends_where_days_are_left(start: str, until: str) -> None:
    assert correct(billed(), days(start, until, end=True), "2026-04-05").code == "not_creditable"


def test_nothing_ends_where_an_amount_is_taken_back() -> None:
    note = c.CreditNote(1, "ended_by_us", line=1, net="20.00", end=True)
    assert correct(billed(), note, "2026-04-05").code == "not_creditable"


def test_what_an_upgrade_took_back_of_a_late_invoice_is_known_after_its_payment() -> None:
    """20.00 for 20 April to 20 May, half of it credited by the upgrade of 5 May, before the payment came."""
    account = billed()
    account.settle("2026-04-20", due="pending")
    assert account.give(c.ChangePlan("premium"), "2026-05-05").code is None
    account.answer_late(2, "2026-05-06", paid=True)
    assert (account.state.record(2).status, left(account, 2)) == ("paid", Decimal("10.00"))
    assert (
        correct(account, c.CreditNote(2, "goodwill", line=1, net="10.01"), "2026-05-06").code
        == "over_credited"
    )


def test_of_a_suspended_plan_what_could_not_be_used_is_taken_back_too_though_nothing_is_due_then() -> None:
    """20.00 due since 20 April, of which 10.00 came in; 15 of 30 days are taken back, which lowers the other
    10.00. The 15 days before them could not be used either (R41a)."""
    account = declined()
    correct(account, c.RecordPayment("10.00"), "2026-04-20")
    account.settle("2026-05-05", due="declined")
    rest = c.CreditNote(2, "other", line=1, from_date=date(2026, 5, 5), until=date(2026, 5, 20), end=True)
    assert correct(account, rest, "2026-05-05", due="declined").code is None
    asked, followed = credit_notes(account)
    assert (asked.lowered, asked.to_account) == (Decimal("10.00"), Decimal("0.00"))
    assert (followed.reason, followed.total, followed.to_account) == (
        "not_supplied",
        Decimal("10.00"),
        Decimal("10.00"),
    )
    assert (account.state.plans, account.state.standing.credit) == ({}, Decimal("10.00"))


def test_a_pack_of_which_a_part_was_taken_back_does_not_end() -> None:
    account = GivenAccount()
    account.give(c.BuyCredits("credits_5000"), "2026-03-20")
    correct(account, c.CreditNote(1, "goodwill", line=1, net="1.00"), "2026-03-21")
    refused = correct(account, c.CreditNote(1, "ended_by_us", line=1, end=True), "2026-03-22")
    assert (refused.code, len(account.state.packs)) == ("not_creditable", 1)


def test_the_pack_of_the_invoice_ends_and_no_other() -> None:
    account = GivenAccount()
    account.give(c.BuyCredits("credits_5000"), "2026-03-20")
    account.give(c.BuyCredits("credits_5000"), "2026-03-22")
    correct(account, c.CreditNote(2, "ended_by_us", line=1, end=True), "2026-03-25")
    assert [pack.expires_on for pack in account.state.packs] == [date(2027, 3, 20)]
    assert of_last(account, e.CreditsReturned).command == credit_notes(account)[0].command


def test_a_pack_that_is_taken_back_leaves_the_windows_of_what_is_left() -> None:
    """Packs of 5,000 of 20, 22 and 24 March; that of the 24th is taken back: usable to 22 March 2027. A pack
    of another product does not count."""
    account = GivenAccount()
    for day in (20, 22, 24):
        account.give(c.BuyCredits("credits_5000"), f"2026-03-{day}")
    account.give(c.BuyCredits("credits_25000"), "2026-03-26")
    correct(account, c.CreditNote(3, "ended_by_us", line=1, end=True), "2026-03-27")
    assert account.state.windows["credits_5000"][-1].until == account.state.packs[1].expires_at
    for number in (1, 2):
        correct(account, c.CreditNote(number, "ended_by_us", line=1, end=True), "2026-03-28")
    assert account.state.windows["credits_5000"][-1].until == account.events[-1].at
    assert account.state.windows["credits_25000"][-1].until == account.state.packs[0].expires_at


def test_a_refund_that_failed_is_account_credit_and_still_what_the_method_paid() -> None:
    account = billed()
    correct(account, c.CreditNote(1, "goodwill", line=1, net="5.00"), "2026-04-05")
    made = account.events[-1]
    assert isinstance(made, e.RefundConcluded)
    state = evolve_all(None, [*account.events[:-1], replace(made, refunded=False)])
    assert state is not None
    assert (str(account.state.record(1).refunded), str(account.state.standing.credit)) == ("5.00", "0.00")
    assert (str(state.record(1).refunded), str(state.standing.credit)) == ("0.00", "5.00")
    assert not state.standing.refunds


# ---- who may how much (R60) ----------------------------------------------------------


def test_supports_limit_says_what_was_given_already() -> None:
    account = billed()
    note = c.CreditNote(1, "goodwill", line=1, net="3.00")
    assert correct(account, note, "2026-04-05", "support").code is None
    refused = correct(account, note, "2026-04-05", "support")
    assert refused.code == "limit_exceeded"
    assert refused.facts == {"limit": "5.00", "given": "3.00", "currency": "EUR"}


# ---- invoicing anew (R67) ----------------------------------------------------------------


def test_an_invoice_with_a_credit_line_is_not_issued_anew() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("essentials"), "2026-03-20")
    account.give(c.ChangePlan("standard"), "2026-04-05")
    assert correct(account, c.Reissue(2), "2026-04-06").code == "not_creditable"


def test_an_invoice_that_was_charged_back_is_not_issued_anew_though_it_was_paid_again() -> None:
    account = charged_back()
    account.give(c.PayBalance(), "2026-04-06")
    assert account.state.record(1).status == "paid"
    assert correct(account, c.Reissue(1), "2026-04-07").code == "not_creditable"


def test_an_invoice_is_issued_anew_without_tax_where_none_is_asked_any_more() -> None:
    account = billed(taxed=True)
    account.catalogues = Catalogues((CatalogVersion(None, account.catalogues.versions[0].catalog),))
    assert correct(account, c.Reissue(1), "2026-04-06").code is None
    new = account.state.invoices[2]
    assert (str(new.total), [line.taxes for line in new.lines]) == ("20.00", [UNSET])


# ---- writing off (R68) -----------------------------------------------------------------


def test_only_a_charged_back_invoice_that_is_open_is_written_off() -> None:
    assert correct(declined(), c.WriteOff(2), "2026-04-21").code == "not_creditable"
    account = charged_back()
    account.give(c.PayBalance(), "2026-04-06")
    assert correct(account, c.WriteOff(1), "2026-04-07").code == "not_creditable"


# ---- what an upgrade credits (R65, R75) --------------------------------------------------


def full_difference() -> GivenAccount:
    """Essentials 13.00 from 20 March, with the difference of 13.50 to its next tier from 5 April."""
    account = GivenAccount()
    catalog = account.catalogues.versions[0].catalog
    policies = replace(catalog.policies, tier_upgrade="full_difference")
    account.catalogues = Catalogues.always(replace(catalog, policies=policies))
    account.give(c.PurchasePlan("essentials"), "2026-03-20")
    account.give(c.ChangePlan("essentials", "1500"), "2026-04-05")
    return account


def test_what_was_credited_of_the_later_line_goes_to_the_earlier_one() -> None:
    """5.00 of the 13.50 are taken back. The upgrade credits 26.50 x 15/31 = 12.82 less the part credited:
    12.82 x 21.50/26.50 = 10.40; of the later line 8.50 are left, the other 1.90 are of the first."""
    account = full_difference()
    correct(account, c.CreditNote(2, "goodwill", line=1, net="5.00"), "2026-04-05")
    account.give(c.ChangePlan("premium"), "2026-04-05")
    [credit] = [line for line in account.state.invoices[3].lines if line.kind == "credit_line"]
    assert (str(credit.amount), str(credit.net)) == ("-12.82", "-10.40")
    assert (str(left(account, 2)), str(left(account, 1))) == ("0.00", "11.10")
    later, first = credits_of(account.state.record(2), 0)[-1], credits_of(account.state.record(1), 0)[-1]
    assert (later.from_date, first.from_date) == (None, date(2026, 4, 5))


def test_a_line_of_which_nothing_is_left_is_not_credited() -> None:
    account = full_difference()
    correct(account, c.CreditNote(2, "goodwill", line=1), "2026-04-05")
    [plan] = account.state.plans.values()
    [part] = allocate(account.state, present_lines(account.state, plan), Decimal("6.29"))
    assert (part.ref, part.net, part.by_days) == ((1, 0), Decimal("6.29"), True)


def test_a_difference_is_credited_without_days() -> None:
    account = full_difference()
    [plan] = account.state.plans.values()
    first, second = allocate(account.state, present_lines(account.state, plan), Decimal("14.00"))
    assert (first.ref, first.net, first.by_days) == ((2, 0), Decimal("13.50"), False)
    assert (second.ref, second.net, second.by_days) == ((1, 0), Decimal("0.50"), True)


def test_an_upgrade_credits_no_more_than_is_left_of_the_line() -> None:
    """0.33 for 30 days, 15 of them taken back: 0.165 -> 0.17; so would the other 15, but 0.16 are left."""
    account = GivenAccount()
    account.give(c.OverridePrice("essentials", "0.33", tier="500"), "2026-04-20")
    account.give(c.PurchasePlan("essentials"), "2026-04-20")
    half = c.CreditNote(1, "goodwill", line=1, from_date=date(2026, 4, 20), until=date(2026, 5, 5))
    correct(account, half, "2026-04-20")
    account.give(c.ChangePlan("standard"), "2026-04-20")
    credit = account.state.invoices[2].lines[1]
    assert (str(credit.amount), str(credit.net)) == ("-0.33", "-0.16")
    assert left(account, 1) == 0


def test_a_credit_line_that_is_worth_its_amount_has_no_discount() -> None:
    account = with_policies(taxed=True)
    account.give(PARIS, "2026-03-01")
    account.give(c.PurchasePlan("essentials"), "2026-03-20")
    account.give(c.ChangePlan("standard"), "2026-04-05")
    charge, credit = account.state.invoices[2].lines
    assert (charge.discount, credit.discount) == (UNSET, UNSET)
    assert (str(charge.tax), str(credit.tax)) == ("1.94", "-1.26")


def test_a_fixed_discount_takes_of_an_upgrade_what_the_credit_leaves_and_no_note_is_made() -> None:
    """9.68 − 6.29 = 3.39 is what goodwill of 30.00 takes: the charge's net is the credit, nothing is paid."""
    account = GivenAccount()
    account.give(c.PurchasePlan("essentials"), "2026-03-20")
    correct(account, c.GrantDiscount(fixed="30.00", carried=True), "2026-04-05")
    account.give(c.ChangePlan("standard"), "2026-04-05")
    assert [str(line.net) for line in account.state.invoices[2].lines] == ["6.29", "-6.29"]
    assert account.state.invoices[2].total == 0
    assert not credit_notes(account)
    assert str(account.state.standing.discounts[0].left) == "26.61"


def test_the_note_before_an_upgrade_names_the_line_that_it_credits() -> None:
    """20 Apr to 20 May: 13.00 x 15/30 = 6.50. What is new costs nothing, so a note takes that back."""
    account = GivenAccount()
    account.give(c.PurchasePlan("essentials"), "2026-03-20")
    account.settle("2026-04-20")
    correct(account, c.GrantDiscount(percent="100", duration="forever"), "2026-05-05")
    account.give(c.ChangePlan("standard"), "2026-05-05")
    [note] = credit_notes(account)
    assert (note.invoice, note.reason, [line.line for line in note.lines]) == (2, "upgrade", [1])
    assert [(credit.line, str(credit.net)) for credit in credits_of(account.state.record(2), 0)] == [
        (0, "6.50")
    ]


def test_an_upgrade_that_credits_two_invoices_with_other_taxes_gives_a_note_for_each() -> None:
    """Essentials 13.00 on 20 March, the difference of 13.50 on the 25th, each with 20 %. On the 26th the tax
    is another; 26.50 x 25/31 = 21.37: the later line whole, 13.50 + 2.70, and 7.87 + 1.57 of the first."""
    account = with_policies(taxed=True)
    catalog = account.catalogues.versions[0].catalog
    own = replace(catalog, policies=replace(catalog.policies, tier_upgrade="full_difference"))
    account.catalogues = replace(account.catalogues, versions=(CatalogVersion(None, own),))
    account.give(PARIS, "2026-03-01")
    account.give(c.PurchasePlan("essentials"), "2026-03-20")
    account.give(c.ChangePlan("essentials", "1500"), "2026-03-25")
    account.give(c.SetTaxProfile("DE", "business", vat_id="confirmed"), "2026-03-26")
    account.give(c.ChangePlan("premium"), "2026-03-26")
    found = [
        (
            note.number,
            note.invoice,
            str(note.net),
            str(note.tax),
            note.invoice_status,
            note.lines[0].from_date,
        )
        for note in credit_notes(account)
    ]
    assert found == [
        (1, 2, "13.50", "2.70", "paid", date(2026, 3, 25)),
        (2, 1, "7.87", "1.57", "paid", date(2026, 3, 26)),
    ]
    assert account.state.standing.next_credit_note == 3


def test_corrections_name_their_command_and_ticket() -> None:
    account = billed(taxed=True)
    account.give(c.SetTaxProfile("DE", "business", vat_id="confirmed"), "2026-03-22")
    correct(account, c.Reissue(1, ticket="T-1"), "2026-03-23")
    reissued = of_last(account, e.InvoiceReissued)
    assert (reissued.command.role, reissued.note.ticket) == ("finance", "T-1")
    lost = charged_back()
    correct(lost, c.WriteOff(1, ticket="T-2"), "2026-04-06")
    written_off = of_last(lost, e.InvoiceWrittenOff)
    assert (written_off.command.role, written_off.ticket) == ("finance", "T-2")
    assert of_last(lost, e.ItemsLapsed).command == written_off.command
    assert (str(written_off.amount), written_off.items) == ("20.00", ("standard",))
    noted = declined()
    correct(noted, c.CreditNote(1, "goodwill", line=1, net="2.00", ticket="T-3"), "2026-04-20T10:00")
    assert credit_notes(noted)[0].ticket == "T-3"


def test_account_credit_beside_a_late_payment_is_paid_out() -> None:
    account = billed()
    account.settle("2026-04-20", due="pending")
    correct(account, c.RecordPayment("12.00"), "2026-04-21")
    assert correct(account, c.PayOut("2.00", ticket="T-4"), "2026-04-21").code is None
    assert of_last(account, e.CreditPaidOut).ticket == "T-4"
    assert str(account.state.standing.credit) == "10.00"


def test_with_an_upgrades_invoice_taken_back_whole_what_its_credit_line_took_counts_no_more() -> None:
    """Essentials 13.00; upgrade 9.68 − 6.29 = 3.39, which leaves 6.71 of the 13.00. Taken back, all 13.00."""
    account = GivenAccount()
    account.give(c.PurchasePlan("essentials"), "2026-03-20")
    account.give(c.ChangePlan("standard"), "2026-04-05")
    assert str(left(account, 1)) == "6.71"
    assert correct(account, c.CreditNote(2, "goodwill"), "2026-04-06").code is None
    assert (str(credit_notes(account)[0].total), str(left(account, 1))) == ("3.39", "13.00")
    assert credits_of(account.state.record(1), 0) == ()


def test_supports_limit_counts_every_credit_note_of_the_last_thirty_days_however_many() -> None:
    account = billed()
    catalog = account.catalogues.versions[0].catalog
    limited = replace(catalog.policies, support_limit={"EUR": Decimal("10.00")})
    account.catalogues = Catalogues.always(replace(catalog, policies=limited))
    assert correct(account, c.CreditNote(1, "goodwill", 1, "7.00"), "2026-03-21", "support").code is None
    for _ in range(250):
        correct(account, c.CreditNote(1, "goodwill", 1, "0.01"), "2026-03-21", "support")
    assert account.state.standing.corrected_by_support == ((date(2026, 3, 21), Decimal("9.50")),)
    too_much = correct(account, c.CreditNote(1, "goodwill", 1, "0.51"), "2026-03-22", "support")
    assert (too_much.code, too_much.facts["given"]) == ("limit_exceeded", "9.50")
    assert correct(account, c.CreditNote(1, "goodwill", 1, "0.51"), "2026-04-20", "support").code is None
