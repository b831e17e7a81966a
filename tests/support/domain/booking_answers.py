"""Answers of every kind about money beside the charge: each refusal of the second part of the rules, each
outcome, and commands that change nothing.

    for answer in every_booking_answer():
        assert answer_said(answer, wording("fr"), "EUR")
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from msgspec.structs import replace

from domain import commands as c
from domain.answers import Answer
from domain.calendar import CivilDate
from domain.catalog import Catalogues, CatalogVersion, Collection, Policies
from domain.codes import DiscountCode
from domain.events import TaxProfileSet
from domain.tax import Tax, TaxRow, TaxTable, TaxUnavailable
from tests.support.domain.catalogs import SHIPPED
from tests.support.domain.given import GivenAccount

STANDARD, PREMIUM = c.PurchasePlan("standard"), c.ChangePlan("premium")
PARIS = c.SetTaxProfile("FR", "business")
FRENCH_VAT = TaxTable("FR", (TaxRow("FR", Decimal(20), date(2020, 1, 1)),))
CODES = {
    "WELCOME": DiscountCode("WELCOME", percent=Decimal(15), once=False, months=3),
    "TRIAL": DiscountCode("TRIAL", percent=Decimal(100), once=False, months=1),
    "AGAIN": DiscountCode("AGAIN", percent=Decimal(100), once=False, months=1),
    "SPRING": DiscountCode("SPRING", fixed={"EUR": Decimal("5.00")}, last_day=date(2026, 3, 1)),
}
POLICIES = Policies(
    collection=Collection((1, 3), 3),
    support_limit={"EUR": Decimal("5.00")},
    nonprofit_percent=Decimal(15),
)


class NoAnswer:
    """A decider of taxes that is away."""

    def taxes_of(self, profile: TaxProfileSet | None, day: CivilDate) -> tuple[Tax, ...]:
        raise TaxUnavailable(f"no answer for {day}")


def billed(*, taxed: bool = False) -> GivenAccount:
    """An account with every policy and code, with French VAT if it is `taxed`, that has Standard since 20
    March."""
    account = with_policies(taxed=taxed)
    if taxed:
        account.give(PARIS, "2026-03-01")
    account.give(STANDARD, "2026-03-20")
    return account


def with_policies(*, taxed: bool = False) -> GivenAccount:
    """An account with every policy and code, that holds nothing."""
    account = GivenAccount()
    catalog = replace(SHIPPED, policies=POLICIES)
    taxes = FRENCH_VAT if taxed else None
    account.catalogues = Catalogues((CatalogVersion(None, catalog),), taxes, CODES)
    return account


def charged_back() -> GivenAccount:
    """An account whose invoice 1 was charged back on 5 April."""
    account = billed()
    account.give(c.LoseDispute(1), "2026-04-05")
    return account


def declined() -> GivenAccount:
    """An account whose renewal of 20 April, invoice 2 of 20.00, is unpaid; it is tried on 21 and 23 April."""
    account = billed()
    account.settle("2026-04-20", due="declined")
    return account


def every_booking_answer() -> Iterator[Answer]:
    """An answer of each kind."""
    yield from _refusals()
    yield from _of_corrections()
    yield from _of_collecting()
    yield from _of_discounts_and_taxes()
    yield from _of_disputes()
    yield from _of_consent()


def upgrading_what_is_paid_late() -> Answer:
    """An upgrade that would credit, by a note, the invoice whose payment is under way."""
    account = billed()
    account.settle("2026-04-20", due="pending")
    account.give(c.GrantDiscount(percent="100"), "2026-04-21", role="finance")
    return account.give(PREMIUM, "2026-04-21")


def _refusals() -> Iterator[Answer]:
    account = billed()
    account.give(c.OpenDispute(1), "2026-03-25")
    yield account.give(c.PurchaseAddon("surveys"), "2026-03-26")
    yield upgrading_what_is_paid_late()
    account = with_policies(taxed=True)
    yield account.give(STANDARD, "2026-03-20")
    account.give(PARIS, "2026-03-20")
    account.catalogues = replace(account.catalogues, taxes=NoAnswer())
    yield account.give(STANDARD, "2026-03-20")
    account = with_policies()
    yield account.give(c.PurchasePlan("standard", discount="NEVER"), "2026-03-20")
    yield account.give(c.PurchasePlan("standard", discount="SPRING"), "2026-03-20")
    account.give(c.PurchasePlan("standard", discount="TRIAL"), "2026-03-20")
    account.give(c.CancelPlan("marketing"), "2026-03-21")
    account.settle("2026-04-20")
    yield account.give(c.PurchasePlan("standard", discount="TRIAL"), "2026-04-21")
    yield account.give(c.PurchasePlan("standard", discount="AGAIN"), "2026-04-21")
    account = billed()
    yield account.give(c.CreditNote(9, "goodwill"), "2026-03-21", role="finance")
    yield account.give(c.WriteOff(1), "2026-03-21", role="finance")
    yield account.give(c.CreditNote(1, "goodwill", 1, "20.01"), "2026-03-21", role="finance")
    yield account.give(c.PayOut(), "2026-03-21", role="finance")
    yield account.give(c.CreditNote(1, "goodwill", 1, "5.01"), "2026-03-21", role="support")
    yield account.give(c.CreditNote(1, "goodwill"), "2026-03-21")
    yield account.give(c.RecordPayment("0.001"), "2026-03-21", role="finance")


def _of_corrections() -> Iterator[Answer]:
    account = billed()
    yield account.give(c.CreditNote(1, "goodwill", 1, "3.00"), "2026-03-21", role="finance")
    yield account.give(c.CreditNote(1, "goodwill", 1, "2.00", to="account"), "2026-03-21", role="finance")
    yield account.give(c.PurchaseAddon("surveys"), "2026-03-22")
    account.give(c.CreditNote(1, "other", 1, "1.00", to="account"), "2026-03-23", role="finance")
    yield account.give(c.PayOut(), "2026-03-23", role="finance")
    yield account.give(c.CreditNote(2, "ended_by_us", 1, end=True), "2026-03-23", role="finance")
    account = billed(taxed=True)
    account.give(c.SetTaxProfile("DE", "business", vat_id="confirmed"), "2026-03-21")
    yield account.give(c.Reissue(1), "2026-03-21", role="finance")
    account = billed(taxed=True)
    account.give(c.SetTaxProfile("DE", "business", vat_id="confirmed"), "2026-03-21")
    yield account.give(PREMIUM, "2026-03-25")
    account = billed()
    account.give(c.CreditNote(1, "other", 1, "1.00", to="account"), "2026-03-23", role="finance")
    yield account.give(c.CloseAccount(), "2026-03-24")


def _of_collecting() -> Iterator[Answer]:
    account = declined()
    yield account.give(c.CreditNote(2, "goodwill", 1, "5.00"), "2026-04-20", role="finance")
    yield account.give(c.StopTries(2), "2026-04-20", role="finance")
    yield account.give(c.StopTries(2), "2026-04-20", role="finance")
    yield account.give(c.SetPaymentMethod(), "2026-04-22", payment="declined")
    yield account.give(c.SetPaymentMethod(), "2026-04-22", payment="action_required")
    yield account.give(c.AbandonPayment(), "2026-04-22")
    yield account.give(c.AbandonPayment(), "2026-04-22")
    yield account.give(c.RecordPayment("2.00"), "2026-04-22", role="finance")
    yield account.give(c.RecordPayment("15.00"), "2026-04-22", role="finance")
    yield account.give(c.SetPaymentMethod(), "2026-04-23")
    yield declined().give(c.SetPaymentMethod(), "2026-04-20")
    yield declined().give(c.CancelPlan("marketing"), "2026-04-20")


def _of_discounts_and_taxes() -> Iterator[Answer]:
    yield with_policies().give(PARIS, "2026-03-20")
    account = with_policies()
    yield account.give(c.PurchasePlan("standard", discount="TRIAL"), "2026-03-20")
    grants = (
        c.GrantDiscount(nonprofit=True, last_day=date(2026, 12, 31)),
        c.GrantDiscount(fixed="5.00", carried=True),
        c.GrantDiscount(percent="10", duration=3, products=("surveys",)),
        c.GrantDiscount(percent="10", duration=1),
        c.GrantDiscount(fixed="5.00"),
    )
    for grant in grants:
        yield account.give(grant, "2026-03-21", role="finance")
    yield account.give(c.WithdrawDiscount("D2"), "2026-03-21", role="finance")
    yield account.give(c.WithdrawDiscount("D2"), "2026-03-21", role="finance")


def _of_disputes() -> Iterator[Answer]:
    account = billed()
    yield account.give(c.OpenDispute(1), "2026-03-25")
    yield account.give(c.OpenDispute(1), "2026-03-25")
    yield account.give(c.WinDispute(1), "2026-03-26")
    account.give(c.PurchaseAddon("surveys"), "2026-03-26")
    account.give(c.OpenDispute(2), "2026-03-27")
    for _ in range(2):
        yield account.give(c.RemoveAddon("surveys"), "2026-03-28")
    account = charged_back()
    yield account.give(c.LoseDispute(1), "2026-04-05")
    yield account.give(c.WriteOff(1), "2026-04-06", role="finance")
    yield account.give(c.RecordPayment("20.01", 1), "2026-04-07", role="finance")
    yield account.give(c.RecordPayment("20.00", 1), "2026-04-07", role="finance")
    account = billed()
    yield account.give(c.LoseDispute(1), "2026-04-05")
    account = billed()
    account.give(c.PurchaseAddon("surveys"), "2026-03-22")
    account.give(c.LoseDispute(1), "2026-04-05")
    account.give(c.LoseDispute(2), "2026-04-05")
    yield account.give(c.PayBalance(), "2026-04-06")


def _of_consent() -> Iterator[Answer]:
    yield with_policies().give(STANDARD, "2026-03-20", payment="action_required")
