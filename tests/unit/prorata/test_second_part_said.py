"""Events of the second part of the rules say the amounts, dates and invoices that they are about."""

from __future__ import annotations

from datetime import date

import pytest

from domain import commands as c
from domain import events as e
from prorata.wording import Wording, answer_said, event_said, event_said_in_full
from tests.support.domain.booking_answers import billed, declined, with_policies

ENGLISH, FRENCH = Wording("en"), Wording("fr")
FINANCE = "finance"


def said_of(event: e.Event, say: Wording = ENGLISH) -> str:
    return event_said(event, "EUR", say)


def test_a_credit_note_says_its_reason_and_where_the_money_goes() -> None:
    account = billed()
    answer = account.give(c.CreditNote(1, "service_failure", 1, "3.00"), "2026-03-21", role=FINANCE)
    note = next(event for event in account.events if isinstance(event, e.CreditNoteIssued))
    assert said_of(note) == (
        "Credit note C1 takes back €3.00 of invoice 1 (a failure of the service). "
        "€3.00 go back to the payment method."
    )
    assert said_of(note, FRENCH) == (
        "L’avoir C1 reprend 3,00\xa0€ de la facture 1 (défaut du service). "
        "3,00\xa0€ retournent au moyen de paiement."
    )
    assert answer_said(answer, ENGLISH) == (
        "Credit note C1 takes back €3.00 of invoice 1. €3.00 go back to the payment method."
    )


def test_a_reminder_says_the_next_try_and_what_ends_when() -> None:
    [reminder] = [event for event in declined().events if isinstance(event, e.PaymentReminder)]
    assert said_of(reminder) == (
        "Reminder: the payment of invoice 2 was declined; €20.00 are due. The next try is on 21 Apr 2026. "
        "What ends unpaid, and when: standard (20 May 2026)."
    )


def test_money_that_came_in_another_way_says_what_it_paid_and_what_is_usable_again() -> None:
    account = declined()
    account.give(c.RecordPayment("22.00"), "2026-04-20", role=FINANCE)
    assert said_of(account.events[-1]) == (
        "€22.00 came in another way. It paid €20.00 of invoice 2. €2.00 are account credit. "
        "Usable again: standard."
    )


@pytest.mark.parametrize(
    ("grant", "terms"),
    [
        (c.GrantDiscount(percent="12.50", duration=3), "12.5% for 3 months"),
        (c.GrantDiscount(percent="10", duration=1, products=("surveys",)), "10% for 1 month, on surveys"),
        (c.GrantDiscount(fixed="5.00"), "€5.00 once"),
        (
            c.GrantDiscount(fixed="5.00", carried=True),
            "€5.00 carried until used up, to 19 Mar 2027 inclusive",
        ),
        (
            c.GrantDiscount(nonprofit=True, last_day=date(2026, 12, 31)),
            "15% for ever, to 31 Dec 2026 inclusive, as a nonprofit",
        ),
    ],
)
def test_a_discount_is_said_with_its_terms(grant: c.GrantDiscount, terms: str) -> None:
    account = with_policies()
    answer = account.give(grant, "2026-03-20", role=FINANCE)
    assert answer_said(answer, ENGLISH) == f"Discount D1 is granted: {terms}."
    assert said_of(account.events[-1]) == f"Discount D1 was granted: {terms}."


def test_a_purchase_with_a_free_month_says_until_when_it_is_free() -> None:
    account = with_policies()
    answer = account.give(c.PurchasePlan("standard", discount="TRIAL"), "2026-04-05")
    assert answer_said(answer, ENGLISH).endswith("It renews on 5 May 2026. It is free until 5 May 2026.")


def test_a_free_month_is_free_to_the_first_line_at_a_price() -> None:
    account = with_policies()
    account.give(c.PurchasePlan("websites_core"), "2026-03-20")
    answer = account.give(c.PurchasePlan("standard", discount="TRIAL"), "2026-04-05")
    assert (answer.facts["renews_on"], answer.facts["free_until"]) == ("2026-04-20", "2026-05-20")


def test_an_upgrade_whose_old_taxes_differ_names_the_credit_note_before_it() -> None:
    account = billed(taxed=True)
    account.give(c.SetTaxProfile("DE", "business", vat_id="confirmed"), "2026-03-21")
    answer = account.give(c.ChangePlan("premium"), "2026-03-25")
    assert "Credit notes: C1 (" in answer_said(answer, ENGLISH)
    assert answer.facts["credit_notes"][0]["invoice"] == 1


def test_a_payment_that_waits_says_until_when() -> None:
    answer = with_policies().give(c.PurchasePlan("standard"), "2026-04-05T18:30", payment="action_required")
    assert answer_said(answer, ENGLISH) == (
        "The payment needs the customer's consent. It waits until 5 Apr 2026 19:00; nothing changes before."
    )


def test_in_full_an_invoice_says_its_taxes_and_a_credit_note_its_lines() -> None:
    account = billed(taxed=True)
    account.give(c.CreditNote(1, "goodwill", 1, "3.00", to="account"), "2026-03-21", role=FINANCE)
    note = account.events[-1]
    assert event_said_in_full(note, "EUR", ENGLISH).endswith(
        "standard (500), 20 Mar 2026 to 20 Apr 2026: €3.00; tax €0.60 (FR 20%)."
    )
    account.give(c.PurchaseAddon("surveys"), "2026-04-05")
    assert event_said_in_full(account.events[-1], "EUR", ENGLISH).endswith(
        "Invoice 2 of 5 Apr 2026: €4.36 (surveys €7.50 × 15/31 days = €3.63; Tax FR 20% of €3.63: €0.73; "
        "account credit pays €3.60, €0.76 are charged)."
    )
