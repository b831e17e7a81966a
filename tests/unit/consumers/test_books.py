"""What the second part's events mean for the books, in stories that an accountant can follow."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from msgspec.structs import replace

from consumers.finance_ledger.journal import Facts
from consumers.finance_ledger.register import day_of
from domain.events import CreditNoteIssued, CreditPaidOut, CyclesRenewed, ItemsLapsed, PaymentRecorded
from tests.support.consumers.told_books import ACCOUNT, ToldBooks, events_of, step

PLAN = step("2026-03-20", "purchase_plan", product="standard")
GERMAN_TAX = {
    "seller": "FR",
    "rates": [
        {"country": "FR", "from": "2014-01-01", "rate": "20"},
        {"country": "DE", "from": "2007-01-01", "rate": "20"},
    ],
}
BUSINESS = {"country": "DE", "kind": "business"}


def test_taxes_are_owed_to_their_jurisdiction_and_are_never_revenue() -> None:
    books = ToldBooks(
        events_of(step("2026-03-20", "set_tax_profile", **BUSINESS), PLAN, until="2026-04-01", tax=GERMAN_TAX)
    )
    assert books.earned_through("2026-04-19") == {
        "cash": "24.00",
        "revenue:standard": "-20.00",
        "tax_payable:DE": "-4.00",
    }


def test_a_discount_lowers_what_is_deferred_and_has_no_account_of_its_own() -> None:
    discounts = [{"code": "SPRING", "percent": "15", "for": "forever"}]
    books = ToldBooks(events_of({**PLAN, "discount": "SPRING"}, until="2026-03-21", discounts=discounts))
    assert books.balances() == {"cash": "17.00", "deferred_revenue": "-17.00"}


def test_an_entry_names_the_line_and_the_product_that_it_is_about() -> None:
    addon = step("2026-04-05", "purchase_addon", product="custom_domain")
    books = ToldBooks(events_of(PLAN, addon, until="2026-04-20"))
    issued = [(t.invoice, t.line, t.product) for t in books.shelf.transfers if t.kind == "issued"]
    assert issued == [
        (1, 1, "standard"),
        (2, 1, "custom_domain"),
        (3, 1, "standard"),
        (3, 2, "custom_domain"),
    ]


def test_nothing_is_booked_before_the_day_of_its_invoice() -> None:
    noon = datetime(2026, 4, 5, 12, tzinfo=UTC)
    assert day_of(noon, "Europe/Paris", None) == date(2026, 4, 5)
    assert day_of(noon, "Europe/Paris", date(2026, 4, 6)) == date(2026, 4, 6)
    assert day_of(noon, "Pacific/Kiritimati", date(2026, 4, 5)) == date(2026, 4, 6)


# ---- credit notes --------------------------------------------------------------


def credited(**fields: str | int) -> ToldBooks:
    """Plan 20.00 for 31 days, of which something is credited on 4 April, after 15 days (9.68)."""
    note = step("2026-04-04", "credit_note", invoice=1, line=1, reason="service_failure", **fields)
    return ToldBooks(events_of(PLAN, note, until="2026-04-05"))


def test_a_credit_note_takes_from_what_is_deferred_first() -> None:
    books = credited(net="5.00")
    assert books.of("credited", "refund_asked", "refunded") == [
        ("2026-04-04", "deferred_revenue", "receivable", "5.00"),
        ("2026-04-04", "receivable", "refunds", "5.00"),
        ("2026-04-04", "refunds", "cash", "5.00"),
    ]
    assert books.earned_through("2026-04-03")["revenue:standard"] == "-9.68"
    assert books.earned_through("2026-04-19") == {"cash": "15.00", "revenue:standard": "-15.00"}


def test_what_a_credit_note_takes_beyond_what_is_deferred_it_takes_from_revenue() -> None:
    books = credited(net="15.00")
    assert [entry[1:] for entry in books.of("credited")] == [
        ("deferred_revenue", "receivable", "10.32"),
        ("revenue:standard", "receivable", "4.68"),
    ]
    entries = [(t.invoice, t.line, t.product) for t in books.shelf.transfers if t.kind == "credited"]
    assert entries == [(1, 1, "standard")] * 2
    assert books.earned_through("2026-04-19") == {"cash": "5.00", "revenue:standard": "-5.00"}


def test_days_that_were_credited_earn_nothing_more_and_the_others_what_they_did() -> None:
    books = credited(**{"from": "2026-04-10", "until": "2026-04-15"})
    assert books.of("credited") == [("2026-04-04", "deferred_revenue", "receivable", "3.23")]
    assert [books.earns(f"2026-04-{day}") for day in ("10", "12", "14")] == [0, 0, 0]
    whole = ToldBooks(events_of(PLAN, until="2026-04-05"))
    assert abs(books.earns("2026-04-16") - whole.earns("2026-04-16")) <= Decimal("0.01")
    assert books.earned_through("2026-04-19") == {"cash": "16.77", "revenue:standard": "-16.77"}


def test_what_was_recognised_ahead_of_a_credit_note_is_earned_anew() -> None:
    note = step("2026-04-04", "credit_note", invoice=1, line=1, reason="service_failure", net="5.00")
    events = events_of(PLAN, note, until="2026-04-05")
    early = ToldBooks(events[:-2])
    assert early.earned_through("2026-04-19")["revenue:standard"] == "-20.00"
    early.take(events[-2:])
    assert early.of("recognised")[-1] == ("2026-04-04", "revenue:standard", "deferred_revenue", "10.32")
    assert early.earned_through("2026-04-19") == {"cash": "15.00", "revenue:standard": "-15.00"}


def test_a_credit_note_on_the_old_line_of_an_upgrade_leaves_the_days_that_its_credit_line_took() -> None:
    upgrade = step("2026-04-04", "change_plan", product="premium")
    note = step("2026-04-04", "credit_note", invoice=1, line=1, reason="goodwill")
    books = ToldBooks(events_of(PLAN, upgrade, note, until="2026-04-05"))
    assert books.of("credited") == [("2026-04-04", "revenue:standard", "receivable", "9.68")]
    assert "revenue:standard" not in books.earned_through("2026-04-19")


def test_a_refund_that_failed_is_the_customers_credit() -> None:
    note = step(
        "2026-04-04", "credit_note", invoice=1, line=1, net="5.00", reason="duplicate", refund="failed"
    )
    paid_out = step("2026-04-06", "pay_out", amount="2.00")
    books = ToldBooks(events_of(PLAN, note, paid_out, until="2026-04-07"))
    assert books.of("refund_failed", "paid_out") == [
        ("2026-04-04", "refunds", "account_credit", "5.00"),
        ("2026-04-06", "account_credit", "cash", "2.00"),
    ]
    assert books.balances()["account_credit"] == "-3.00"


def test_account_credit_pays_a_renewal_before_the_payment_method_does() -> None:
    note = step("2026-04-04", "credit_note", invoice=1, line=1, net="5.00", reason="duplicate", to="account")
    books = ToldBooks(events_of(PLAN, note, until="2026-04-20"))
    assert books.of("credited_to_account", "credit_applied") == [
        ("2026-04-04", "receivable", "account_credit", "5.00"),
        ("2026-04-20", "account_credit", "receivable", "5.00"),
    ]
    assert books.of("paid")[-1] == ("2026-04-20", "cash", "receivable", "15.00")


def test_an_upgrade_under_other_taxes_takes_back_the_old_tax_by_its_credit_note() -> None:
    books = ToldBooks(
        events_of(
            step("2026-03-20", "set_tax_profile", **BUSINESS),
            step("2026-03-20", "purchase_plan", product="essentials"),
            step("2026-04-01", "set_tax_profile", **BUSINESS, vat_id="confirmed"),
            step("2026-04-05", "change_plan", product="standard"),
            until="2026-04-06",
            tax=GERMAN_TAX,
        )
    )
    assert books.of("credited", "credited_to_account", "credit_applied") == [
        ("2026-04-05", "deferred_revenue", "receivable", "6.29"),
        ("2026-04-05", "tax_payable:DE", "receivable", "1.26"),
        ("2026-04-05", "receivable", "account_credit", "7.55"),
        ("2026-04-05", "account_credit", "receivable", "7.55"),
    ]
    assert books.earned_through("2026-04-19") == {
        "cash": "17.73",
        "revenue:essentials": "-6.71",
        "revenue:standard": "-9.68",
        "tax_payable:DE": "-1.34",
    }


def test_an_invoice_issued_anew_is_booked_on_the_day_of_its_credit_note() -> None:
    events = events_of(
        step("2026-03-20", "set_tax_profile", **BUSINESS),
        PLAN,
        step("2026-04-04", "set_tax_profile", **BUSINESS, vat_id="confirmed"),
        step("2026-04-04", "reissue", invoice=1),
        until="2026-04-05",
        tax=GERMAN_TAX,
    )
    books = ToldBooks(events)
    assert books.of("reissued", "refund_asked") == [
        ("2026-04-04", "receivable", "refunds", "4.00"),
        ("2026-04-04", "receivable", "account_credit", "20.00"),
        ("2026-04-04", "account_credit", "receivable", "20.00"),
    ]
    assert books.of("issued")[-1] == ("2026-04-04", "receivable", "deferred_revenue", "20.00")
    assert [str(line.known_on) for line in books.shelf.lines("acme/a-1", 2)] == ["2026-04-04"]
    assert books.earned_through("2026-04-19") == {"cash": "20.00", "revenue:standard": "-20.00"}


# ---- not paid ------------------------------------------------------------------


LOST = step("2026-04-04", "dispute_lost", invoice=1)
BROKE = step("2026-04-04", "payment_method", works=False)


def test_a_dispute_books_nothing_until_it_is_lost() -> None:
    opened = step("2026-04-01", "dispute_opened", invoice=1)
    won = ToldBooks(events_of(PLAN, opened, step("2026-04-04", "dispute_won", invoice=1), until="2026-04-05"))
    assert won.earned_through("2026-04-19") == {"cash": "20.00", "revenue:standard": "-20.00"}
    lost = ToldBooks(events_of(PLAN, opened, LOST, BROKE, until="2026-04-05"))
    assert lost.of("charged_back") == [("2026-04-04", "charge_backs", "cash", "20.00")]
    assert lost.earned_through("2026-04-19") == {
        "charge_backs": "20.00",
        "deferred_revenue": "-10.32",
        "revenue:standard": "-9.68",
    }


def test_a_charged_back_invoice_that_is_paid_again_earns_what_was_held_back() -> None:
    books = ToldBooks(events_of(PLAN, LOST, step("2026-04-06", "pay_balance"), until="2026-04-07"))
    assert books.of("paid")[-1] == ("2026-04-06", "cash", "charge_backs", "20.00")
    assert books.earned_through("2026-04-19") == {"cash": "20.00", "revenue:standard": "-20.00"}


def test_a_write_off_takes_what_was_not_earned_first_and_what_comes_in_later_is_recovered() -> None:
    books = ToldBooks(
        events_of(
            PLAN,
            LOST,
            BROKE,
            step("2026-04-10", "write_off", invoice=1),
            step("2026-05-02", "record_payment", amount="8.00", invoice=1),
            until="2026-05-03",
        )
    )
    assert books.of("written_off", "recovered") == [
        ("2026-04-10", "deferred_revenue", "charge_backs", "10.32"),
        ("2026-04-10", "bad_debt", "charge_backs", "9.68"),
        ("2026-05-02", "cash", "recovered", "8.00"),
    ]
    assert books.earned_through("2026-05-19") == {
        "bad_debt": "9.68",
        "cash": "8.00",
        "recovered": "-8.00",
        "revenue:standard": "-9.68",
    }


def test_money_that_came_in_another_way_pays_what_is_due_and_the_rest_is_account_credit() -> None:
    books = ToldBooks(
        events_of(
            PLAN,
            BROKE,
            step("2026-04-22", "record_payment", amount="12.00"),
            step("2026-04-23", "record_payment", amount="11.00"),
            until="2026-04-24",
        )
    )
    assert books.of("paid", "overpaid")[1:] == [
        ("2026-04-22", "cash", "receivable", "12.00"),
        ("2026-04-23", "cash", "receivable", "8.00"),
        ("2026-04-23", "cash", "account_credit", "3.00"),
    ]


def test_a_late_payment_that_failed_is_doubtful_and_earns_no_more_from_then_on() -> None:
    books = ToldBooks(
        events_of(
            PLAN,
            step("2026-04-01", "payment_method", works=True, pending=True),
            step("2026-04-25", "payment_answer", invoice=2, answer="declined"),
            until="2026-04-26",
        )
    )
    assert books.of("late_failed") == [("2026-04-25", "charge_backs", "receivable", "20.00")]
    assert books.earned_through("2026-05-19") == {
        "cash": "20.00",
        "charge_backs": "20.00",
        "deferred_revenue": "-16.67",
        "revenue:standard": "-23.33",
    }


# ---- lapses --------------------------------------------------------------------


def test_what_lapsed_items_could_not_be_used_for_is_taken_back_and_is_no_bad_debt() -> None:
    books = ToldBooks(events_of(PLAN, BROKE, until="2026-05-20"))
    assert books.of("written_off") == []
    assert books.of("credited") == [("2026-05-20", "deferred_revenue", "receivable", "20.00")]
    assert books.earned_through("2026-05-20") == {"cash": "20.00", "revenue:standard": "-20.00"}


def test_a_lapse_and_its_credit_note_in_two_batches_come_to_the_same_balances() -> None:
    events = events_of(PLAN, BROKE, until="2026-05-20")
    apart, together = ToldBooks(events, together=False), ToldBooks(events)
    assert apart.of("written_off") == [
        ("2026-05-20", "deferred_revenue", "receivable", "20.00"),
        ("2026-05-20", "receivable", "deferred_revenue", "20.00"),
    ]
    assert apart.earned_through("2026-05-20") == together.earned_through("2026-05-20")
    assert apart.shelf.accounts == together.shelf.accounts
    assert apart.shelf.invoices == together.shelf.invoices


def test_in_a_log_of_before_r41a_a_lapse_is_a_write_off() -> None:
    events = [e for e in events_of(PLAN, BROKE, until="2026-05-20") if not isinstance(e, CreditNoteIssued)]
    assert isinstance(events[-1], ItemsLapsed)
    books = ToldBooks(events)
    assert books.of("written_off") == [("2026-05-20", "deferred_revenue", "receivable", "20.00")]
    assert [(t.line, t.product) for t in books.shelf.transfers][-1] == (1, "standard")
    assert books.earned_through("2026-05-20") == {"cash": "20.00", "revenue:standard": "-20.00"}


def test_an_open_invoice_that_is_taken_back_whole_is_paid_and_earns_nothing() -> None:
    note = step("2026-04-22", "credit_note", invoice=2, reason="goodwill")
    books = ToldBooks(events_of(PLAN, BROKE, note, until="2026-04-23"))
    booked = books.shelf.invoice(ACCOUNT, 2)
    assert (booked.status, booked.due, booked.held_from) == ("paid", Decimal("0.00"), None)
    assert books.earned_through("2026-05-19") == {"cash": "20.00", "revenue:standard": "-20.00"}


def test_what_was_held_back_of_an_invoice_is_held_no_more_once_it_is_paid() -> None:
    books = ToldBooks(events_of(PLAN, LOST, step("2026-04-06", "pay_balance"), until="2026-04-07"))
    assert books.shelf.invoice(ACCOUNT, 1).held_from is None
    assert [line.held_from for line in books.shelf.lines(ACCOUNT, 1)] == [None]


# ---- what an entry names ---------------------------------------------------------


def test_the_books_of_an_account_that_was_just_opened_know_nothing() -> None:
    books = ToldBooks(events_of(until="2026-03-20"))
    [account] = books.shelf.accounts.values()
    assert account.facts == Facts(*[Decimal(0)] * len(Facts.__dataclass_fields__))
    assert books.shelf.transfers == []


def test_an_account_whose_currency_nobody_knows_has_to_be_replayed() -> None:
    books = ToldBooks(events_of(until="2026-03-20"))
    books.shelf.accounts[ACCOUNT].currency = None
    [paid_out] = [
        event
        for event in events_of(
            step("2026-03-20", "record_payment", amount="5.00"),
            step("2026-03-21", "pay_out"),
            until="2026-03-22",
        )
        if isinstance(event, CreditPaidOut)
    ]
    with pytest.raises(ValueError, match="currency"):
        books.take([paid_out])


def test_money_for_an_invoice_is_booked_on_no_day_before_it_whatever_the_zone_was_then() -> None:
    """Zone data may have changed since: an invoice's date is what its event says."""
    events = list(events_of(PLAN, until="2026-04-21"))
    renewed, paid = events[-2:]
    assert isinstance(renewed, CyclesRenewed)
    moved = replace(renewed, invoice=replace(renewed.invoice, date=date(2026, 4, 21)))
    assert ToldBooks([*events[:-2], moved, paid]).of("paid")[-1][0] == "2026-04-21"


