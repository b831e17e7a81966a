"""The books and the parked records, as finance people and operators ask for them at the command line."""

from __future__ import annotations

import csv
from pathlib import Path

import psycopg
import pytest

from publishing.clients import Broker
from tests.support.command_line import OPEN, CommandLine, Done, step

KEY = "main/a1"


@pytest.fixture
def prorata(database_url: str, kafka_bootstrap: Broker, topic_prefix: str) -> CommandLine:
    """An account with a plan and a domain, published."""
    prorata = CommandLine(database_url, kafka_bootstrap, topic_prefix)
    assert prorata("migrate").exit_code == 0
    done = prorata.commands(
        OPEN,
        step("2026-03-20", "purchase_plan", product="standard"),
        step("2026-04-05T18:30", "purchase_addon", product="custom_domain"),
    )
    assert done.exit_code == 0, done.err
    assert prorata("topics", "--check").exit_code == 4
    assert prorata("topics").exit_code == 0
    assert prorata("relay", "--once").exit_code == 0
    return prorata


def test_a_month_is_closed_checked_and_exported(prorata: CommandLine) -> None:
    def ledger(*arguments: str) -> Done:
        return prorata("ledger", *arguments, "--clock", "test")

    refused = ledger("close", "2026-03", "--yes")
    assert (refused.exit_code, refused.err.split(":")[1].strip()) == (1, "ledger_behind")
    assert prorata("consume", "finance_ledger", "--once").exit_code == 0
    closed = ledger("close", "2026-03", "--yes", "--json")
    assert closed.exit_code == 0, closed.err
    assert "2026-03 EUR: invoiced 20.00, paid 20.00, written off 0, earned 7.74" in closed.err
    balances = {answer["ledger_account"]: answer["balance"] for answer in closed.answers}
    assert balances["cash"] == "20.00"
    assert balances["revenue:standard"] == "-7.74"
    assert ledger("close", "2026-03", "--yes").exit_code == 1
    assert "1 invoice lines" not in ledger("recognise", "--through", "2026-04-10").out
    assert prorata("ledger", "check").exit_code == 0
    exported = ledger("export").out
    assert "2026-04-01 balance Assets:Cash:EUR 20.00 EUR" in exported
    assert "deferred_revenue" in ledger("show").out


def test_closing_asks_a_person_and_is_refused_where_nobody_can_be_asked(prorata: CommandLine) -> None:
    assert prorata("consume", "finance_ledger", "--once").exit_code == 0
    arguments = ("ledger", "close", "2026-03", "--clock", "test")
    refused = prorata(*arguments)
    assert (refused.exit_code, refused.out) == (2, "")
    assert "this closes 2026-03" in refused.err
    assert "confirmation_needed" in refused.err
    declined = prorata.at_terminal(*arguments, answer="no")
    assert (declined.exit_code, "nothing was closed" in declined.err) == (1, True)
    confirmed = prorata.at_terminal(*arguments, answer="yes")
    assert (confirmed.exit_code, "deferred_revenue" in confirmed.out) == (0, True)
    again = prorata(*arguments, "--yes")
    assert (again.exit_code, again.err.split(":")[1].strip()) == (1, "month_closed")


def test_the_books_of_real_money_have_nothing_of_a_test_clock(prorata: CommandLine) -> None:
    assert prorata("consume", "finance_ledger", "--once").exit_code == 0
    shown = prorata("ledger", "show")
    assert "cash" not in shown.out
    assert "--clock test" in shown.err
    assert " * " not in prorata("ledger", "export").out
    assert prorata("ledger", "summary", "--json").out == ""
    assert prorata("ledger", "export", "--account", "a1").err.split(":")[1].strip() == "wrong_clock"


