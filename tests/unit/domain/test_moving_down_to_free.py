"""The move down to Free is allowed once in an account's life (R22); one that never came about does not
count."""

from __future__ import annotations

from decimal import Decimal

from domain import commands as c
from domain import events as e
from domain.calendar import parse_moment
from domain.views import entitlements
from tests.support.domain.given import GivenAccount


def _with_a_plan_about_to_move_down() -> GivenAccount:
    """Past due since 10 April for an add-on paid to the 25th; the plan's cycle ends on the 20th."""
    account = GivenAccount()
    account.give(c.PurchaseAddon("custom_domain"), "2026-03-10")
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.give(c.PausePlan("marketing"), "2026-03-21")
    account.give(c.PurchasePlan("websites_core"), "2026-03-25")
    account.give(c.ResumePlan("marketing"), "2026-04-01")
    account.give(c.ChangePlan("free"), "2026-04-02")
    account.settle("2026-04-10", due="declined")
    return account


def test_a_move_that_comes_while_another_item_is_unpaid_is_made_and_counts() -> None:
    """The plan would not renew, so nothing is tried for it (R41)."""
    account = _with_a_plan_about_to_move_down()
    account.settle("2026-04-21", due="declined")
    assert entitlements(account.state)["standard"].status == "ended"
    assert entitlements(account.state)["free"].status == "active"
    account.settle("2026-04-26")
    account.give(c.PurchasePlan("standard"), "2026-04-26")
    assert account.give(c.ChangePlan("free"), "2026-04-27").code == "free_already_used"


def test_a_move_counts_from_when_it_is_asked_for_in_every_family() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.give(c.PurchasePlan("websites_core"), "2026-03-20")
    account.give(c.ChangePlan("free"), "2026-03-21")
    assert account.give(c.ChangePlan("websites_free"), "2026-03-21").code == "free_already_used"
    account.give(c.Undo("standard"), "2026-03-22")
    assert account.give(c.ChangePlan("websites_free"), "2026-03-22").outcome == "accepted"


def test_a_plan_that_an_older_history_holds_at_nothing_moves_to_free_at_once() -> None:
    """No price of a plan becomes 0.00 any more (R8a); one was free to do so before."""
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-02")
    at = parse_moment("2026-03-03", account.zone)
    account.append(e.PriceOverridden(at=at, product="standard", tier="500", price=Decimal("0.00")))
    account.settle("2026-04-02")
    moved = account.give(c.ChangePlan("free"), "2026-04-06")
    assert (moved.events, account.state.anchor) == (("free_plan_started",), None)
    assert entitlements(account.state)["free"].status == "active"
    account.append(
        e.PriceOverridden(at=account.state.last_at, product="standard", tier="500", price=Decimal(30))
    )
    account.give(c.PurchasePlan("standard"), "2026-04-09")
    assert account.give(c.ChangePlan("free"), "2026-04-10").code == "free_already_used"


def test_a_move_that_came_about_counts_for_ever() -> None:
    account = GivenAccount()
    account.give(c.PurchasePlan("standard"), "2026-03-20")
    account.give(c.ChangePlan("free"), "2026-03-21")
    account.give(c.ChangePlan("standard"), "2026-04-20")
    assert account.give(c.ChangePlan("free"), "2026-04-21").code == "free_already_used"
