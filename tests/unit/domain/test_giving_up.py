"""A payment that waits for the customer is given up by the customer (R96)."""

from __future__ import annotations

from domain import commands as c
from domain.billing_page import billing_page
from domain.calendar import parse_moment
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
