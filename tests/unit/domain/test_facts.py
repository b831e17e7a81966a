"""An answer carries the facts that its message speaks of, so that a caller never has to read the sentence:
codes, products, dates and amounts (R19, R28, R32, section 10)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from domain import commands as c
from domain import events as e
from domain.answers import Answer, answer_of
from domain.catalog import convert_catalog
from tests.support.domain.catalogs import SMALL
from tests.support.domain.given import GivenAccount

PLAN = c.PurchasePlan("standard")
PAUSE, RESUME, CANCEL = c.PausePlan("marketing"), c.ResumePlan("marketing"), c.CancelPlan("marketing")


def _having(*commands: c.Command) -> GivenAccount:
    account = GivenAccount()
    for command in commands:
        assert account.give(command, "2026-03-20").outcome == "accepted"
    return account


def _paused_twice() -> GivenAccount:
    return _having(PLAN, PAUSE, RESUME, PAUSE, RESUME)


def _past_due() -> GivenAccount:
    account = GivenAccount()
    account.give(c.PurchaseAddon("custom_domain"), "2026-01-05")
    account.settle("2026-02-05", due="declined")
    return account


def _moved_to_free() -> GivenAccount:
    account = _having(PLAN, c.ChangePlan("free"))
    account.give(PLAN, "2026-04-20")
    return account


NONE: tuple[c.Command, ...] = ()
BLOCKS = c.StartTransactional(2)
REFUSALS: list[tuple[tuple[c.Command, ...], c.Command, str, dict[str, Any]]] = [
    (NONE, c.PurchasePlan("gold"), "unknown_product", {"asked": "gold", "kind": "plan"}),
    (NONE, c.PurchasePlan("standard", "9"), "unknown_product", {"asked": "standard/9", "kind": "tier"}),
    (NONE, c.PurchaseAddon("gold"), "unknown_product", {"asked": "gold", "kind": "add-on"}),
    (NONE, c.RemoveAddon("gold"), "unknown_product", {"asked": "gold", "kind": "add-on"}),
    (NONE, c.Undo("gold"), "unknown_product", {"asked": "gold", "kind": "plan or add-on"}),
    (NONE, c.BuyCredits("gold"), "unknown_product", {"asked": "gold", "kind": "credit pack"}),
    (NONE, c.PausePlan("gold"), "unknown_product", {"asked": "gold", "kind": "plan family"}),
    (NONE, c.CancelPlan("gold"), "unknown_product", {"asked": "gold", "kind": "plan family"}),
    (NONE, c.ResumePlan("gold"), "unknown_product", {"asked": "gold", "kind": "plan family"}),
    (NONE, CANCEL, "not_held", {"asked": "a plan of the family marketing"}),
    (NONE, c.ChangePlan("standard"), "not_held", {"asked": "a plan of the family marketing"}),
    (NONE, PAUSE, "not_held", {"asked": "a monthly plan of the family marketing"}),
    (NONE, RESUME, "not_held", {"asked": "a monthly plan of the family marketing"}),
    (NONE, c.RemoveAddon("surveys"), "not_held", {"asked": "surveys"}),
    (NONE, c.StopTransactional(), "not_held", {"asked": "transactional"}),
    (NONE, c.ChangeTransactional(2), "not_held", {"asked": "transactional"}),
    (NONE, c.TopUpTransactional(2), "not_held", {"asked": "transactional"}),
    (NONE, c.PausePlan("websites"), "not_pausable", {"family": "websites"}),
    (NONE, c.Undo("surveys"), "nothing_to_undo", {"product": "surveys"}),
    (NONE, c.Undo("standard"), "nothing_to_undo", {"product": "standard"}),
    (NONE, c.PayBalance(), "nothing_due", {}),
    (
        NONE,
        c.PurchaseAddon("transactional"),
        "own_process",
        {"product": "transactional", "process": "transactional"},
    ),
    (
        NONE,
        c.RemoveAddon("transactional"),
        "own_process",
        {"product": "transactional", "process": "transactional"},
    ),
    (
        NONE,
        c.PurchaseAddon("dedicated_ip"),
        "prerequisite_missing",
        {"product": "dedicated_ip", "requires": ["standard", "premium"]},
    ),
    (
        NONE,
        BLOCKS,
        "prerequisite_missing",
        {"product": "transactional", "requires": ["standard", "premium"]},
    ),
    ((PLAN,), PLAN, "already_active", {"product": "standard"}),
    ((PLAN,), c.ChangePlan("standard"), "already_active", {"product": "standard"}),
    ((PLAN,), RESUME, "not_paused", {"product": "standard"}),
    ((PLAN,), c.Undo("standard"), "nothing_to_undo", {"product": "standard"}),
    ((PLAN,), c.BuyCredits("credits_5000"), "monthly_plan_active", {"product": "standard"}),
    (
        (PLAN, c.PurchaseAddon("surveys")),
        c.PurchaseAddon("surveys"),
        "already_active",
        {"product": "surveys", "renews_on": "2026-04-20"},
    ),
    ((PLAN, BLOCKS), BLOCKS, "already_active", {"product": "transactional", "renews_on": "2026-04-20"}),
    ((PLAN, c.PurchaseAddon("surveys")), c.Undo("surveys"), "nothing_to_undo", {"product": "surveys"}),
    (
        (PLAN, BLOCKS, c.StopTransactional()),
        c.ChangeTransactional(3),
        "cancellation_pending",
        {"product": "transactional", "on": "2026-04-20"},
    ),
    ((PLAN, CANCEL), PAUSE, "cancellation_pending", {"product": "standard", "on": "2026-04-20"}),
    (
        (PLAN, CANCEL),
        c.ChangePlan("premium"),
        "cancellation_pending",
        {"product": "standard", "on": "2026-04-20"},
    ),
    ((PLAN, PAUSE, CANCEL), RESUME, "cancellation_pending", {"product": "standard", "on": "2026-04-20"}),
    ((PLAN, c.ChangePlan("free")), PAUSE, "change_pending", {"product": "standard", "on": "2026-04-20"}),
    ((PLAN, PAUSE), PAUSE, "already_paused", {"product": "standard"}),
    ((PLAN, PAUSE), PLAN, "plan_paused", {"product": "standard"}),
    ((PLAN, PAUSE), c.ChangePlan("premium"), "plan_paused", {"product": "standard"}),
    (
        (PLAN,),
        c.PausePlan("marketing", date(2026, 3, 20)),
        "invalid_date",
        {"resume_on": "2026-03-20", "today": "2026-03-20"},
    ),
    (NONE, c.OverridePrice("gold", "1.00"), "unknown_product", {"asked": "gold", "kind": "product"}),
    (
        NONE,
        c.OverridePrice("surveys", "1.00", "9"),
        "unknown_product",
        {"asked": "surveys", "kind": "product with tiers"},
    ),
    (
        NONE,
        c.OverridePrice("standard", "1.00", "9"),
        "unknown_product",
        {"asked": "standard/9", "kind": "tier"},
    ),
    (
        NONE,
        c.OverridePrice("transactional", "1.00"),
        "no_price",
        {"product": "transactional", "currency": "EUR"},
    ),
    (NONE, c.OverridePrice("surveys", "1.001"), "invalid_amount", {"product": "surveys"}),
]


@pytest.mark.parametrize(
    ("before", "command", "code", "facts"),
    REFUSALS,
    ids=[f"{case[2]}-{type(case[1]).__name__}-{i}" for i, case in enumerate(REFUSALS)],
)
def test_a_refusal_names_what_it_is_about(
    before: tuple[c.Command, ...], command: c.Command, code: str, facts: dict[str, Any]
) -> None:
    answer = _having(*before).give(command, "2026-03-20")
    assert (answer.outcome, answer.code, answer.facts) == ("rejected", code, facts)
    assert (answer.charged, answer.lines, answer.renews_on, answer.events) == (None, (), None, ())
    assert answer.message


LATER: list[tuple[Callable[[], GivenAccount], c.Command, str, str, dict[str, Any]]] = [
    (
        _paused_twice,
        PAUSE,
        "2026-03-20",
        "pause_limit",
        {"product": "standard", "allowed_from": "2027-03-20"},
    ),
    (
        _past_due,
        c.PurchaseAddon("surveys"),
        "2026-02-06",
        "past_due",
        {"invoice": 2, "amount": "10.00", "currency": "EUR"},
    ),
    (
        _past_due,
        c.CloseAccount(),
        "2026-02-06",
        "balance_due",
        {"invoice": 2, "amount": "10.00", "currency": "EUR"},
    ),
    (_moved_to_free, c.ChangePlan("free"), "2026-04-21", "free_already_used", {}),
]


@pytest.mark.parametrize(("given", "command", "at", "code", "facts"), LATER, ids=[case[3] for case in LATER])
def test_a_refusal_for_what_came_before_names_it(
    given: Callable[[], GivenAccount], command: c.Command, at: str, code: str, facts: dict[str, Any]
) -> None:
    answer = given().give(command, at)
    assert (answer.code, answer.facts) == (code, facts)


def test_a_refusal_for_the_price_names_product_and_currency() -> None:
    account = GivenAccount(currency="JPY", catalog=convert_catalog(SMALL))
    for command, product in (
        (c.PurchaseAddon("maps"), "maps"),
        (c.PurchasePlan("basic"), "basic"),
        (c.StartTransactional(1), "mail"),
        (c.TopUpTransactional(1), "mail"),
    ):
        answer = account.give(command, "2026-03-01")
        assert (answer.code, answer.facts) == ("no_price", {"product": product, "currency": "JPY"})


def test_refusals_of_who_asks_and_how_name_that() -> None:
    account = GivenAccount()
    assert account.give(PLAN, "2026-03-01", role="x" * 99).facts == {"role": "x" * 60}
    assert account.give(PLAN, "2026-03-01", clock="wall").facts == {"clock": "test"}
    account.give(PLAN, "2026-03-01", id="k")
    assert account.give(c.CloseAccount(), "2026-03-01", id="k").facts == {"id": "k"}


def test_what_must_be_confirmed_and_a_changed_quote_say_the_total_and_its_lines() -> None:
    account = GivenAccount()
    missing = account.give(PLAN, "2026-03-20", cvv=False)
    assert missing.facts == {"total": "20.00", "currency": "EUR", "missing": ["cvv"]}
    changed = account.give(PLAN, "2026-03-20", expected_total="19.00")
    assert changed.facts == {"total": "20.00", "currency": "EUR", "expected_total": "19.00"}
    for refused in (missing, changed):
        assert [(line.product, str(line.amount)) for line in refused.lines] == [("standard", "20.00")]
    declined = account.give(PLAN, "2026-03-20", payment="declined")
    assert (declined.code, declined.facts) == ("payment_declined", {"amount": "20.00", "currency": "EUR"})
    assert (declined.charged, declined.renews_on) == (None, None)
    assert declined.events == ("payment_started", "payment_declined")


@pytest.mark.parametrize("command", [CANCEL, c.ChangePlan("essentials"), c.ChangePlan("free")])
def test_a_cancel_or_downgrade_lists_the_add_ons_that_end_with_it_and_no_other(command: c.Command) -> None:
    """Surveys need no plan, and the blocks were stopped before (R28)."""
    account = _having(
        PLAN, c.PurchaseAddon("dedicated_ip"), c.PurchaseAddon("surveys"), BLOCKS, c.StopTransactional()
    )
    answer = account.give(command, "2026-03-21")
    assert answer.facts == {
        "product": "standard",
        "on": "2026-04-20",
        "ending_addons": [{"product": "dedicated_ip", "on": "2026-04-20"}],
    }
    assert account.give(command, "2026-03-22").outcome == "unchanged"


def test_an_add_on_that_was_ending_before_is_not_said_to_end_with_another_plan() -> None:
    account = _having(PLAN, c.PurchasePlan("websites_core"), c.PurchaseAddon("dedicated_ip"), CANCEL)
    assert account.give(c.CancelPlan("websites"), "2026-03-21").facts["ending_addons"] == []


def test_a_payment_that_was_cancelled_or_has_no_answer_yet_charged_nothing() -> None:
    account = GivenAccount()
    cancelled = account.give(PLAN, "2026-03-20", payment="cancelled")
    assert account.give_raw(account.request(PLAN, "2026-03-21"), payment=None) is None
    waiting = answer_of(account.events[-1:], "EUR")
    for answer, code in ((cancelled, "payment_cancelled"), (waiting, "payment_in_progress")):
        assert (answer.outcome, answer.code, answer.facts) == ("rejected", code, {})
        assert (answer.charged, answer.lines, answer.renews_on) == (None, (), None)
        assert answer.message
    assert cancelled.events == ("payment_started", "payment_cancelled")
    assert waiting.events == ("payment_started",)


def test_a_paused_plan_whose_paid_cycle_has_passed_is_cancelled_by_ending_at_once() -> None:
    """R37; before that the cancellation waits."""
    account = _having(PLAN, PAUSE)
    waiting = account.give(CANCEL, "2026-04-19")
    assert (waiting.events, waiting.facts["on"]) == (("plan_cancelled",), "2026-04-20")
    account.give(c.Undo("standard"), "2026-04-19")
    ended = account.give(CANCEL, "2026-04-20")
    assert (ended.events, ended.facts) == (("plan_ended",), {"product": "standard"})


def _of_last(account: GivenAccount, answer: Answer) -> list[e.Event]:
    return account.events[-len(answer.events) :]


def test_what_was_done_is_said_with_its_facts_charge_and_renewal_date() -> None:
    account = GivenAccount()
    told: list[tuple[str, str, str | None, dict[str, Any]]] = []
    for command in (
        PLAN,
        c.PurchaseAddon("surveys"),
        c.RemoveAddon("surveys"),
        c.Undo("surveys"),
        BLOCKS,
        c.TopUpTransactional(1),
        c.ChangeTransactional(3),
        c.ChangePlan("premium"),
        c.ChangePlan("standard"),
        c.Undo("premium"),
        c.PausePlan("marketing", date(2026, 4, 2)),
        c.BuyCredits("credits_5000"),
        RESUME,
        CANCEL,
    ):
        answer = account.give(command, "2026-03-20", id=str(len(told)))
        assert all(
            event.command and event.command.id == str(len(told)) for event in _of_last(account, answer)
        )
        renews = None if answer.renews_on is None else answer.renews_on.isoformat()
        told.append((answer.outcome, str(answer.charged), renews, answer.facts))
    billed = [
        {"product": "surveys", "date": "2026-04-20", "amount": "7.50"},
        {"product": "transactional", "date": "2026-04-20", "amount": "54.00"},
    ]
    ending = [{"product": "transactional", "on": "2026-04-20"}]
    assert told[0] == ("accepted", "20.00", "2026-04-20", {"product": "standard", "invoice": 1})
    assert told[1] == ("accepted", "7.50", "2026-04-20", {"product": "surveys", "invoice": 2})
    assert told[2] == ("accepted", "0.00", None, {"product": "surveys", "access_until": "2026-04-20"})
    assert told[3] == ("reinstated", "0.00", None, {"product": "surveys"})
    assert told[4][2:] == ("2026-04-20", {"product": "transactional", "invoice": 3})
    assert told[5][2:] == (None, {"product": "transactional", "invoice": 4})
    assert told[6] == (
        "accepted",
        "0.00",
        None,
        {"product": "transactional", "blocks": 3, "on": "2026-04-20"},
    )
    assert told[7] == ("accepted", "330.00", "2026-04-20", {"product": "premium", "invoice": 5})
    assert told[8][3] == {"product": "premium", "on": "2026-04-20", "ending_addons": []}
    assert told[9] == ("reinstated", "0.00", None, {"product": "premium"})
    assert told[10][3]["resume_on"] == "2026-04-02"
    assert [entry["product"] for entry in told[10][3]["still_billed"]] == [b["product"] for b in billed]
    assert told[11][2:] == (
        None,
        {"product": "credits_5000", "credits": 5000, "expires_on": "2027-03-20", "invoice": 6},
    )
    assert told[12] == ("accepted", "0.00", "2026-04-20", {"product": "premium"})
    assert told[13][3] == {"product": "premium", "on": "2026-04-20", "ending_addons": ending}
