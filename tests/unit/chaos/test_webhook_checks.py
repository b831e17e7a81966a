"""What an endpoint may not have received after a chaos run is found: each test breaks one promise."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from eventlog import StoredEvent
from eventlog.memory import MemoryEventLog
from scripts.chaos.journal import Told
from scripts.chaos.log_checks import rows_of
from scripts.chaos.webhooks import WANTED, webhook_problems
from tests.support.publishing.histories import append_all, history_of

TENANT, ACCOUNT = "acme", "acme/a-1"


@pytest.fixture(scope="module")
def rows() -> list[StoredEvent]:
    log = MemoryEventLog()
    append_all(log, {ACCOUNT: history_of(ACCOUNT, 1), "other/a-1": history_of("other/a-1", 2)}, 3)
    return rows_of(log)


def told(rows: list[StoredEvent]) -> Iterator[Told]:
    """What both endpoints are to receive."""
    for path, types in WANTED.items():
        previous = None
        for row in [row for row in rows if row.account_id == ACCOUNT and (not types or row.type in types)]:
            message_id = f"we{path}_{row.position}"
            yield Told(path, message_id, ACCOUNT, row.version, previous, row.position)
            previous = row.version


@pytest.fixture
def came(rows: list[StoredEvent]) -> list[Told]:
    return list(told(rows))


def problems(came: list[Told], rows: list[StoredEvent]) -> str:
    return "\n".join(webhook_problems(rows, came, TENANT))


def test_every_event_once_and_in_order_is_no_problem(came: list[Told], rows: list[StoredEvent]) -> None:
    assert len([one for one in came if one.path == "/all"]) > 5
    assert len([one for one in came if one.path == "/some"]) > 1
    assert problems(came, rows) == ""


def test_a_message_that_comes_again_is_no_problem(came: list[Told], rows: list[StoredEvent]) -> None:
    assert problems([*came[:3], came[1], *came[2:]], rows) == ""


def test_one_that_never_came_is_found(came: list[Told], rows: list[StoredEvent]) -> None:
    many = len([one for one in came if one.path == "/all"])
    assert problems([*came[: many - 1], *came[many:]], rows) == (
        f"webhooks /all, {ACCOUNT}: {many - 1} events came, of {many}"
    )


def test_one_that_came_before_its_turn_is_found(came: list[Told], rows: list[StoredEvent]) -> None:
    assert problems([came[0], came[2], came[1], *came[3:]], rows) == (
        f"webhooks /all, {ACCOUNT}: (3, 2, {came[2].position}) came where version 2 was to come"
    )


def test_one_that_hides_a_gap_is_found(came: list[Told], rows: list[StoredEvent]) -> None:
    hidden = replace(came[3], previous=came[1].version)
    assert "came where version 4 was to come" in problems([*came[:3], hidden, *came[4:]], rows)


def test_an_event_under_another_id_is_found(came: list[Told], rows: list[StoredEvent]) -> None:
    again = replace(came[0], message_id="another")
    assert problems([*came, again], rows) == (
        f"webhooks /all, {ACCOUNT}: version 1 came again as another message"
    )


def test_two_events_under_one_id_are_found(came: list[Told], rows: list[StoredEvent]) -> None:
    same = replace(came[1], message_id=came[0].message_id)
    assert problems([came[0], same, *came[2:]], rows) == (
        f"webhooks /all, {ACCOUNT}: two events came as the same message"
    )


def test_what_was_of_another_tenant_is_found(came: list[Told], rows: list[StoredEvent]) -> None:
    foreign = replace(came[0], subject="other/a-1", message_id="foreign")
    assert problems([*came, foreign], rows) == "webhooks /all, other/a-1: 1 events came, of 0"
