"""Shop, billing page and preview show tax, discounts, account credit, and what is due of which invoice (R78,
R87)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from domain import commands as c
from domain.billing_page import billing_page
from domain.calendar import parse_moment
from domain.happened import Chronicle
from domain.shop import shop
from prorata.cli.account.billing_screen import print_billing
from prorata.cli.account.present import names_of
from prorata.cli.account.screens import billing_json, shop_json
from prorata.cli.account.shop_screen import print_shop
from prorata.cli.terminal.tables import print_invoice
from prorata.wording import Language, Wording
from tests.support.domain.booking_answers import billed, charged_back, declined, with_policies
from tests.support.domain.catalogs import SHIPPED
from tests.support.domain.given import GivenAccount
from tests.support.screens import drawn, flat


def speaking(language: Language = "en") -> Wording:
    return Wording(language, names_of(SHIPPED))


def shop_text(account: GivenAccount, at: str, language: Language = "en") -> str:
    found = shop(account.state, parse_moment(at, account.zone), account.catalogues)
    say = speaking(language)
    return flat(drawn(lambda out: print_shop(out, found, "EUR", say, account="a1", when=at)))


def billing_text(account: GivenAccount, at: str, language: Language = "en") -> str:
    state = account.state
    notes = Chronicle(account.zone).take_all(account.events).credit_notes.values()
    page = billing_page(state, parse_moment(at, account.zone), account.catalogues, notes)
    say = speaking(language)
    text = drawn(lambda out: print_billing(out, page, state, say, account="a1", when=at))
    assert max(map(len, text.splitlines())) <= 80
    return flat(text)


def test_the_shop_shows_amounts_before_tax_and_beside_them_tax_and_total() -> None:
    text = shop_text(billed(taxed=True), "2026-04-05")
    for part in ("€10.00 × 15/31 days =", "Tax FR 20% of €4.84:", "€0.97", "total €5.81"):
        assert part in text
    assert "Taxe FR 20 % sur 4,84 € : 0,97 €" in shop_text(billed(taxed=True), "2026-04-05", "fr")


def test_the_shop_says_what_account_credit_leaves_to_be_charged() -> None:
    account = billed()
    account.give(c.CreditNote(1, "goodwill", 1, "3.00", to="account"), "2026-03-21", role="finance")
    assert "account credit pays €3.00, €1.84 are charged" in shop_text(account, "2026-04-05")


def test_the_shop_shows_the_date_of_the_first_price_where_months_are_free() -> None:
    account = with_policies()
    free = c.GrantDiscount(percent="100", duration=1)
    account.give(free, "2026-04-05", role="finance")
    found = shop(account.state, parse_moment("2026-04-05", account.zone), account.catalogues)
    [standard] = [
        offer for offer in found.plans[0].plans if offer.product == "standard" and offer.tier == "500"
    ]
    assert (standard.today.charged, standard.today.net) == (Decimal("0.00"), Decimal("0.00"))
    assert standard.today.facts["free_until"] == "2026-05-05"
    assert "free until 5 May 2026" in shop_text(account, "2026-04-05")


def test_programs_get_net_taxes_and_total_of_each_offer() -> None:
    account = billed(taxed=True)
    found = shop(account.state, parse_moment("2026-04-05", account.zone), account.catalogues)
    told = shop_json(found, "EUR", speaking())
    [domain] = [offer for offer in told["add_ons"] if offer["product"] == "custom_domain"]
    today = domain["today"]
    assert (today["net"], today["total"], today["charged"]) == (
        Decimal("4.84"),
        Decimal("5.81"),
        Decimal("5.81"),
    )
    assert [(tax.rate, tax.tax) for tax in today["taxes"]] == [(Decimal(20), Decimal("0.97"))]


def test_the_billing_page_says_what_is_due_when_it_is_tried_and_what_ends_when() -> None:
    account = declined()
    account.give(c.CreditNote(2, "goodwill", 1, "5.00"), "2026-04-20", role="finance")
    text = billing_text(account, "2026-04-20")
    assert "Account: past due" in text
    assert "Open balance: €15.00" in text
    assert (
        "Invoice 2 of 20 Apr 2026 is unpaid. Of €20.00, €15.00 are due. The next try is on 21 Apr 2026. "
        "The next reminder is on 17 May 2026. What ends unpaid, and when: Standard (20 May 2026)."
    ) in text
    assert "C1 20 Apr 2026 2 goodwill €5.00 €5.00 less due" in text


def test_the_billing_page_names_the_dispute_and_then_the_charged_back_invoice() -> None:
    account = billed()
    account.give(c.OpenDispute(1), "2026-03-25")
    text = billing_text(account, "2026-03-25")
    assert "Account: disputed" in text
    assert "The payment of invoice 1 is disputed: nothing can be used." in text
    assert "Invoice 1 of 20 Mar 2026 is unpaid. It was charged back." in billing_text(
        charged_back(), "2026-04-05"
    )


def test_the_billing_page_lists_discounts_with_what_is_left_and_their_end() -> None:
    account = with_policies()
    account.give(c.GrantDiscount(fixed="30.00", carried=True), "2026-03-20", role="finance")
    account.give(c.PurchasePlan("standard", discount="TRIAL"), "2026-03-20")
    account.give(c.PurchaseAddon("custom_domain"), "2026-03-20")
    text = billing_text(account, "2026-03-21")
    assert "D1: €30.00 carried until used up, to 19 Mar 2027 inclusive; €20.00 left" in text
    assert "D2: 100% for 1 month, by the code TRIAL; to 19 Apr 2026 inclusive" in text
    assert "free until 20 Apr 2026" in text


def test_the_billing_page_shows_account_credit_and_a_payment_that_waits() -> None:
    account = billed()
    account.give(c.CreditNote(1, "goodwill", 1, "3.00", to="account"), "2026-03-21", role="finance")
    assert "Account credit: €3.00" in billing_text(account, "2026-03-22")
    account.give(c.PurchaseAddon("surveys"), "2026-03-22T10:00", payment="action_required")
    assert "A payment waits for the customer's consent until 22 Mar 2026 10:30." in billing_text(
        account, "2026-03-22T10:05"
    )


def test_programs_get_what_is_due_of_each_invoice() -> None:
    account = declined()
    page = billing_page(account.state, parse_moment("2026-04-20", account.zone), account.catalogues)
    told = billing_json(page, account.state, speaking())
    [invoice] = told["balance"].invoices
    assert (invoice.invoice, invoice.due, invoice.next_try) == (2, Decimal("20.00"), date(2026, 4, 21))
    assert (told["credit"], told["credit_notes"]) == (Decimal("0.00"), [])


def test_the_next_invoice_shows_its_taxes_and_what_account_credit_leaves() -> None:
    account = billed(taxed=True)
    account.give(c.CreditNote(1, "goodwill", 1, "3.00", to="account"), "2026-03-21", role="finance")
    page = billing_page(account.state, parse_moment("2026-03-21", account.zone), account.catalogues)
    text = flat(drawn(lambda out: print_invoice(out, page.next_invoice, speaking())))
    assert "before tax €20.00 Tax FR 20% of €20.00 €4.00 total €24.00" in text
    assert "account credit -€3.60 charged €20.40" in text
