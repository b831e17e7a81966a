"""An answer carries the facts that its sentence speaks of, so that a caller never has to read it:
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
from tests.support.domain.answers import (
    ALREADY,
    BLOCKS,
    CANCEL,
    OUTCOMES,
    PAUSE,
    PLAN,
    REFUSED,
    REFUSED_LATER,
    RESUME,
    having,
)
from tests.support.domain.catalogs import SMALL
from tests.support.domain.given import GivenAccount


@pytest.mark.parametrize(
    ("before", "command", "code", "facts"),
    REFUSED,
    ids=[f"{case[2]}-{type(case[1]).__name__}-{i}" for i, case in enumerate(REFUSED)],
)
def test_a_refusal_names_what_it_is_about(
    before: tuple[c.Command, ...], command: c.Command, code: str, facts: dict[str, Any]
) -> None:
    answer = having(*before).give(command, "2026-03-20")
    assert (answer.outcome, answer.code, answer.facts) == ("rejected", code, facts)
    assert (answer.charged, answer.lines, answer.renews_on, answer.events) == (None, (), None, ())


@pytest.mark.parametrize(
    ("given", "command", "at", "code", "facts"), REFUSED_LATER, ids=[case[3] for case in REFUSED_LATER]
)
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
    refused = account.give(PLAN, "2026-03-01", role="x" * 99)
    assert refused.facts == {"role": "x" * 60, "allowed": ["owner", "admin"]}
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
    account = having(
        PLAN, c.PurchaseAddon("dedicated_ip"), c.PurchaseAddon("surveys"), BLOCKS, c.StopTransactional()
    )
    answer = account.give(command, "2026-03-21")
    ending = [{"product": "dedicated_ip", "on": "2026-04-20"}]
    assert (answer.facts["product"], answer.facts["on"], answer.facts["ending"]) == (
        "standard",
        "2026-04-20",
        ending,
    )
    again = account.give(command, "2026-03-22")
    assert (again.outcome, again.facts["ending"]) == ("unchanged", ending)


def test_an_add_on_that_was_ending_before_is_not_said_to_end_with_another_plan() -> None:
    account = having(PLAN, c.PurchasePlan("websites_core"), c.PurchaseAddon("dedicated_ip"), CANCEL)
    assert account.give(c.CancelPlan("websites"), "2026-03-21").facts["ending"] == []


def test_a_payment_that_was_cancelled_or_has_no_answer_yet_charged_nothing() -> None:
    account = GivenAccount()
    cancelled = account.give(PLAN, "2026-03-20", payment="cancelled")
    assert account.give_raw(account.request(PLAN, "2026-03-21"), payment=None) is None
    waiting = answer_of(PLAN, account.events[-1:], account.state, account.catalogues)
    for answer, code in ((cancelled, "payment_cancelled"), (waiting, "payment_in_progress")):
        assert (answer.outcome, answer.code, answer.facts) == ("rejected", code, {})
        assert (answer.charged, answer.lines, answer.renews_on) == (None, (), None)
        assert cancelled.events == ("payment_started", "payment_cancelled")
    assert waiting.events == ("payment_started",)


def test_a_paused_plan_whose_paid_cycle_has_passed_is_cancelled_by_ending_at_once() -> None:
    """R37; before that the cancellation waits."""
    account = having(PLAN, PAUSE)
    waiting = account.give(CANCEL, "2026-04-19")
    assert (waiting.events, waiting.facts["on"]) == (("plan_cancelled",), "2026-04-20")
    account.give(c.Undo("standard"), "2026-04-19")
    ended = account.give(CANCEL, "2026-04-20")
    assert (ended.events, ended.facts["access_until"]) == (("plan_ended",), "2026-03-20")


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
        {"product": "premium", "on": "2026-04-20", "amount": "350.00"},
        {"product": "surveys", "on": "2026-04-20", "amount": "7.50"},
        {"product": "transactional", "on": "2026-04-20", "amount": "60.00"},
    ]
    ending = [{"product": "transactional", "on": "2026-04-20"}]
    runs = {"access_until": "2026-04-20", "ending": [], "still_billed": [], "stay_paused": []}
    active = {**runs, "status": "active", "renews_on": "2026-04-20"}
    leaves = {**runs, "status": "ending", "renews_on": None}
    day = "2026-04-20"
    assert told == [
        ("accepted", "20.00", day, {**active, "product": "standard", "invoice": 1}),
        ("accepted", "7.50", day, {**active, "product": "surveys", "invoice": 2}),
        ("accepted", "0.00", None, {**leaves, "product": "surveys"}),
        ("reinstated", "0.00", day, {**active, "product": "surveys"}),
        ("accepted", "40.00", day, {**active, "product": "transactional", "invoice": 3}),
        ("accepted", "20.00", day, {**active, "product": "transactional", "invoice": 4}),
        ("accepted", "0.00", day, {**active, "product": "transactional", "blocks": 3, "on": day}),
        ("accepted", "330.00", day, {**active, "product": "premium", "invoice": 5}),
        (
            "accepted",
            "0.00",
            day,
            {
                **active,
                "status": "ending",
                "product": "premium",
                "to_product": "standard",
                "to_tier": "500",
                "on": day,
            },
        ),
        ("reinstated", "0.00", day, {**active, "product": "premium"}),
        (
            "accepted",
            "0.00",
            None,
            {
                **runs,
                "status": "paused",
                "product": "premium",
                "access_until": "2026-03-20",
                "renews_on": None,
                "resume_on": "2026-04-02",
                "still_billed": billed,
            },
        ),
        (
            "accepted",
            "150.00",
            None,
            {
                **runs,
                "status": "active",
                "product": "credits_5000",
                "access_until": "2027-03-20",
                "renews_on": None,
                "credits": 5000,
                "expires_on": "2027-03-20",
                "invoice": 6,
            },
        ),
        ("accepted", "0.00", day, {**active, "product": "premium"}),
        ("accepted", "0.00", None, {**leaves, "product": "premium", "on": day, "ending": ending}),
    ]


@pytest.mark.parametrize(("commands", "last"), OUTCOMES)
def test_the_last_event_of_an_answer_says_what_was_done(commands: tuple[c.Command, ...], last: str) -> None:
    account = GivenAccount()
    answers = [account.give(command, "2026-03-20") for command in commands]
    assert answers[-1].events[-1] == last


@pytest.mark.parametrize(("commands", "facts"), ALREADY)
def test_an_unchanged_command_names_what_is_so_already(
    commands: tuple[c.Command, ...], facts: dict[str, Any]
) -> None:
    answer = having(*commands).give(commands[-1], "2026-03-20")
    assert (answer.outcome, answer.code, answer.events) == ("unchanged", None, ())
    assert facts.items() <= answer.facts.items()


def test_what_staff_alone_may_do_names_their_roles() -> None:
    account = GivenAccount()
    note = account.give(c.CreditNote(1, "goodwill"), "2026-03-01")
    assert note.facts == {"role": "owner", "allowed": ["support", "finance"]}
    pay_out = account.give(c.PayOut(), "2026-03-01", role="support")
    assert pay_out.facts == {"role": "support", "allowed": ["finance"]}
