"""What each answer about money beside the charge says, and of whom its events come (R54-R68, R79, R96)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from domain import commands as c
from domain import events as e
from domain.answers import Answer
from domain.conclude import AnsweredPayment
from domain.decide import command_ref
from domain.facts import FACTS_AFTER
from tests.support.domain.booking_answers import billed, charged_back, declined, every_booking_answer
from tests.support.domain.given import GivenAccount

REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("dispute_open", {"invoices": [1]}),
    ("not_creditable", {"invoice": 2, "late_invoice": 2}),
    ("billing_details_missing", {}),
    ("tax_unavailable", {}),
    ("unknown_discount", {"discount": "NEVER"}),
    ("discount_over", {"discount": "SPRING", "last_day": "2026-03-01"}),
    ("already_used", {"discount": "TRIAL"}),
    ("already_used", {"discount": "AGAIN", "products": ["standard"]}),
    ("unknown_invoice", {"invoice": 9}),
    ("not_creditable", {"invoice": 1}),
    ("over_credited", {"invoice": 1}),
    ("over_credited", {"credit": "0.00", "currency": "EUR"}),
    ("limit_exceeded", {"limit": "5.00", "given": "0.00", "currency": "EUR"}),
    ("forbidden", {"role": "owner", "allowed": ["support", "finance"]}),
    ("invalid_amount", {"amount": "0.001", "currency": "EUR"}),
    ("over_credited", {"invoice": 1, "recoverable": "20.00", "currency": "EUR"}),
]
"""The refusals of `every_booking_answer`, in order: code and facts."""

DONE: list[tuple[str, dict[str, Any]]] = [
    (
        "accepted",
        {"credit_note": "C1", "invoice": 1, "total": "3.00", "refunding": "3.00", "currency": "EUR"},
    ),
    (
        "accepted",
        {"credit_note": "C2", "invoice": 1, "total": "2.00", "to_account": "2.00", "currency": "EUR"},
    ),
    ("accepted", {"product": "surveys", "invoice": 2, "credit_taken": "2.00", "currency": "EUR"}),
    ("accepted", {"amount": "1.00", "currency": "EUR"}),
    (
        "accepted",
        {
            "credit_note": "C4",
            "invoice": 2,
            "total": "7.02",
            "refunding": "5.02",
            "to_account": "2.00",
            "ended": ["surveys"],
            "currency": "EUR",
        },
    ),
    (
        "accepted",
        {
            "credit_note": "C1",
            "invoice": 2,
            "total": "20.00",
            "refunding": "4.00",
            "instead_of": 1,
            "currency": "EUR",
        },
    ),
    (
        "accepted",
        {
            "product": "premium",
            "invoice": 2,
            "credit_taken": "20.12",
            "credit_notes": [{"credit_note": "C1", "invoice": 1, "total": "20.12"}],
            "currency": "EUR",
        },
    ),
    ("accepted", {"credit": "1.00", "currency": "EUR"}),
    ("accepted", {"credit_note": "C1", "invoice": 2, "total": "5.00", "lowered": "5.00", "currency": "EUR"}),
    ("accepted", {"invoice": 2, "currency": "EUR"}),
    ("unchanged", {"invoice": 2}),
    ("accepted", {"declined": "15.00", "currency": "EUR"}),
    ("accepted", {"until": "2026-04-22T00:30:00+02:00", "currency": "EUR"}),
    ("accepted", {}),
    ("unchanged", {}),
    ("accepted", {"amount": "2.00", "currency": "EUR"}),
    ("accepted", {"amount": "15.00", "paid": [2], "to_account": "2.00", "currency": "EUR"}),
    ("accepted", {}),
    ("accepted", {"tried": "20.00", "currency": "EUR"}),
    (
        "accepted",
        {
            "product": "standard",
            "credit_notes": [{"credit_note": "C1", "invoice": 2, "total": "20.00"}],
            "currency": "EUR",
        },
    ),
    ("accepted", {"country": "FR", "currency": "EUR"}),
    ("accepted", {"product": "standard", "invoice": 1, "free_until": "2026-04-20", "currency": "EUR"}),
    (
        "accepted",
        {
            "discount": "D2",
            "terms": {"percent": "15", "nonprofit": True, "last_day": "2026-12-31"},
            "currency": "EUR",
        },
    ),
    (
        "accepted",
        {
            "discount": "D3",
            "terms": {"fixed": "5.00", "carried": True, "last_day": "2027-03-20"},
            "currency": "EUR",
        },
    ),
    (
        "accepted",
        {
            "discount": "D4",
            "terms": {"percent": "10", "months": 3, "products": ["surveys"]},
            "currency": "EUR",
        },
    ),
    ("accepted", {"discount": "D5", "terms": {"percent": "10", "months": 1}, "currency": "EUR"}),
    ("accepted", {"discount": "D6", "terms": {"fixed": "5.00", "once": True}, "currency": "EUR"}),
    ("accepted", {"discount": "D2", "currency": "EUR"}),
    ("unchanged", {"discount": "D2"}),
    ("accepted", {"invoice": 1, "amount": "20.00", "currency": "EUR"}),
    ("unchanged", {"invoice": 1, "dispute": "opened"}),
    ("accepted", {"invoice": 1, "currency": "EUR"}),
    ("accepted", {"product": "surveys"}),
    ("unchanged", {"product": "surveys"}),
    ("unchanged", {"invoice": 1, "dispute": "lost"}),
    ("accepted", {"invoice": 1, "amount": "20.00", "ended": ["standard"], "currency": "EUR"}),
    ("accepted", {"amount": "20.00", "recovered": 1, "currency": "EUR"}),
    ("accepted", {"invoice": 1, "amount": "20.00", "currency": "EUR"}),
    ("accepted", {"invoice": 1, "invoices": [1, 2], "currency": "EUR"}),
    ("action_required", {"until": "2026-03-20T00:30:00+01:00"}),
]
"""Its other answers: outcome, and the facts beside those of every answer."""


def said(answer: Answer) -> dict[str, Any]:
    """The facts that are the answer's own."""
    return {name: fact for name, fact in answer.facts.items() if name not in (*FACTS_AFTER, "status")}


