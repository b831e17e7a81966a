"""What people meet at the command line: a story from purchase to consumer, and what bad input is told."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from publishing.clients import Broker
from tests.support.command_line import OPEN, CommandLine, step
from tests.support.domain.catalogs import CATALOG_FILE


@pytest.fixture
def prorata(database_url: str) -> CommandLine:
    """A migrated database, no broker."""
    command_line = CommandLine(database_url)
    done = command_line("migrate")
    assert done.exit_code == 0, done.err
    return command_line


def test_a_story_goes_from_the_command_to_the_consumer(
    database_url: str, kafka_bootstrap: Broker, topic_prefix: str
) -> None:
    prorata = CommandLine(database_url, kafka_bootstrap, topic_prefix)
    assert "applied eventlog/0001" in prorata("migrate").out
    assert "up to date" in prorata("migrate").out
    done = prorata.commands(
        OPEN,
        step("2026-03-20", "purchase_plan", product="standard"),
        step("2026-04-05T18:30", "purchase_addon", product="custom_domain", id="c1"),
        step("2026-04-06", "purchase_addon", product="custom_domain", id="c1"),
        step("2026-04-06", "purchase_addon", product="surveys", preview=True),
    )
    assert done.exit_code == 0, done.err
    assert [answer["charged"] for answer in done.answers] == ["0.00", "20.00", "4.84", "4.84", "3.39"]
    first, again = done.answers[2:4]
    assert again == first
    assert first["renews_on"] == "2026-04-20"
    assert first["message"].startswith("Mission accomplished! Your plan has been upgraded.")
    assert (
        prorata("bill", "--test-clock", "--until", "2026-05-01", "--once").out
        == "1 accounts billed, 2 events\nEUR: 1 invoices of 30.00, 1 paid with 30.00\n"
    )
    assert (
        prorata("bill", "--test-clock", "--until", "2026-05-01", "--once").out
        == "0 accounts billed, 0 events\n"
    )
    assert "7 events folded" in prorata("project", "--once").out
    assert "7 events" in prorata("relay", "--once").out
    assert prorata("relay", "--once").exit_code == 0
    consumed = prorata("consume", "entitlement_cache", "--once")
    assert consumed.exit_code == 0, consumed.err
    history = prorata("history", "a1", "--json")
    types = [event["type"] for event in history.answers]
    assert types == [
        "account_opened",
        "payment_started",
        "plan_purchased",
        "payment_started",
        "addon_purchased",
        "cycles_renewed",
        "invoice_paid",
    ]
    assert "€10.00 × 15/31 days = €4.84" in prorata("history", "a1").out
    for projection in ("entitlements", "invoices", "access_windows", "calendar"):
        rebuilt = prorata("rebuild", projection)
        assert (rebuilt.exit_code, rebuilt.out) == (0, ""), rebuilt.err


def test_the_demo_ends_equal_to_simulation(
    database_url: str, kafka_bootstrap: Broker, topic_prefix: str
) -> None:
    done = CommandLine(database_url, kafka_bootstrap, topic_prefix)("demo")
    assert done.exit_code == 0, done.err
    assert "10.00 × 15/31 days = 4.84" in done.out
    assert "own_process" in done.out
    assert "equal `prorata simulate`" in done.out.replace("\n", " ")


BAD_LINES: list[tuple[str, Any, str, str]] = [
    ("malformed JSON", '{"do": "purchase_plan", "account"', "malformed_json", "$"),
    ("no object", "[1, 2]", "malformed_json", "$"),
    ("a command that is none", step("2026-04-01", "fly"), "unknown_command", "$.do"),
    (
        "a field too many",
        step("2026-04-01", "purchase_plan", product="standard", colour="red"),
        "unknown_field",
        "$.colour",
    ),
    ("a missing field", step("2026-04-01", "purchase_plan"), "missing_field", "$.product"),
    (
        "blocks of another type",
        step("2026-04-01", "start_transactional", blocks="2"),
        "invalid_field",
        "$.blocks",
    ),
    ("an `at` before the last", step("2026-03-01", "close_account"), "at_too_early", "$.at"),
    ("an `at` that is no moment", step("2026-02-30", "close_account"), "invalid_moment", "$.at"),
    ("an account id of 10,000 characters", {**OPEN, "account": "x" * 10_000}, "id_too_long", "$.account"),
    ("a command id of 201 bytes", step("2026-04-01", "close_account", id="x" * 201), "id_too_long", "$.id"),
    ("an unknown currency", {**OPEN, "account": "a2", "currency": "EUX"}, "unknown_currency", "$.currency"),
    (
        "an unknown time zone",
        {**OPEN, "account": "a2", "time_zone": "Mars/Olympus"},
        "unknown_time_zone",
        "$.time_zone",
    ),
    (
        "a catalogue with a negative price",
        {
            **OPEN,
            "account": "a2",
            "catalog": {
                "families": [],
                "plans": [],
                "credits": [],
                "add_ons": [{"id": "x", "name": "X", "prices": {"EUR": "-1.00"}}],
            },
        },
        "invalid_catalog",
        "$.catalog.add_ons[0].prices.EUR",
    ),
]


def test_a_bad_line_is_told_code_and_place_and_the_next_ones_go_on(prorata: CommandLine) -> None:
    lines: list[Any] = [OPEN, step("2026-03-20", "purchase_plan", product="standard")]
    for _, line, _, _ in BAD_LINES:
        lines.append(line)
    lines.append(step("2026-04-05", "purchase_addon", product="custom_domain"))
    done = prorata.commands(*lines)
    assert done.exit_code == 2
    assert len(done.answers) == len(lines)
    for (what, _, code, place), answer in zip(BAD_LINES, done.answers[2:-1], strict=True):
        found = (answer["outcome"], answer["code"], answer["place"])
        assert found == ("invalid", code, place), (what, answer)
        assert answer["message"], what
        assert answer["events"] == [], what
    assert done.answers[-1]["charged"] == "4.84"
    assert prorata("history", "a2").exit_code == 2


def test_refusals_are_answers_and_the_exit_code_is_0(prorata: CommandLine) -> None:
    done = prorata.commands(
        OPEN,
        step("2026-03-20", "purchase_plan", product="gold"),
        step("2026-03-20", "purchase_plan", product="standard", by="manager"),
        {**OPEN, "account": "nobody", "do": "close_account", "currency": "EUR"} | {},
    )
    codes = [answer["code"] for answer in done.answers[:3]]
    assert codes == [None, "unknown_product", "forbidden"]
    refused = prorata.commands({"do": "close_account", "account": "nobody", "at": "2026-03-20"})
    assert (refused.exit_code, refused.answers[0]["code"]) == (0, "unknown_account")


def test_each_clock_reaches_only_its_own_accounts(prorata: CommandLine) -> None:
    on_wall = {"do": "open_account", "account": "w1", "currency": "EUR", "time_zone": "Europe/Paris"}
    assert prorata.commands(on_wall, test_clock=False).answers[0]["outcome"] == "accepted"
    assert prorata.commands(OPEN).answers[0]["outcome"] == "accepted"
    crossed = prorata.commands({"do": "close_account", "account": "a1"}, test_clock=False)
    assert crossed.answers[0]["code"] == "wrong_clock"
    crossed = prorata.commands({"do": "close_account", "account": "w1", "at": "2030-01-01"})
    assert crossed.answers[0]["code"] == "wrong_clock"


def test_the_shipped_example_serves_no_account_on_the_wall_clock(
    prorata: CommandLine, tmp_path: Path
) -> None:
    opened = {"do": "open_account", "account": "w1", "currency": "EUR", "time_zone": "Europe/Paris"}
    bought = {
        "do": "purchase_addon",
        "account": "w1",
        "product": "custom_domain",
        "confirm": {"cvv": "tok_1", "billing": True},
    }
    assert "test clock only" in prorata("catalog", "load", str(CATALOG_FILE)).err
    done = prorata.commands(opened, bought, test_clock=False)
    assert [answer["code"] for answer in done.answers] == [None, "no_catalogue"]
    own = tmp_path / "own.json"
    own.write_bytes(CATALOG_FILE.read_bytes().replace(b"Custom domain", b"Own domain"))
    assert prorata("catalog", "load", str(own)).exit_code == 0
    without_token = {**bought, "confirm": {"billing": True}}
    done = prorata.commands(without_token, bought, test_clock=False)
    assert [answer["code"] for answer in done.answers] == ["confirmation_required", None]
    assert done.answers[1]["charged"] == "10.00"


def test_a_catalogue_cannot_take_effect_in_the_past(prorata: CommandLine, tmp_path: Path) -> None:
    done = prorata("catalog", "load", str(CATALOG_FILE), "--from", "2020-01-01")
    assert (done.exit_code, "effective_in_past" in done.err) == (2, True)
    broken = tmp_path / "broken.json"
    catalog = msgspec.json.decode(CATALOG_FILE.read_bytes())
    catalog["plans"][1]["tiers"][0]["prices"]["EUR"] = "-13.00"
    broken.write_bytes(msgspec.json.encode(catalog))
    done = prorata("catalog", "load", str(broken))
    assert done.exit_code == 2
    assert "invalid_catalog" in done.err
    assert "$.plans[1].tiers[0].prices" in done.err


def test_the_wall_clock_is_not_billed_before_its_time(prorata: CommandLine) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    done = prorata("bill", "--until", tomorrow, "--once")
    assert (done.exit_code, "until_in_future" in done.err) == (2, True)


def test_a_server_that_is_not_there_is_said_so_with_exit_3() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        prorata = CommandLine(f"postgresql://prorata@{address}/prorata", address)
        done = prorata.commands(OPEN)
    assert done.exit_code == 3
    assert done.out == ""
    assert done.err.startswith("prorata: ")
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("address", "exit_code", "code"),
    [("nonsense", 2, "invalid_setting"), ("postgresql://prorata@127.0.0.1:1/x", 3, "")],
)
def test_no_command_ends_in_a_traceback_without_its_database(address: str, exit_code: int, code: str) -> None:
    commands = ("migrate", "project --once", "rebuild invoices", "consume entitlement_cache --once", "shop a")
    for command, done in CommandLine(address).at_once(*commands).items():
        assert done.exit_code == exit_code, (command, done.err)
        assert done.err.startswith(f"prorata: {code}"), command
        assert "Traceback" not in done.err, command


def test_a_broker_that_is_not_there_is_said_so_with_exit_3(prorata: CommandLine) -> None:
    commands = ("relay --once", "consume entitlement_cache --once", "demo")
    for command, done in prorata.at_once(*commands).items():
        assert done.exit_code == 3, (command, done.err)
        assert "broker_unreachable" in done.err, command
        assert "Traceback" not in done.err, command


def test_an_unmigrated_database_is_said_so(database_url: str) -> None:
    done = CommandLine(database_url).commands(OPEN)
    assert "prorata migrate" in done.err
    assert done.exit_code == 4


@pytest.mark.parametrize(
    ("prefix", "problem"),
    [
        ("billing.events.v2", "names a topic"),
        ("v 2", "cannot begin a topic's name"),
        (".", "cannot begin a topic's name"),
        ("now", "published under now"),
        ("now.", "published under now"),
    ],
)
def test_topics_that_are_no_others_are_not_published_beside(prefix: str, problem: str) -> None:
    prorata = CommandLine("postgresql://nowhere", prefix="now.")
    done = prorata("relay", "--once", "--republish-to", prefix)
    assert done.exit_code == 2
    assert done.err.startswith("prorata: prefix_unusable: ")
    assert problem in done.err


@pytest.mark.parametrize("line", ["fly", "rebuild", "rebuild nothing", "consume nothing"])
def test_a_usage_error_ends_with_2(line: str) -> None:
    done = CommandLine("postgresql://nowhere")(*line.split())
    assert done.exit_code == 2, done.err
    assert done.err.startswith("prorata: ")


def test_the_list_of_commands_says_what_each_is_for() -> None:
    listed = CommandLine("postgresql://nowhere")("--help")
    assert listed.exit_code == 0
    assert "Play scenario files" in listed.out
    assert "Whether the file is a catalogue" in CommandLine("postgresql://nowhere")("catalog", "--help").out


@pytest.mark.parametrize(
    "subcommand",
    ["simulate", "migrate", "command", "bill", "project", "relay", "consume", "history", "rebuild", "demo"],
)
def test_every_command_explains_itself(subcommand: str) -> None:
    done = CommandLine("postgresql://nowhere")(subcommand, "--help")
    assert done.exit_code == 0
    assert f"prorata {subcommand}" in done.out


def test_the_installed_command_does_as_it_does_in_these_tests(database_url: str) -> None:
    prorata = CommandLine(database_url)
    assert "applied eventlog/0001" in prorata.installed("migrate").out
    line = msgspec.json.encode(OPEN)
    assert prorata.installed("command", "--test-clock", given=line).answers[0]["outcome"] == "accepted"
    for arguments in (("history", "a1"), ("history", "nobody"), ("fly",), ("--help",)):
        done = prorata.installed(*arguments)
        assert done == prorata(*arguments)
        assert done.out + done.err
