"""`prorata import accounts`: accounts of another system are checked, reported on, taken over once and billed
on (docs/importing.md)."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.command_line import PRORATA, CommandLine, Done

DOCS = Path(__file__).parents[2] / "docs" / "importing"
CSV = (DOCS / "accounts.csv").read_text(encoding="utf-8")

CONVERTED: dict[str, Any] = {
    "currency": "EUR",
    "time_zone": "Europe/Paris",
    "products": [{"product": "standard", "tier": "500", "price": "18.00", "paid_until": "2026-04-20"}],
}
"""A row, all but its account."""


@pytest.fixture
def prorata(database_url: str) -> CommandLine:
    command_line = CommandLine(database_url)
    assert command_line("migrate").exit_code == 0
    return command_line


def imported(prorata: CommandLine, file: Path, *more: str, as_of: str = "2026-04-10") -> Done:
    return prorata("import", "accounts", str(file), "--test-clock", "--as-of", as_of, *more)


def written(folder: Path, text: str, name: str = "accounts.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def converted(folder: Path, script: str, export: str) -> Path:
    """What a script of the page makes of its export."""
    command = [sys.executable, str(DOCS / script), str(DOCS / export)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    return written(folder, done.stdout, "accounts.jsonl")


def report_of(prorata: CommandLine, file: Path, *more: str) -> list[dict[str, Any]]:
    report = file.with_name("report.jsonl")
    imported(prorata, file, "--report", str(report), *more)
    return [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]


def next_invoices(rows: list[dict[str, Any]]) -> dict[str, tuple[str, str, list[str]] | None]:
    """By account: date, amount and products of its first invoice here."""
    return {
        row["account"]: None
        if row["next_invoice"] is None
        else (row["next_invoice"]["date"], row["next_invoice"]["amount"], row["next_invoice"]["products"])
        for row in rows
    }


def test_a_dry_run_says_what_would_be_billed_next_and_changes_nothing(
    prorata: CommandLine, tmp_path: Path
) -> None:
    file = written(tmp_path, CSV)
    rows = report_of(prorata, file, "--dry-run")
    assert {row["outcome"] for row in rows} == {"ready"}
    assert next_invoices(rows) == {
        "a-17": ("2026-04-20", "60.00", ["standard", "transactional"]),
        "a-18": None,
        "a-19": ("2026-05-02", "13.00", ["essentials"]),
    }
    assert prorata("verify").out.startswith("0 events")


def test_accounts_are_taken_over_once_and_renewed_on_their_date(prorata: CommandLine, tmp_path: Path) -> None:
    file = written(tmp_path, CSV)
    assert imported(prorata, file).out == "3 accounts: 3 taken over\n"
    assert imported(prorata, file, as_of="2026-04-11").out == "3 accounts: 3 taken over before\n"
    assert prorata("verify").exit_code == 0
    assert prorata("bill", "--test-clock", "--until", "2026-05-01", "--once").exit_code == 0
    history = prorata("history", "a-17", "--json")
    assert history.answers[0]["type"] == "account_imported"
    billed = [event for event in history.answers if event["type"] == "cycles_renewed"]
    assert len(billed) == 1


def test_every_fault_is_said_and_nothing_is_taken(prorata: CommandLine, tmp_path: Path) -> None:
    file = written(tmp_path, CSV.replace("standard,500,18.00", "standard,501,18.00").replace("18900", "x"))
    done = imported(prorata, file)
    assert done.exit_code == 2
    said = done.out.splitlines()
    assert "line 2, account 'a-17': unknown_tier at $.products[0].tier" in said[0]
    assert "line 5, account 'a-18': invalid_row at line 5, paid" in said[1]
    assert said[-1] == "3 accounts: 1 can be taken over, 2 with a fault; nothing was taken over"
    assert prorata("verify").out.startswith("0 events")


def test_an_account_that_is_here_already_is_not_taken_over(prorata: CommandLine, tmp_path: Path) -> None:
    file = written(tmp_path, CSV)
    assert imported(prorata, file).exit_code == 0
    done = imported(prorata, written(tmp_path, CSV.replace("18.00", "17.00", 1)))
    assert (done.exit_code, "account_exists" in done.out) == (2, True)


def test_killed_again_and_again_each_account_is_taken_over_once(prorata: CommandLine, tmp_path: Path) -> None:
    line = {**CONVERTED, "method": "pm_1"}
    rows = [json.dumps({**line, "account": f"a-{nth}"}) for nth in range(3_000)]
    file = written(tmp_path, "\n".join(rows), "accounts.jsonl")
    command = ["import", "accounts", str(file), "--test-clock", "--as-of", "2026-04-10"]
    with psycopg.connect(prorata.database_url, autocommit=True) as connection:
        for reached in (500, 1_500):
            killed = subprocess.Popen([PRORATA, *command], env=prorata.environment_of(*command))
            while not _events(connection) >= reached:
                assert killed.poll() is None
                time.sleep(0.01)
            killed.kill()
            killed.wait()
        assert _events(connection) < 3_000
        assert prorata(*command).exit_code == 0
        assert _events(connection) == 3_000
    assert prorata("verify").out.startswith("3,000 events")


def _events(connection: psycopg.Connection[Any]) -> int:
    [[events]] = connection.execute("select count(*) from public.events").fetchall()
    assert isinstance(events, int)
    return events


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "invalid_file"),
        ("account,currency\n", "invalid_file"),
        ("account,currency,time_zone,colour\n", "invalid_file"),
        ("account,currency,time_zone,currency\n", "invalid_file"),
        ('account,currency,time_zone\n"a', "invalid_file"),
    ],
)
def test_a_file_of_another_kind_is_refused(
    prorata: CommandLine, tmp_path: Path, text: str, code: str
) -> None:
    done = imported(prorata, written(tmp_path, text))
    assert (done.exit_code, f"prorata: {code}:" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ('{"account": "a1"', "$"),
        ('{"account": "a1", "account": "a2", "currency": "EUR", "time_zone": "UTC"}', "$"),
        ('{"account": "a1", "currency": "EUR", "time_zone": "UTC", "colour": 1}', "$"),
        ('{"account": "a\\u2028", "currency": "EUR", "time_zone": "UTC"}', "$.account"),
        ('{"account": "a1", "currency": "EUR", "time_zone": "UTC", "products": [{"product": 1}]}',
         "$.products[0].product"),
        ("[" * 100_000, "$"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_row_says_where(
    prorata: CommandLine, tmp_path: Path, line: str, place: str
) -> None:
    done = imported(prorata, written(tmp_path, line + "\n", "accounts.jsonl"))
    assert done.exit_code == 2
    assert f" at {place}: " in done.out


def test_stripes_customers_are_billed_on_as_stripe_would_have(prorata: CommandLine, tmp_path: Path) -> None:
    rows = report_of(prorata, converted(tmp_path, "from_stripe.py", "stripe.jsonl"))
    assert {row["outcome"] for row in rows} == {"taken"}
    assert next_invoices(rows) == {
        "cus_A1": ("2026-04-20", "30.00", ["standard", "custom_domain"]),
        "cus_A2": ("2026-04-30", "20.00", ["standard"]),
        "cus_A3": None,
        "cus_A4": ("2026-05-08", "750", ["inbox_preview"]),
    }


def test_kill_bills_accounts_are_billed_on_as_it_would_have(prorata: CommandLine, tmp_path: Path) -> None:
    rows = report_of(prorata, converted(tmp_path, "from_kill_bill.py", "kill-bill.jsonl"))
    assert {row["outcome"] for row in rows} == {"taken"}
    assert next_invoices(rows) == {
        "kb-11": ("2026-04-20", "30.00", ["standard", "custom_domain"]),
        "kb-12": ("2026-04-30", "10.00", ["websites_core"]),
        "kb-13": None,
    }


def test_the_reference_of_a_payment_method_is_in_nothing_that_is_written(
    prorata: CommandLine, tmp_path: Path
) -> None:
    file = written(tmp_path, CSV.replace("pm_17", "pm_secret_reference"))
    report = tmp_path / "report.jsonl"
    done = imported(prorata, file, "--report", str(report))
    assert done.exit_code == 0
    told = prorata("history", "a-17", "--json").out + done.out + done.err + report.read_text("utf-8")
    assert "pm_secret_reference" not in told


def test_every_screen_shows_an_account_that_was_taken_over(prorata: CommandLine, tmp_path: Path) -> None:
    assert imported(prorata, written(tmp_path, CSV)).exit_code == 0
    upgraded = {"do": "change_plan", "account": "a-17", "at": "2026-04-15", "product": "premium"}
    assert prorata.commands(upgraded).answers[0]["outcome"] == "accepted"
    assert prorata("clock", "a-17", "--advance-to", "2026-05-01").exit_code == 0
    assert prorata("project", "--once").exit_code == 0
    for screen in (
        ("history", "a-17"),
        ("history", "a-17", "--language", "fr"),
        ("show", "a-17"),
        ("show", "a-17", "--at", "2026-04-12"),
        ("diff", "a-17", "--from", "2026-04-12", "--to", "2026-05-01"),
        ("billing", "a-17"),
        ("shop", "a-17"),
        ("explain", "a-17", "1"),
        ("explain", "a-17", "2", "--language", "fr"),
        ("billing", "a-18"),
        ("shop", "a-19"),
    ):
        done = prorata(*screen)
        assert (screen, done.exit_code, done.err) == (screen, 0, "")
        assert done.out
    first = prorata("history", "a-17").out.splitlines()
    assert "account_imported (R3, R4) by import" in first[0]
    assert "The account was taken over from another system, in EUR, Europe/Paris." in first[1]
