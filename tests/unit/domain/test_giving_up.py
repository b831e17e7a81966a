"""What happens while a payment has no answer, and when it is given up (R16, R63, R96)."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from domain import commands as c
from domain import events as e
from domain.billing_page import billing_page
from domain.calendar import parse_moment
from domain.catalog import Catalogues, Collection
from domain.views import account_summary
from tests.support.domain.given import GivenAccount


def waiting() -> GivenAccount:
    """Standard since 20 March; a purchase of 19 April 23:50 waits for the customer."""
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    answer = account.give(c.PurchaseAddon("surveys"), "2026-04-19T23:50", payment="action_required")
    assert answer.outcome == "action_required"
    return account


def test_once_it_is_given_up_what_fell_due_meanwhile_is_settled() -> None:
    account = waiting()
    answer = account.give(c.AbandonPayment(), "2026-04-20T00:05")
    assert (answer.outcome, answer.events) == ("accepted", ("payment_cancelled",))
    assert account.names(2) == ["cycles_renewed", "invoice_paid"]
    page = billing_page(account.state, parse_moment("2026-04-20T00:05", account.zone), account.catalogues)
    assert page.standing == account_summary(account.state, account.catalogues)


def test_a_renewal_that_is_declined_then_does_not_refuse_it() -> None:
    account = waiting()
    answer = account.give(c.AbandonPayment(), "2026-04-20T00:05", due="declined")
    assert (answer.outcome, account.state.status) == ("accepted", "past_due")


def test_a_renewal_without_an_answer_is_not_lowered_by_credit_that_arises_meanwhile() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.settle("2026-04-20", due=None)
    account.give(c.CreditNote(1, "goodwill", 1, "5.00", to="account"), "2026-04-20T00:05", role="finance")
    assert account.state.record(2).due == Decimal("20.00")
    account.answer("paid")
    assert (account.state.record(2).status, account.state.standing.credit) == ("paid", Decimal("5.00"))


def test_once_such_a_renewal_is_declined_the_credit_pays_first_and_what_is_left_is_reminded_of() -> None:
    account = GivenAccount()
    catalog = account.catalogues.versions[0].catalog
    policies = replace(catalog.policies, collection=Collection((1,), 3))
    account.catalogues = Catalogues.always(replace(catalog, policies=policies))
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.settle("2026-04-20", due=None)
    account.give(c.CreditNote(1, "goodwill", 1, "5.00", to="account"), "2026-04-20T00:05", role="finance")
    declined, applied, told = account.answer("declined")
    assert isinstance(declined, e.RenewalDeclined)
    assert isinstance(applied, e.CreditApplied)
    assert isinstance(told, e.PaymentReminder)
    assert (applied.shares, told.due) == ((e.Share(2, Decimal("5.00")),), Decimal("15.00"))
    assert applied.at == account.events[-4].at  # when the credit arose, not when the renewal was charged


def test_of_what_credit_pays_whole_there_is_no_reminder() -> None:
    account = GivenAccount()
    catalog = account.catalogues.versions[0].catalog
    policies = replace(catalog.policies, collection=Collection((1,), 3))
    account.catalogues = Catalogues.always(replace(catalog, policies=policies))
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.settle("2026-04-20", due=None)
    account.give(c.CreditNote(1, "goodwill", to="account"), "2026-04-20T00:05", role="finance")
    assert [e.type_name(event) for event in account.answer("declined")] == [
        "renewal_declined",
        "credit_applied",
    ]
    assert (account.state.status, account.state.record(2).status) == ("good", "paid")
