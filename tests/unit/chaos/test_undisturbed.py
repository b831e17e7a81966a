"""What `chaos-service` compares with an undisturbed run: of a fault nothing stays but a cancelled intent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest

from eventlog import StoredEvent
from scripts.chaos.journal import Entry, Given
from scripts.chaos.money_checks import Charge
from scripts.chaos.undisturbed import undisturbed_problems
from tests.support.service.gateways import UnreliableGateway
from tests.support.service.world import World, memory_world, minutes

UNTIL = datetime(2026, 5, 1, tzinfo=UTC)
REASON = {"reason": "service_failure"}
LINES: list[dict[str, Any]] = [
    {"do": "open_account", "currency": "EUR", "time_zone": "Europe/Paris", "at": "2026-03-20"},
    {"do": "purchase_plan", "product": "standard", "at": "2026-03-20"},
    {"do": "purchase_addon", "product": "surveys", "at": "2026-04-05"},
    {"do": "credit_note", "invoice": 1, "net": "0.50", "line": 1, "at": "2026-04-06"} | REASON,
]


@pytest.fixture
def gateway() -> UnreliableGateway:
    return UnreliableGateway()


@pytest.fixture
def world(gateway: UnreliableGateway) -> World:
    return memory_world(gateway)


def _lines(lines: Sequence[dict[str, Any]] = LINES) -> list[dict[str, Any]]:
    return [{**line, "account": "a1", "id": f"c{nth}"} for nth, line in enumerate(lines)]


def _problems(
    world: World,
    gateway: UnreliableGateway,
    lines: Sequence[dict[str, Any]],
    rows: Sequence[StoredEvent] | None = None,
) -> list[str]:
    entries: list[Entry] = [Given(line["id"], line) for line in lines]
    charges = {key: Charge(answer, None, None) for key, answer in gateway.answers.items()}
    refunds: dict[UUID, Charge] = {key: Charge(answer, None, None) for key, answer in gateway.refunds.items()}
    history = world.log.read_account("main/a1") if rows is None else rows
    return list(undisturbed_problems(history, entries, charges, refunds, "main", UNTIL))


def test_a_run_with_a_lost_charge_and_its_repetition_comes_out_as_an_undisturbed_one(
    world: World, gateway: UnreliableGateway
) -> None:
    for line in _lines():
        if line["do"] == "purchase_addon":
            gateway.charges_fail = True
            world.say(**line)
            gateway.charges_fail = False
            world.clock.advance(minutes(5))
        world.say(**line)
    world.service.settle("main/a1", UNTIL)

    assert "payment_cancelled" in world.happened()
    assert _problems(world, gateway, _lines()) == []


def test_an_event_that_no_undisturbed_run_makes_is_found(world: World, gateway: UnreliableGateway) -> None:
    for line in _lines():
        world.say(**line)
    world.service.settle("main/a1", UNTIL)
    history = world.log.read_account("main/a1")

    assert _problems(world, gateway, _lines(), history[:-1])
    [another] = _problems(world, gateway, _lines(), [*history, history[-1]])
    assert "events, without faults" in another
    charged = history[-1].state.replace(b'"27.50"', b'"28.50"')
    assert charged != history[-1].state
    [problem] = _problems(
        world, gateway, _lines(), [*history[:-1], msgspec.structs.replace(history[-1], state=charged)]
    )
    assert "without faults" in problem


def test_a_decline_learnt_after_a_correction_comes_out_as_one_learnt_at_once(
    world: World, gateway: UnreliableGateway
) -> None:
    opened = LINES[0] | {"policies": {"collection": {"retry_days": [1, 3], "remind_before_lapse": 3}}}
    declining = {"do": "payment_method", "works": False, "at": "2026-04-10"}
    note = LINES[3] | {"at": "2026-04-22"}
    lines = _lines([opened, *LINES[1:3], declining, note])
    for line in lines[:-1]:
        world.say(**line)
    gateway.charges_are_lost = gateway.finishes_fail = True
    world.say(**lines[-1])  # it renews on the way, and has no answer to that of 20 April
    world.say(**lines[-1])  # it does not wait for that answer
    gateway.charges_are_lost = gateway.finishes_fail = False
    world.clock.advance(minutes(5))
    world.service.settle("main/a1", UNTIL)

    happened = world.happened()
    assert happened.index("credit_note_issued") < happened.index("payment_reminder")
    assert _problems(world, gateway, lines) == []
    lowered = [
        msgspec.structs.replace(row, state=row.state.replace(b'"due":"27.50"', b'"due":"27.00"'))
        for row in world.log.read_account("main/a1")
    ]
    told = [row.type for row in lowered if b'"due":"27.00"' in row.state]
    assert told == ["payment_reminder"] * 3
    [problem] = _problems(world, gateway, lines, lowered)  # of the third alone, of 23 April
    assert "version 16: payment_reminder" in problem
