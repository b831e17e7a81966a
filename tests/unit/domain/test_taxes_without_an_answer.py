"""Without an answer for the taxes (R71) commands that charge are refused, and renewals are billed later."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from msgspec.structs import replace

from domain import commands as c
from domain.calendar import CivilDate
from domain.codes import DiscountCode
from domain.events import TaxProfileSet
from domain.tax import Tax, TaxRow, TaxTable, TaxUnavailable
from domain.views import entitlement
from tests.support.domain.given import GivenAccount

TABLE = TaxTable("FR", (TaxRow("FR", Decimal(20), date(2014, 1, 1)),))


class Decider:
    """Answers as the table, while it answers."""

    answers = True

    def taxes_of(self, profile: TaxProfileSet | None, day: CivilDate) -> tuple[Tax, ...]:
        if not self.answers:
            raise TaxUnavailable
        return TABLE.taxes_of(profile, day)


@pytest.fixture
def decider() -> Decider:
    return Decider()


@pytest.fixture
def account(decider: Decider) -> GivenAccount:
    account = GivenAccount()
    codes = {"WELCOME": DiscountCode("WELCOME", percent=Decimal(15))}
    account.catalogues = replace(account.catalogues, taxes=decider, codes=codes)
    account.give(c.SetTaxProfile("FR", "consumer"), "2026-03-19")
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    return account


def test_what_charges_is_refused_and_what_does_not_is_done(account: GivenAccount, decider: Decider) -> None:
    account.give(c.PurchaseAddon("custom_domain"), "2026-03-21")
    decider.answers = False
    assert account.give(c.PurchaseAddon("surveys"), "2026-04-05").code == "tax_unavailable"
    assert account.give(c.RemoveAddon("custom_domain"), "2026-04-05").outcome == "accepted"


def test_what_is_checked_before_the_taxes_is_said_first(account: GivenAccount, decider: Decider) -> None:
    decider.answers = False
    unknown = c.ChangePlan("premium", discount="NOBODY")
    assert account.give(unknown, "2026-04-05").code == "unknown_discount"
    assert account.give(c.ChangePlan("premium", discount="WELCOME"), "2026-04-05").code == "tax_unavailable"
    without = GivenAccount()
    without.catalogues = account.catalogues
    assert without.give(c.PurchasePlan("standard"), "2026-04-05").code == "billing_details_missing"


def test_a_renewal_waits_with_its_items_usable_and_is_billed_at_its_own_rate(
    account: GivenAccount, decider: Decider
) -> None:
    decider.answers = False
    refused = account.give(c.RemoveAddon("surveys"), "2026-04-21")
    assert refused.code == "tax_unavailable"
    shown = entitlement(account.state, "standard")
    assert shown is not None
    assert shown.status == "active"
    decider.answers = True
    account.settle("2026-04-22")
    renewal = account.state.invoices[2]
    assert (renewal.date, renewal.net, renewal.tax) == (date(2026, 4, 20), Decimal("20.00"), Decimal("4.00"))