def test_each_refusal_about_money_says_what_it_is_about_and_how_much() -> None:
    refused = [answer for answer in every_booking_answer() if answer.outcome == "rejected"]
    assert [(answer.code, answer.facts) for answer in refused] == REFUSED


def test_each_answer_about_money_names_the_documents_and_where_the_money_went() -> None:
    done = [answer for answer in every_booking_answer() if answer.outcome != "rejected"]
    assert [(answer.outcome, said(answer)) for answer in done] == DONE


# ---- who did it ------------------------------------------------------------------


def with_credit() -> GivenAccount:
    account = billed()
    account.give(c.CreditNote(1, "other", 1, "1.00", to="account"), "2026-03-23", role="finance")
    return account


def with_discount() -> GivenAccount:
    account = billed()
    account.give(c.GrantDiscount(percent="10"), "2026-03-21", role="finance")
    return account


def disputed() -> GivenAccount:
    account = billed()
    account.give(c.OpenDispute(1), "2026-03-25")
    return account


OF_STAFF: list[tuple[Callable[[], GivenAccount], c.Command]] = [
    (billed, c.CreditNote(1, "goodwill", 1, "3.00")),
    (billed, c.GrantDiscount(percent="10")),
    (with_discount, c.WithdrawDiscount("D1")),
    (with_credit, c.PayOut()),
    (declined, c.StopTries(2)),
    (declined, c.RecordPayment("2.00")),
    (charged_back, c.WriteOff(1)),
    (billed, c.OpenDispute(1)),
    (disputed, c.WinDispute(1)),
    (disputed, c.LoseDispute(1)),
]


@pytest.mark.parametrize(("begun", "command"), OF_STAFF, ids=lambda value: type(value).__name__)
def test_every_event_of_a_booking_refers_to_its_command(
    begun: Callable[[], GivenAccount], command: c.Command
) -> None:
    account = begun()
    before = len(account.events)
    day = "2026-04-20" if begun is declined else "2026-04-06"
    request = account.request(command, day, role="finance", id="b-1")
    account.give_raw(request)
    own = [event for event in account.events[before:] if event.command is not None]
    assert own
    assert all(event.command == command_ref(request) for event in own)


def test_a_declined_try_says_why_as_the_renewal_before_it_did() -> None:
    account = billed()
    account.settle("2026-04-20", due=AnsweredPayment("declined", "insufficient_funds"))
    account.settle("2026-04-21", due=AnsweredPayment("declined", "limit_reached"))
    reasons = [
        event.decline_reason
        for event in account.events
        if isinstance(event, e.RenewalDeclined | e.TryDeclined)
    ]
    assert reasons == ["insufficient_funds", "limit_reached"]
