"""`prorata clock` moves an account on a test clock on: what falls due happens, each at its own instant."""

from __future__ import annotations

import pytest

from tests.support.command_line import OPEN, CommandLine, step


@pytest.fixture
def prorata(database_url: str) -> CommandLine:
    command_line = CommandLine(database_url)
    assert command_line("migrate").exit_code == 0
    return command_line


def told(prorata: CommandLine, until: str) -> list[tuple[str, str]]:
    """Type and instant of each event on the way."""
    done = prorata("clock", "a1", "--advance-to", until, "--json")
    assert (done.exit_code, done.err) == (0, "")
    return [(event["type"], event["effective_at"]) for event in done.answers]


def test_renewals_on_the_way_are_billed_each_at_its_own_instant(prorata: CommandLine) -> None:
    bought = step("2026-03-20", "purchase_plan", product="standard")
    assert prorata.commands(OPEN, bought).exit_code == 0
    assert told(prorata, "2026-05-20") == [
        ("cycles_renewed", "2026-04-19T22:00:00Z"),
        ("invoice_paid", "2026-04-19T22:00:00Z"),
        ("cycles_renewed", "2026-05-19T22:00:00Z"),
        ("invoice_paid", "2026-05-19T22:00:00Z"),
    ]
    assert told(prorata, "2026-05-21") == []


def test_every_try_on_the_way_is_made(prorata: CommandLine) -> None:
    """In one settling only the last would be (R53)."""
    policies = {"collection": {"retry_days": [1, 3, 5, 7]}}
    lines = (
        {**OPEN, "policies": policies},
        step("2026-03-20", "purchase_plan", product="standard"),
        step("2026-04-01", "payment_method", works=False),
    )
    assert prorata.commands(*lines).exit_code == 0
    tried = [at for event, at in told(prorata, "2026-05-01") if event == "try_declined"]
    assert tried == [f"2026-04-{day}T22:00:00Z" for day in (20, 22, 24, 26)]


def test_it_says_what_happened(prorata: CommandLine) -> None:
    assert prorata.commands(OPEN, step("2026-03-20", "purchase_plan", product="standard")).exit_code == 0
    said = prorata("clock", "a1", "--advance-to", "2026-04-20").out
    assert "2026-04-20                 cycles_renewed (R23, R24)" in said
    assert prorata("clock", "a1", "--advance-to", "2026-04-20").out == "nothing fell due up to 2026-04-20\n"


def test_a_clock_does_not_go_back_and_only_a_test_clock_is_moved(prorata: CommandLine) -> None:
    assert prorata.commands(OPEN).exit_code == 0
    early = prorata("clock", "a1", "--advance-to", "2026-03-19")
    assert (early.exit_code, "at_too_early" in early.err) == (2, True)
    missing = prorata("clock", "a2", "--advance-to", "2026-03-21")
    assert (missing.exit_code, "unknown_account" in missing.err) == (2, True)
    opened = {**OPEN, "account": "w1"}
    del opened["at"]
    assert prorata.commands(opened, test_clock=False).exit_code == 0
    wall = prorata("clock", "w1", "--advance-to", "2099-03-21")
    assert (wall.exit_code, "wrong_clock" in wall.err) == (2, True)
