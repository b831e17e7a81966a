"""`drive` takes each step of a conversation to whoever records and charges."""

from __future__ import annotations

import pytest

from domain import commands as c
from domain import events as e
from domain.answers import Answer
from domain.conclude import PaymentAnswer
from domain.process import Conversation, drive, handle
from domain.state import Account, PendingPayment
from tests.support.domain.given import GivenAccount


class LostRace(Exception):  # noqa: N818 - what another writer does, no error of ours
    pass


def purchase(account: GivenAccount) -> Conversation[object]:
    request = account.request(c.PurchasePlan("standard"), "2026-03-20")
    return handle(account.state, request, account.catalogues)


def test_the_intent_is_appended_before_the_charge_and_its_outcome_after_it() -> None:
    account, taken = GivenAccount(), list[str]()

    def append(events: tuple[e.Event, ...]) -> Account:
        taken.extend(e.type_name(event) for event in events)
        return account.append(*events)

    def charge(payment: PendingPayment) -> PaymentAnswer:
        taken.append(f"charge {payment.amount}")
        return "paid"

    answer = drive(purchase(account), append=append, charge=charge)
    assert isinstance(answer, Answer)
    assert answer.outcome == "accepted"
    assert taken == ["payment_started", "charge 20.00", "plan_purchased"]


def test_what_an_append_raises_ends_the_conversation() -> None:
    def append(_events: tuple[e.Event, ...]) -> Account:
        raise LostRace

    conversation = purchase(GivenAccount())
    with pytest.raises(LostRace):
        drive(conversation, append=append, charge=lambda _: "paid")
    with pytest.raises(StopIteration):
        next(conversation)