def test_a_write_off_takes_of_each_line_its_share_of_what_is_given_up() -> None:
    books = ToldBooks(
        events_of(
            PLAN,
            step("2026-03-20", "purchase_addon", product="custom_domain"),
            step("2026-04-25", "dispute_lost", invoice=3),
            step("2026-04-26", "record_payment", amount="20.00"),
            step("2026-04-27", "write_off", invoice=3),
            until="2026-04-28",
        )
    )
    entries = [
        (t.invoice, t.line, t.product, str(t.amount))
        for t in books.shelf.transfers
        if t.kind == "written_off"
    ]
    assert entries == [
        (3, 1, "standard", "6.67"),
        (3, 2, "custom_domain", "3.33"),
    ]


def test_before_r41a_more_was_deferred_than_was_due_and_only_that_was_given_up() -> None:
    events = [e for e in events_of(PLAN, BROKE, until="2026-05-20") if not isinstance(e, CreditNoteIssued)]
    partly = step("2026-04-22", "record_payment", amount="12.00")
    told = [e for e in events_of(PLAN, BROKE, partly, until="2026-04-23") if isinstance(e, PaymentRecorded)]
    books = ToldBooks([*events[:-1], *told, events[-1]])
    assert books.of("written_off") == [("2026-05-20", "bad_debt", "receivable", "8.00")]


def test_of_a_line_below_one_its_own_credit_lines_alone_count_when_it_is_taken_back() -> None:
    tiny = step("2026-03-20", "reprice", product="standard", tier="500", price="0.62")
    core = step("2026-03-20", "purchase_plan", product="websites_core")
    books = ToldBooks(
        events_of(
            tiny,
            PLAN,
            core,
            step("2026-04-04", "change_plan", product="premium"),
            step("2026-04-04", "credit_note", invoice=2, line=1, reason="goodwill", net="10.00"),
            step("2026-04-04", "credit_note", invoice=1, line=1, reason="goodwill"),
            until="2026-04-05",
        )
    )
    assert books.of("credited") == [
        ("2026-04-04", "deferred_revenue", "receivable", "5.16"),
        ("2026-04-04", "revenue:websites_core", "receivable", "4.84"),
        ("2026-04-04", "revenue:standard", "receivable", "0.30"),
    ]


def test_what_was_bought_for_one_day_is_earned_on_that_day() -> None:
    books = ToldBooks(
        events_of(PLAN, step("2026-04-19", "purchase_addon", product="custom_domain"), until="2026-04-19")
    )
    assert books.earned_through("2026-04-19")["revenue:custom_domain"] == "-0.32"