def test_an_export_takes_a_period_a_tenant_and_an_account(prorata: CommandLine) -> None:
    assert prorata("consume", "finance_ledger", "--once").exit_code == 0

    def exported(*arguments: str) -> list[dict[str, str]]:
        done = prorata("ledger", "export", "--format", "csv", "--clock", "test", *arguments)
        assert done.exit_code == 0, done.err
        return list(csv.DictReader(done.out.splitlines()))

    whole = exported()
    assert len(whole) == 4
    assert exported("--tenant", "main") == exported("--account", "a1") == whole
    assert exported("--tenant", "nobody") == []
    of_a_day = exported("--from", "2026-04-05", "--until", "2026-04-06")
    assert [row["kind"] for row in of_a_day] == ["issued", "paid"]
    assert exported("--from", "2026-03-21", "--until", "2026-04-05") == []
    summary = prorata("ledger", "summary", "--clock", "test", "--csv").out.splitlines()
    assert summary[0] == "month,currency,ledger_account,debits,credits,balance"
    assert "2026-04-01,EUR,cash,4.84,0,24.84" in summary
    for arguments in (("--account", "a2"), ("--from", "2026-04-05", "--until", "2026-04-05")):
        assert prorata("ledger", "export", *arguments).exit_code == 2


def test_a_system_may_refuse_test_clocks(prorata: CommandLine) -> None:
    prorata.environment["PRORATA_TEST_CLOCKS"] = "refused"
    [answer] = prorata.commands({**OPEN, "account": "a2"}).answers
    assert (answer["outcome"], answer["code"]) == ("invalid", "test_clocks_refused")
    billed = prorata("bill", "--test-clock", "--until", "2027-01-01", "--once")
    assert (billed.exit_code, "test_clocks_refused" in billed.err) == (2, True)
    shown = prorata("demo")
    assert (shown.exit_code, shown.out, "test_clocks_refused" in shown.err) == (2, "", True)


def test_a_wrong_month_and_a_wrong_day_are_said(prorata: CommandLine) -> None:
    for arguments in (("close", "2026-13"), ("show", "--through", "soon")):
        refused = prorata("ledger", *arguments)
        assert refused.exit_code == 2, refused
        assert "invalid_" in refused.err


def test_a_parked_key_is_shown_mended_and_released(prorata: CommandLine, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("alter table finance_ledger.invoices add check (number <> 2)")
    assert prorata("consume", "finance_ledger", "--once").exit_code == 0
    [listed] = prorata("dlq", "list", "--json").answers
    assert (listed["consumer"], listed["key"]) == ("finance_ledger", KEY)
    assert "CheckViolation" in listed["error"]
    shown = prorata("dlq", "show", "finance_ledger", KEY).answers
    assert shown[0]["headers"]["ce_type"] == "addon_purchased"
    assert shown[0]["value"].startswith('{"')
    still = prorata("dlq", "release", "finance_ledger", KEY)
    assert still.exit_code == 1
    assert "still_parked" in still.err
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("alter table finance_ledger.invoices drop constraint invoices_number_check")
    assert "handled" in prorata("dlq", "release", "finance_ledger", KEY).out
    assert prorata("dlq", "list").out == "nothing is parked\n"
    assert prorata("dlq", "show", "finance_ledger", KEY).exit_code == 2
    assert prorata("ledger", "check").exit_code == 0


def test_a_consumer_is_replayed_beside_the_live_one(prorata: CommandLine) -> None:
    assert prorata("consume", "entitlement_cache", "--once").exit_code == 0
    assert "nothing was swapped" in prorata("replay", "entitlement_cache", "--no-swap").out
    assert prorata("replay", "entitlement_cache").out == "entitlement_cache is replayed\n"
    assert prorata("replay", "nobody").exit_code == 2


def test_an_archive_is_written_and_verified(prorata: CommandLine, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    assert prorata("archive", "verify", str(folder)).exit_code == 2
    assert prorata("archive", "run", str(folder), "--once").exit_code == 0
    assert prorata("archive", "verify", str(folder)).exit_code == 2  # the first day is not over
    (folder / "manifest.jsonl").write_text("{}\n")
    altered = prorata("archive", "verify", str(folder))
    assert (altered.exit_code, altered.err.split(":")[1].strip()) == (1, "manifest_altered")
