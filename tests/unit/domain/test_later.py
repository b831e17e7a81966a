"""What time alone does to an account, and what only waits."""

from __future__ import annotations

from datetime import date

import pytest

from domain import commands as c
from domain import events as e
from domain.calendar import Instant, parse_moment
from domain.later import Unsettled, account_later, unsettled
from domain.views import account_summary, entitlements
from tests.support.domain.given import GivenAccount, standard_with_domain


@pytest.fixture
def account() -> GivenAccount:
    """Standard since 20 March, a custom domain since 5 April."""
    return standard_with_domain()


def by_time(account: GivenAccount, at: str) -> list[str]:
    """The types of the events that time alone makes."""
    return [e.type_name(event) for event in account_later(account.state, instant(account, at))[1]]


def status(account: GivenAccount, product: str, at: str) -> str:
    return entitlements(account_later(account.state, instant(account, at))[0])[product].status


def waiting(account: GivenAccount, at: str) -> list[tuple[str, str | None]]:
    until = instant(account, at)
    return [(one.what, one.product) for one in unsettled(account_later(account.state, until)[0], until)]


def instant(account: GivenAccount, at: str) -> Instant:
    return parse_moment(at, account.zone)


def test_a_removed_addon_ends_when_its_cycle_does(account: GivenAccount) -> None:
    account.give(c.RemoveAddon("custom_domain"), "2026-04-07")
    assert status(account, "custom_domain", "2026-04-19T23:59:59") == "ending"
    assert status(account, "custom_domain", "2026-04-20") == "ended"
    assert by_time(account, "2026-04-20") == ["addon_ended"]


def test_a_renewal_is_named_as_unsettled_and_never_made_up(account: GivenAccount) -> None:
    assert by_time(account, "2027-01-01") == []
    assert status(account, "standard", "2027-01-01") == "active"
    assert waiting(account, "2026-04-19T23:59:59") == []
    assert waiting(account, "2026-04-20") == [("renewal", "standard"), ("renewal", "custom_domain")]


def test_a_cancelled_plan_ends_with_the_addons_that_need_it_and_the_anchor(account: GivenAccount) -> None:
    account.give(c.PurchaseAddon("dedicated_ip"), "2026-04-06")
    account.give(c.CancelPlan("marketing"), "2026-04-07")
    after, happened = account_later(account.state, instant(account, "2026-04-20"))
    assert [type(event) for event in happened] == [e.PlanEnded, e.AddonEnded]
    assert (account_summary(after).anchor, after.plans) == (None, {})
    assert waiting(account, "2026-04-20") == [("renewal", "custom_domain")]


def test_a_paused_plan_stays_so_until_it_is_cancelled_and_its_paid_cycle_ends(account: GivenAccount) -> None:
    account.give(c.PausePlan("marketing"), "2026-04-10")
    assert status(account, "standard", "2027-01-01") == "paused"
    account.give(c.CancelPlan("marketing"), "2026-04-11")
    assert status(account, "standard", "2026-04-19T12:00") == "paused"
    assert status(account, "standard", "2026-04-20") == "ended"


def test_a_resume_inside_the_paid_cycle_happens_by_itself(account: GivenAccount) -> None:
    account.give(c.PausePlan("marketing", date(2026, 4, 15)), "2026-04-10")
    assert status(account, "standard", "2026-04-14T23:59:59") == "paused"
    after, happened = account_later(account.state, instant(account, "2026-04-15"))
    assert [type(event) for event in happened] == [e.PlanResumed]
    assert entitlements(after)["standard"].renews
    assert after.anchor == date(2026, 3, 20)
    assert len(after.windows["standard"]) == 2


def test_a_resume_after_the_paid_cycle_waits_for_its_payment(account: GivenAccount) -> None:
    account.give(c.RemoveAddon("custom_domain"), "2026-04-09")
    account.give(c.PausePlan("marketing", date(2026, 5, 15)), "2026-04-10")
    assert status(account, "standard", "2026-05-15") == "paused"
    assert waiting(account, "2026-05-14T12:00") == []
    assert waiting(account, "2026-05-15") == [("resume", "standard")]


def test_a_resume_is_dropped_while_past_due(account: GivenAccount) -> None:
    account.give(c.PausePlan("marketing", date(2026, 5, 15)), "2026-04-10")
    account.settle("2026-04-20", due="declined")
    assert account.state.past_due
    assert "resume_dropped" in by_time(account, "2026-05-15")


def test_what_is_unpaid_lapses_and_a_credit_note_takes_back_what_could_not_be_used(
    account: GivenAccount,
) -> None:
    account.settle("2026-04-20", due="declined")
    assert status(account, "standard", "2026-05-19T12:00") == "suspended"
    after, happened = account_later(account.state, instant(account, "2026-05-20"))
    lapsed, note = happened
    assert isinstance(lapsed, e.ItemsLapsed)
    assert isinstance(note, e.CreditNoteIssued)
    assert (lapsed.items, note.reason) == (("standard", "custom_domain"), "not_supplied")
    assert (account_summary(after).status, after.items) == ("good", ())


def test_nothing_lapses_while_the_answer_to_a_payment_is_not_known(account: GivenAccount) -> None:
    account.settle("2026-04-20", due="declined")
    account.give_raw(account.request(c.PayBalance(), "2026-04-21"), payment=None)
    assert by_time(account, "2026-05-20") == []
    [waits, *_] = unsettled(account.state, account.state.last_at)
    assert waits == Unsettled("payment", None, parse_moment("2026-04-21", account.zone))


def test_a_move_down_to_free_needs_no_payment(account: GivenAccount) -> None:
    account.give(c.ChangePlan("free"), "2026-04-06")
    after, happened = account_later(account.state, instant(account, "2026-04-20"))
    assert [type(event) for event in happened] == [e.FreePlanStarted]
    assert entitlements(after)["free"].status == "active"
    assert entitlements(after)["standard"].status == "ended"


def test_credits_expire_pack_by_pack() -> None:
    account = GivenAccount()
    pack = next(iter(account.catalogues.at(account.state.last_at).credits))
    account.give(c.BuyCredits(pack), "2026-02-01")
    account.give(c.BuyCredits(pack), "2026-03-01")
    one, both = (
        entitlements(account_later(account.state, instant(account, at))[0])[pack]
        for at in ("2027-02-01", "2027-03-01")
    )
    assert one.status == "active"
    assert one.allowance
    assert (both.status, both.allowance) == ("ended", 0)


def test_the_account_keeps_its_version_and_a_closed_one_is_left_alone(account: GivenAccount) -> None:
    account.give(c.RemoveAddon("custom_domain"), "2026-04-07")
    after, _ = account_later(account.state, instant(account, "2026-06-01"))
    assert after.version == account.state.version
    assert after.last_at == instant(account, "2026-06-01")
    account.give(c.CloseAccount(), "2026-04-08")
    assert by_time(account, "2030-01-01") == []
