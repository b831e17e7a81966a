"""`prorata history`, `show` and `diff`: an account's past at the command line, on a real PostgreSQL."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import msgspec
import pytest

from eventlog.postgres.log import PostgresEventLog
from projections.history.as_of import AtVersion, as_of
from projections.models import access_windows, entitlements, invoices
from tests.support.command_line import CommandLine, answered, step
from tests.support.projections.fold_driver import unreadable


@pytest.fixture
def prorata(database_url: str) -> CommandLine:
    """`a1` on a test clock: Standard since 20 March, a custom domain bought on 5 April and removed on 7."""
    command_line = CommandLine(database_url)
    assert command_line("migrate").exit_code == 0
    done = command_line.commands(
        step("2026-03-20", "open_account", currency="EUR", time_zone="Europe/Paris"),
        step("2026-03-20", "purchase_plan", product="standard"),
        step("2026-04-05T18:30", "purchase_addon", product="custom_domain"),
        step("2026-04-07", "remove_addon", product="custom_domain"),
    )
    assert done.exit_code == 0, done.err
    return command_line


def statuses(shown: Any) -> dict[str, str]:
    return {one["product"]: one["status"] for one in shown["entitlements"]["entitlements"]}


@pytest.mark.parametrize("version", [3, 6])
def test_at_a_version_it_shows_the_documents_of_the_state_topics(
    prorata: CommandLine, database_url: str, version: int
) -> None:
    with closing(PostgresEventLog(database_url)) as log:
        row, at = log.event("main/a1", version), AtVersion(version)
        assert row is not None
        [held] = as_of(log, entitlements.FOLD, "main/a1", at)
        [windows] = as_of(log, access_windows.FOLD, "main/a1", at)
        issued = as_of(log, invoices.FOLD, "main/a1", at)
    by_version = answered(prorata("show", "a1", "--version", str(version), "--json"))
    assert (by_version["version"], by_version["position"]) == (row.version, row.position)
    for name, document in {"entitlements": held, "access_windows": windows, "invoices": issued}.items():
        assert by_version[name] == msgspec.json.decode(msgspec.json.encode(document))
    assert answered(prorata("show", "a1", "--position", str(row.position), "--json")) == by_version
    if version == 6:
        assert answered(prorata("show", "a1", "--json")) == by_version


def test_what_was_removed_has_ended_at_its_cycle_s_end_though_no_event_says_so(prorata: CommandLine) -> None:
    before = answered(prorata("show", "a1", "--at", "2026-04-19T23:59", "--json"))
    after = answered(prorata("show", "a1", "--at", "2026-04-20", "--json"))
    assert (statuses(before)["custom_domain"], before["usable"]) == ("ending", ["custom_domain", "standard"])
    assert (statuses(after)["custom_domain"], after["usable"]) == ("ended", [])
    assert after["version"] == before["version"]
    assert [event["type"] for event in after["by_time"]] == ["addon_ended"]
    assert [one["product"] for one in after["awaited"]] == ["standard"]


def test_what_was_known_is_told_from_what_was_so(prorata: CommandLine) -> None:
    history = prorata("history", "a1", "--json").answers
    removal = history[-1]["recorded_at"]
    assert prorata.commands(step("2026-04-21", "pause_plan", family="marketing")).exit_code == 0
    believed = answered(prorata("show", "a1", "--at", "2026-04-22", "--known-at", removal, "--json"))
    true = answered(prorata("show", "a1", "--at", "2026-04-22", "--json"))
    assert (statuses(believed)["standard"], statuses(true)["standard"]) == ("active", "paused")
    assert (believed["version"], len(believed["invoices"]), len(true["invoices"])) == (6, 2, 3)
    at = ("--from", "2026-04-22", "--to", "2026-04-22", "--known-from", removal)
    learned = answered(prorata("diff", "a1", *at, "--json"))
    [status] = [c for c in learned["changes"] if (c["of"], c["field"]) == ("standard", "status")]
    assert (status["before"], status["after"]) == ("active", "paused")
    told = {event["version"]: event["type"] for event in learned["events"]}
    assert [told[version] for version in status["because"]] == ["plan_paused"]


def test_a_difference_is_said_in_words_with_the_events_that_did_it(prorata: CommandLine) -> None:
    english = prorata("diff", "a1", "--from", "2026-04-05", "--to", "version:6")
    assert english.exit_code == 0, english.err
    text = " ".join(english.out.split())
    assert "custom_domain is new: ending, €10.00 a cycle, can be used until 20 Apr 2026. [5, 6]" in text
    assert "Invoice 2 of 5 Apr 2026 was issued: €4.84, paid. [5]" in text
    assert "was removed; it ends on 20 Apr 2026. [R26]" in text
    french = prorata("diff", "a1", "--from", "version:5", "--language", "fr").out
    assert "custom_domain : prend fin (avant : actif). [6]" in " ".join(french.split())
    same = prorata("diff", "a1", "--from", "version:6")
    assert "Nothing." in same.out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("show", "nobody"), "unknown_account"),
        (("diff", "nobody", "--from", "version:1"), "unknown_account"),
        (("show", "a1", "--at", "2026-03-19"), "no_account_yet"),
        (("show", "a1", "--known-at", "2020-01-01"), "no_account_yet"),
        (("show", "a1", "--at", "soon"), "invalid_moment"),
        (("show", "a1", "--known-at", "soon"), "invalid_moment"),
        (("show", "a1", "--version", "9"), "unknown_version"),
        (("show", "a1", "--position", "99"), "unknown_position"),
        (("show", "a1", "--position", "1", "--version", "1"), "one_moment_only"),
        (("diff", "a1", "--from", "version:x"), "invalid_moment"),
        (("diff", "a1"), "usage"),
    ],
)
def test_what_cannot_be_looked_at_is_bad_input(
    prorata: CommandLine, arguments: tuple[str, ...], code: str
) -> None:
    done = prorata(*arguments)
    assert (done.exit_code, done.out) == (2, "")
    assert done.err.startswith(f"prorata: {code}: ")


def test_a_history_can_be_had_as_it_was_known(prorata: CommandLine) -> None:
    recorded = [event["recorded_at"] for event in prorata("history", "a1", "--json").answers]
    known = prorata("history", "a1", "--known-at", recorded[2], "--json").answers
    assert [event["recorded_at"] for event in known] == [at for at in recorded if at <= recorded[2]]
    text = prorata("history", "a1", "--known-at", recorded[2]).out
    assert "standard was bought" in text
    assert "custom_domain" not in text
    before = prorata("history", "a1", "--known-at", "2020-01-01")
    assert (before.exit_code, before.out) == (2, "")


def test_an_event_that_cannot_be_read_is_named_and_stands_in_no_earlier_look_s_way(
    prorata: CommandLine, database_url: str
) -> None:
    log = PostgresEventLog(database_url)
    log.append("main/a1", log.head("main/a1"), [unreadable("addon_purchased", b"{")])
    log.close()
    told = prorata("history", "a1")
    assert told.exit_code == 1
    assert "addon_purchased in schema version 1" in told.out
    assert "cannot be read: Input data was truncated" in told.out
    assert "custom_domain was removed" in told.out
    assert prorata("history", "a1", "--json").exit_code == 0
    assert prorata("show", "a1", "--version", "6").exit_code == 0
    now = prorata("show", "a1")
    assert (now.exit_code, now.out) == (4, "")
    assert now.err.startswith("prorata: event_unreadable: ")


def test_all_fits_80_columns(prorata: CommandLine) -> None:
    for arguments in (("show", "a1", "--at", "2026-05-01"), ("diff", "a1", "--from", "version:1")):
        done = prorata(*arguments)
        assert done.exit_code == 0, done.err
        assert max(map(len, done.out.splitlines())) <= 80
