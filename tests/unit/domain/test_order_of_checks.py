"""Of several reasons to refuse a command the first in the order of section 10 is given.

Each test builds a command against which several checks stand, and takes them away one by one.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from domain import commands as c
from domain.catalog import convert_catalog
from domain.decide import decide
from tests.support.domain.catalogs import SMALL
from tests.support.domain.given import GivenAccount


def test_a_purchase_is_refused_for_role_then_state_then_prerequisite() -> None:
    account = GivenAccount()
    dedicated_ip = c.PurchaseAddon("dedicated_ip")
    assert account.give(c.PurchaseAddon("gold"), "2026-03-01", role="viewer").code == "forbidden"
    assert account.give(c.PurchaseAddon("gold"), "2026-03-01").code == "unknown_product"
    assert account.give(c.PurchaseAddon("transactional"), "2026-03-01").code == "own_process"
    assert account.give(dedicated_ip, "2026-03-01").code == "prerequisite_missing"
    account.give(c.PurchasePlan("standard"), "2026-03-01")
    assert account.give(dedicated_ip, "2026-03-01").outcome == "accepted"
    assert account.give(dedicated_ip, "2026-03-01").code == "already_active"


def test_what_has_no_price_is_refused_as_that_before_its_own_process_and_its_state() -> None:
    account = GivenAccount(currency="JPY", catalog=convert_catalog(SMALL))
    assert account.give(c.PurchaseAddon("maps"), "2026-03-01").code == "no_price"
    assert account.give(c.PurchaseAddon("mail"), "2026-03-01").code == "no_price"
    assert account.give(c.StartTransactional(1), "2026-03-01").code == "no_price"
    assert account.give(c.PurchasePlan("basic"), "2026-03-01").code == "no_price"
    assert account.give(c.PurchasePlan("basic", "l"), "2026-03-01").outcome == "accepted"
    assert account.give(c.ChangePlan("basic", "s"), "2026-03-01").code == "no_price"
    assert account.give(c.RemoveAddon("maps"), "2026-03-01").code == "not_held"


def test_past_due_comes_after_state_and_prerequisite_and_before_lock_confirmation_and_quote() -> None:
    account = GivenAccount()
    account.give(c.PurchaseAddon("custom_domain"), "2026-01-05")
    account.settle("2026-02-05", due="declined")
    for _ in range(5):
        account.give(c.PayBalance(), "2026-02-05T10:00", payment="declined")
    unconfirmed: dict[str, Any] = {"cvv": False, "expected_total": "1.00"}
    assert account.give(c.PurchaseAddon("custom_domain"), "2026-02-05T11:00").code == "already_active"
    assert account.give(c.PurchaseAddon("dedicated_ip"), "2026-02-05T11:00").code == "prerequisite_missing"
    assert account.give(c.PurchaseAddon("surveys"), "2026-02-05T11:00", **unconfirmed).code == "past_due"
    assert account.give(c.PayBalance(), "2026-02-05T11:00").code == "payment_locked"
    assert account.give(c.PayBalance(), "2026-02-06T10:00").outcome == "accepted"


def test_lock_comes_before_confirmation_before_quote_before_payment() -> None:
    account = GivenAccount()
    surveys = c.PurchaseAddon("surveys")
    for _ in range(5):
        account.give(surveys, "2026-03-01T10:00", payment="declined")
    attempts: list[tuple[str, dict[str, Any], str]] = [
        ("2026-03-02T09:59", {"cvv": False, "expected_total": "1.00"}, "payment_locked"),
        ("2026-03-02T10:00", {"cvv": False, "expected_total": "1.00"}, "confirmation_required"),
        ("2026-03-02T10:00", {"billing": False}, "confirmation_required"),
        ("2026-03-02T10:00", {"expected_total": "1.00"}, "quote_changed"),
        ("2026-03-02T10:00", {"expected_total": "7.50"}, "payment_declined"),
    ]
    for at, fields, code in attempts:
        assert account.give(surveys, at, payment="declined", **fields).code == code


def test_a_closed_account_refuses_everything_but_first_those_who_may_not_command() -> None:
    account = GivenAccount()
    account.give(c.CloseAccount(), "2026-03-01")
    assert account.give(c.PurchaseAddon("gold"), "2026-03-02", role="manager").code == "forbidden"
    assert account.give(c.PurchaseAddon("gold"), "2026-03-02").code == "account_closed"
    assert account.give(c.CloseAccount(), "2026-03-02").code == "account_closed"


def test_another_clock_is_refused_before_role_and_state() -> None:
    account = GivenAccount()
    answer = account.give(c.PurchaseAddon("gold"), "2026-03-01", clock="wall", role="viewer")
    assert answer.code == "wrong_clock"


def test_an_account_is_opened_once_and_never_again() -> None:
    account = GivenAccount()
    again = c.OpenAccount("EUR", "Europe/Paris", "test")
    assert account.give(again, "2026-03-01").code == "account_exists"
    account.give(c.CloseAccount(), "2026-03-01")
    assert account.give(again, "2026-03-01", clock="wall", role="viewer").code == "account_exists"


def test_no_command_reaches_an_account_that_was_never_opened() -> None:
    account = GivenAccount()
    account._state = None
    assert account.give(c.CloseAccount(), "2026-03-01", role="viewer").code == "unknown_account"


@pytest.mark.parametrize("role", ["manager", "author", "viewer", "", "Owner"])
def test_only_owner_and_admin_command(role: str) -> None:
    assert GivenAccount().give(c.PurchasePlan("standard"), "2026-03-01", role=role).code == "forbidden"


def test_a_pause_is_refused_in_its_own_order() -> None:
    account = GivenAccount()
    pause, bad_pause = c.PausePlan("marketing"), c.PausePlan("marketing", date(2026, 3, 1))
    assert account.give(c.PausePlan("sms"), "2026-03-01").code == "unknown_product"
    assert account.give(c.PausePlan("websites"), "2026-03-01").code == "not_pausable"
    assert account.give(pause, "2026-03-01").code == "not_held"
    account.give(c.PurchasePlan("standard"), "2026-03-01")
    assert account.give(bad_pause, "2026-03-01").code == "invalid_date"
    for day in ("05", "07"):
        account.give(pause, f"2026-03-{day}")
        account.give(c.ResumePlan("marketing"), f"2026-03-{day}")
    assert account.give(bad_pause, "2026-03-08").code == "pause_limit"
    account.give(c.ChangePlan("essentials"), "2026-03-08")
    assert account.give(bad_pause, "2026-03-08").code == "change_pending"
    account.give(c.CancelPlan("marketing"), "2026-03-08")
    assert account.give(bad_pause, "2026-03-08").code == "cancellation_pending"


def test_reinstating_is_answered_at_the_state_check_whatever_stands_after_it() -> None:
    account = GivenAccount()
    account.give(c.PurchaseAddon("custom_domain"), "2026-01-05")
    account.give(c.PurchaseAddon("surveys"), "2026-01-10")
    account.settle("2026-02-05", due="declined")
    account.give(c.RemoveAddon("surveys"), "2026-02-06")
    again = account.give(c.PurchaseAddon("surveys"), "2026-02-07", cvv=False, expected_total="99.00")
    assert (again.outcome, str(again.charged)) == ("reinstated", "0.00")


def test_unchanged_is_answered_at_the_state_check_and_records_nothing() -> None:
    account = GivenAccount()
    account.give(c.PurchaseAddon("custom_domain"), "2026-01-05")
    account.give(c.RemoveAddon("custom_domain"), "2026-01-06")
    version = account.state.version
    again = account.give(c.RemoveAddon("custom_domain"), "2026-01-07", expected_total="99.00")
    assert (again.outcome, again.events, account.state.version) == ("unchanged", (), version)


def test_a_quote_is_checked_where_nothing_is_charged_too() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-01")
    assert (
        account.give(c.CancelPlan("marketing"), "2026-03-02", expected_total="5.00").code == "quote_changed"
    )
    assert account.give(c.CancelPlan("marketing"), "2026-03-02", expected_total="0.00").outcome == "accepted"


def test_where_nothing_is_charged_neither_lock_nor_confirmation_is_asked() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-01")
    for _ in range(5):
        account.give(c.PurchaseAddon("surveys"), "2026-03-02", payment="declined")
    paused = account.give(c.PausePlan("marketing"), "2026-03-02", cvv=False, billing=False)
    resumed = account.give(c.ResumePlan("marketing"), "2026-03-02", cvv=False, billing=False)
    assert (paused.outcome, resumed.outcome) == ("accepted", "accepted")


def test_what_became_due_stays_settled_though_the_command_is_refused() -> None:
    account = GivenAccount()
    account.give(c.PurchaseAddon("custom_domain"), "2026-01-05")
    assert account.give(c.PurchaseAddon("gold"), "2026-02-06").code == "unknown_product"
    assert account.names(2) == ["cycles_renewed", "invoice_paid"]


def test_a_refusal_before_the_due_dates_settles_nothing() -> None:
    account = GivenAccount()
    account.give(c.PurchaseAddon("custom_domain"), "2026-01-05")
    version = account.state.version
    account.give(c.PurchaseAddon("surveys"), "2026-02-06", role="viewer")
    assert account.state.version == version


def test_a_decision_is_refused_to_a_caller_that_has_not_settled() -> None:
    account = GivenAccount()
    account.give(c.PurchaseAddon("custom_domain"), "2026-01-05")
    request = account.request(c.CloseAccount(), "2026-02-05")
    with pytest.raises(ValueError, match="settle it before deciding"):
        decide(account.state, request, account.catalogues)
