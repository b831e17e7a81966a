"""A command repeated under its key is done once (section 10)."""

from __future__ import annotations

from typing import Any

import pytest

from domain import commands as c
from domain.answers import Answer, answer_of
from domain.decide import Repeated, command_ref
from domain.state import REMEMBERED_COMMANDS
from tests.support.domain.given import GivenAccount

STANDARD = c.PurchasePlan("standard")


def test_a_repeated_command_finds_its_first_answer_and_does_nothing() -> None:
    account = GivenAccount()
    first = account.give(STANDARD, "2026-03-20", id="k")
    version = account.state.version
    repeated = account.give_raw(account.request(STANDARD, "2026-09-01", id="k"))
    assert isinstance(repeated, Repeated)
    own = account.events[repeated.version - 1 :]
    assert answer_of(STANDARD, own, account.state, account.catalogues) == first
    assert account.state.version == version


def test_opening_an_account_is_a_command_with_a_key_like_any_other() -> None:
    account = GivenAccount()
    account._state = None
    opening = account.request(
        c.OpenAccount("EUR", "Europe/Paris", "test"), "2026-03-20", id="k", role="admin"
    )
    account.give_raw(opening)
    assert isinstance(account.give_raw(opening), Repeated)
    assert account.events[-1].command == command_ref(opening)


def test_a_declined_payment_is_answered_again_and_not_tried_again() -> None:
    account = GivenAccount()
    account.give(STANDARD, "2026-03-20", id="k", payment="declined")
    repeated = account.give_raw(account.request(STANDARD, "2026-03-21", id="k"))
    assert isinstance(repeated, Repeated)
    own = account.events[repeated.version - 1 :]
    answer = answer_of(STANDARD, own, account.state, account.catalogues)
    assert answer.code == "payment_declined"
    assert len(account.state.declines) == 1


def test_a_cancelled_payment_frees_the_key_for_another_command() -> None:
    account = GivenAccount()
    cancelled = account.give(STANDARD, "2026-03-20", id="k", payment="cancelled")
    assert cancelled.code == "payment_cancelled"
    assert account.give(c.PurchasePlan("premium"), "2026-03-20", id="k").outcome == "accepted"


def test_a_refused_command_is_decided_anew_under_its_key() -> None:
    account = GivenAccount()
    ip = c.PurchaseAddon("dedicated_ip")
    assert account.give(ip, "2026-03-01", id="k").code == "prerequisite_missing"
    account.give(STANDARD, "2026-03-02")
    assert account.give(ip, "2026-03-02", id="k").outcome == "accepted"


def test_an_unchanged_command_is_decided_anew_under_its_key() -> None:
    account = GivenAccount()
    account.give(c.PurchaseAddon("surveys"), "2026-03-01")
    account.give(c.RemoveAddon("surveys"), "2026-03-02")
    assert account.give(c.RemoveAddon("surveys"), "2026-03-02", id="k").outcome == "unchanged"
    account.give(c.Undo("surveys"), "2026-03-03")
    assert account.give(c.RemoveAddon("surveys"), "2026-03-03", id="k").outcome == "accepted"


@pytest.mark.parametrize(
    ("command", "fields"),
    [
        (c.PurchasePlan("premium"), {}),
        (c.PurchasePlan("standard", "2500"), {}),
        (c.PurchaseAddon("standard"), {}),
        (STANDARD, {"role": "admin"}),
        (STANDARD, {"expected_total": "20.01"}),
        (STANDARD, {"expected_total": None}),
    ],
)
def test_the_key_with_other_contents_is_refused(command: c.Command, fields: dict[str, Any]) -> None:
    account = GivenAccount()
    account.give(STANDARD, "2026-03-20", id="k", expected_total="20.00")
    given = {"expected_total": "20.00", **fields}
    assert account.give(command, "2026-03-20", id="k", **given).code == "command_id_reused"


@pytest.mark.parametrize("fields", [{"cvv": False}, {"billing": False}, {"expected_total": "20.0"}])
def test_the_confirmation_and_the_way_a_total_is_written_are_no_contents(fields: dict[str, Any]) -> None:
    account = GivenAccount()
    account.give(STANDARD, "2026-03-20", id="k", expected_total="20.00")
    given = {"expected_total": "20.00", **fields}
    assert isinstance(account.give_raw(account.request(STANDARD, "2026-03-20", id="k", **given)), Repeated)


def test_the_same_contents_have_the_same_fingerprint_in_every_release() -> None:
    """It stands in the log: with another one, a key used before an update would be refused after it."""
    request = GivenAccount().request(STANDARD, "2026-03-20", id="k", expected_total="20.00")
    assert request.fingerprint == "3ed33613d36cb0cdc45993d8cf9760e5"


def test_a_repeated_command_is_answered_before_everything_else_is_asked() -> None:
    account = GivenAccount()
    account.give(STANDARD, "2026-03-20", id="k")
    account.give(c.CloseAccount(), "2026-03-21")
    assert isinstance(account.give_raw(account.request(STANDARD, "2026-03-22", id="k")), Repeated)


def test_a_repeated_command_is_answered_while_the_payment_of_another_has_no_answer() -> None:
    account = GivenAccount()
    account.give(STANDARD, "2026-03-20", id="k")
    surveys = account.request(c.PurchaseAddon("surveys"), "2026-03-21", id="s")
    assert account.give_raw(surveys, payment=None) is None
    assert isinstance(account.give_raw(account.request(STANDARD, "2026-03-21", id="k")), Repeated)
    again = account.give_raw(surveys)
    assert isinstance(again, Answer)
    assert again.code == "payment_in_progress"


def test_the_last_thousand_keys_are_remembered_and_the_state_says_when_some_are_forgotten() -> None:
    account = GivenAccount()
    account.give(c.PurchaseAddon("surveys"), "2026-03-01")
    for number in range(REMEMBERED_COMMANDS):
        command = c.Undo("surveys") if number % 2 else c.RemoveAddon("surveys")
        account.give(command, "2026-03-01", id=f"k{number}")
    assert REMEMBERED_COMMANDS == 1000
    assert (len(account.state.commands), account.state.forgotten_commands) == (1000, False)
    account.give(c.RemoveAddon("surveys"), "2026-03-01", id="one more")
    assert (len(account.state.commands), account.state.forgotten_commands) == (1000, True)
    assert "k0" not in account.state.commands
    assert "k1" in account.state.commands


def test_a_request_says_nothing_that_was_not_given() -> None:
    """Above all no confirmation (R15)."""
    request = c.Request(STANDARD, GivenAccount().state.last_at, "wall")
    assert (request.cvv, request.billing, request.expected_total, request.id) == (False, False, None, None)
    assert request.role == "owner"
