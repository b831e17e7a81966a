"""The checks after a chaos run find what they are there to find: each test breaks one promise."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain import events as e
from domain.commands import PurchasePlan
from eventlog import Head, StoredEvent
from eventlog.codec import domain_codec
from eventlog.memory import MemoryEventLog
from scripts.chaos.appending import TENANT, new_events
from scripts.chaos.journal import Answered, Entry, Given, Lost, Row, Sent, Stored
from scripts.chaos.log_checks import append_problems, chain_problems, command_problems, rows_of
from scripts.chaos.money_checks import Charge, payment_problems
from tests.support.projections.fold_driver import Billing

ACCOUNT = f"{TENANT}/hot-1"


@pytest.fixture
def log() -> MemoryEventLog:
    return MemoryEventLog()


@pytest.fixture
def entries(log: MemoryEventLog) -> list[Entry]:
    """The journal of two appends, of one and of three events, both acknowledged."""
    journal: list[Entry] = []
    for count in (1, 3):
        head = log.head(ACCOUNT)
        stored = log.append(ACCOUNT, head, new_events(head.version, count))
        ids = tuple([row.event_id for row in stored])
        rows = tuple([Row(row.position, row.version, row.hash.hex()) for row in stored])
        journal += [Sent(ACCOUNT, head.version, ids), Stored(ids, rows)]
    return journal


def of_appends(rows: list[StoredEvent], entries: list[Entry]) -> str:
    return "\n".join(append_problems(rows, entries, TENANT))


def test_a_log_that_holds_what_it_acknowledged_has_no_problem(
    log: MemoryEventLog, entries: list[Entry]
) -> None:
    rows = rows_of(log)
    assert of_appends(rows, entries) == ""
    assert list(chain_problems(log, rows, 4)) == []


def test_an_acknowledged_event_that_is_missing_is_found(log: MemoryEventLog, entries: list[Entry]) -> None:
    assert "is not there" in of_appends(rows_of(log)[:3], entries)


def test_an_acknowledged_event_that_became_another_one_is_found(
    log: MemoryEventLog, entries: list[Entry]
) -> None:
    *before, last = rows_of(log)
    assert "was acknowledged as" in of_appends([*before, replace(last, position=99)], entries)


def test_half_of_an_append_whose_fate_nobody_knows_is_found(
    log: MemoryEventLog, entries: list[Entry]
) -> None:
    unknown = entries[:-1]
    assert of_appends(rows_of(log), unknown) == of_appends(rows_of(log)[:1], unknown) == ""
    assert "there is [2, 3, None]" in of_appends(rows_of(log)[:3], unknown)


def test_an_event_of_a_refused_append_is_found(log: MemoryEventLog, entries: list[Entry]) -> None:
    assert isinstance(entries[2], Sent)
    assert "was refused for a conflict and is there" in of_appends(
        rows_of(log), [*entries[:3], Lost(entries[2].ids)]
    )


def test_an_event_that_nobody_sent_is_found(log: MemoryEventLog, entries: list[Entry]) -> None:
    assert "nobody sent it" in of_appends(rows_of(log), entries[:2])


def test_a_doubled_event_and_a_broken_chain_are_found(log: MemoryEventLog, entries: list[Entry]) -> None:
    rows = rows_of(log)
    problems = "\n".join(chain_problems(log, [*rows, rows[-1]], 4))
    assert "followers read 5" in problems
    assert "stands in the log 2 times" in problems
    assert "repeated" in problems
    assert "missing" in "\n".join(chain_problems(log, [rows[0], *rows[2:]], 3))


# ---- commands and payments -------------------------------------------------


@pytest.fixture
def bought(log: MemoryEventLog) -> list[StoredEvent]:
    """An account that bought a plan: opened, the payment's intent, the purchase."""
    billing = Billing(log)
    billing.open("chaos/c1", "2026-03-20")
    billing.give("chaos/c1", PurchasePlan("standard"), "2026-03-20")
    opened, *bought = rows_of(log)
    return [opened, *[replace(row, command_id="buy") for row in bought]]


def answer(row: StoredEvent, **changed: Any) -> Answered:
    facts = {
        "account": "c1",
        "outcome": "accepted",
        "code": None,
        "version": row.version,
        "events": [row.type],
    }
    return Answered("buy", facts | changed)


def of_commands(rows: list[StoredEvent], *answers: Answered, given: bool = True) -> str:
    entries: list[Entry] = [Given("buy", {})] if given else []
    return "\n".join(command_problems(rows, [*entries, *answers], "chaos"))


def test_a_command_done_and_answered_once_has_no_problem(bought: list[StoredEvent]) -> None:
    assert of_commands(bought, answer(bought[-1]), answer(bought[-1])) == ""


def test_a_command_done_twice_is_found(bought: list[StoredEvent]) -> None:
    twice = replace(bought[-1], version=4, event_id=UUID(int=9))
    assert "was done 2 times" in of_commands([*bought, twice], answer(bought[-1]))


def test_a_command_that_nobody_gave_and_one_without_an_answer_are_found(bought: list[StoredEvent]) -> None:
    assert "nobody gave it" in of_commands(bought, given=False)
    assert "was never answered" in of_commands(bought)


def test_an_answer_that_the_log_does_not_bear_out_is_found(bought: list[StoredEvent]) -> None:
    assert "and the log has None" in of_commands(bought[:-1], answer(bought[-1]))
    message = of_commands(bought, answer(bought[-1]), answer(bought[-1], code="unlike"))
    assert "in different ways" in message


def test_a_charge_without_intent_and_an_intent_without_its_charge_are_found(
    bought: list[StoredEvent],
) -> None:
    intent = next(row for row in bought if row.type == "payment_started")
    taken = {intent.event_id: Charge("paid", _amount(bought), "chaos/c1")}
    assert list(payment_problems(bought, taken)) == []
    assert "without its answer" in "\n".join(payment_problems(bought, {}))
    assert "no intent is in the log" in "\n".join(
        payment_problems(bought, taken | {UUID(int=5): Charge("paid", _amount(bought), "chaos/c1")})
    )
    declined = {intent.event_id: Charge("declined", _amount(bought), "chaos/c1")}
    assert "was concluded by plan_purchased" in "\n".join(payment_problems(bought, declined))
    assert "was charged" in "\n".join(
        payment_problems(bought, {intent.event_id: Charge("paid", 2 * _amount(bought), "chaos/c1")})
    )


def _amount(rows: list[StoredEvent]) -> Any:
    [started] = [domain_codec().read(row) for row in rows if row.type == "payment_started"]
    assert isinstance(started, e.PaymentStarted)
    return started.amount


def test_the_events_of_appends_fold_from_any_version(log: MemoryEventLog) -> None:
    stored = log.append(ACCOUNT, Head.NONE, new_events(0, 2))
    assert [row.type for row in stored] == ["account_opened", "price_overridden"]
